using Google.Protobuf;
using Grpc.Core;
using Pachyderm.Client.Transport;
using Pachyderm.Wire.Native;

namespace Pachyderm.Client;

/// <summary>A whole cluster as one stream. Errors as in <see cref="RepoOperations"/>.</summary>
public sealed class AdminOperations
{
    private const int PieceLength = 1 << 20;

    private readonly Connection _connection;
    private readonly Admin.AdminClient _admin;

    internal AdminOperations(Connection connection) => (_connection, _admin) = (connection, new Admin.AdminClient(connection.Invoker));

    /// <summary>Writes everything that the cluster keeps, as of one moment, to a stream; doc/extract.md has its format.</summary>
    /// <param name="destination">Where it goes. What was written of it when this fails is of no use.</param>
    /// <param name="progress">Told of what has arrived.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="PachException"><see cref="StatusCode.Unimplemented"/>: the server is of 1.5 or older.</exception>
    public async Task ExtractAsync(Stream destination, IProgress<Transfer>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        IAsyncEnumerable<ExtractResponse> pieces = _connection.ReadAsync(
            () => _admin.Extract(new ExtractRequest(), cancellationToken: cancellationToken), cancellationToken);
        await foreach (ExtractResponse piece in pieces)
        {
            await destination.WriteAsync(piece.Value.Memory, cancellationToken);
            progress?.Report(new Transfer(Files: 0, Bytes: piece.Value.Length));
        }

        await destination.FlushAsync(cancellationToken);
    }

    /// <summary>Makes a cluster have what a stream holds: all of it at once, or nothing.</summary>
    /// <param name="source">The stream, read to its end.</param>
    /// <param name="progress">Told of what was sent.</param>
    /// <param name="cancellationToken">Stops it; nothing is visible then.</param>
    /// <returns>What was written, and what was there.</returns>
    /// <exception cref="PachException">
    /// <see cref="StatusCode.AlreadyExists"/>: the cluster has other things under names of the stream. <see cref="StatusCode.DataLoss"/>:
    /// the stream
    /// is damaged or cut off. Nothing was restored then.
    /// </exception>
    public async Task<RestoreResponse> RestoreAsync(
        Stream source, IProgress<Transfer>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        using AsyncClientStreamingCall<RestoreRequest, RestoreResponse> call = _admin.Restore(cancellationToken: cancellationToken);
        byte[] piece = new byte[PieceLength];
        while (await source.ReadAtLeastAsync(piece, piece.Length, throwOnEndOfStream: false, cancellationToken) is var read and > 0)
        {
            // A write returns when the message is on its way, its bytes copied.
            await _connection.WriteAsync(call, new RestoreRequest { Value = ByteString.CopyFrom(piece, 0, read) }, cancellationToken);
            progress?.Report(new Transfer(Files: 0, Bytes: read));
        }

        await call.RequestStream.CompleteAsync();
        return await _connection.AnswerAsync(call.ResponseAsync);
    }
}
