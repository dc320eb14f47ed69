using Grpc.Core;
using Pachyderm.Wire.Native;

namespace Pachyderm.Client.Transport;

/// <summary>A file whose content a server on the same machine can write by itself, through <c>GetContent</c>.</summary>
internal sealed class HandOverDownload : IDisposable
{
    private readonly Connection _connection;
    private readonly AsyncDuplexStreamingCall<GetContentRequest, GetContentResponse> _call;
    private readonly HandOver _offer;

    private HandOverDownload(Connection connection, AsyncDuplexStreamingCall<GetContentRequest, GetContentResponse> call, HandOver offer) =>
        (_connection, _call, _offer) = (connection, call, offer);

    /// <summary>Asks for a file.</summary>
    /// <returns>Null where the server does not know the method, or has the content fetched in another way.</returns>
    /// <exception cref="PachException">There is no such file.</exception>
    public static async Task<HandOverDownload?> TryStartAsync(
        Connection connection, Files.FilesClient files, Wire.Pfs.File file, CancellationToken cancellationToken)
    {
        if (connection.Lacks(nameof(files.GetContent)))
        {
            return null;
        }

        AsyncDuplexStreamingCall<GetContentRequest, GetContentResponse> call = files.GetContent(cancellationToken: cancellationToken);
        HandOver? offer = null;
        try
        {
            await connection.WriteAsync(call, new GetContentRequest { Head = new GetContentHead { File = file } }, cancellationToken);
            offer = await connection.MoveNextAsync(call.ResponseStream, cancellationToken) ? call.ResponseStream.Current.HandOver : null;
            return offer is null ? null : new HandOverDownload(connection, call, offer);
        }
        catch (PachException exception) when (exception.Status == StatusCode.Unimplemented)
        {
            connection.RememberLack(nameof(files.GetContent));
            return null;
        }
        finally
        {
            if (offer is null)
            {
                call.Dispose();
            }
        }
    }

    /// <summary>Hands a file over, and waits until the content is in it.</summary>
    /// <returns>False if it could not be handed over; nothing is written then.</returns>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public async Task<bool> TryWriteAsync(FileStream file, IProgress<Transfer>? progress, CancellationToken cancellationToken)
    {
        if (!FileHandOver.CanBeWritten(file) || !await FileHandOver.TryAsync(_offer, file, cancellationToken))
        {
            return false;
        }

        try
        {
            await _connection.WriteAsync(_call, new GetContentRequest { HandedOverAt = (ulong)file.Position }, cancellationToken);
            while (await _connection.MoveNextAsync(_call.ResponseStream, cancellationToken))
            {
                GetContentResponse answer = _call.ResponseStream.Current;
                progress?.Report(new Transfer(Files: 0, (long)answer.Written));
                if (answer.Done)
                {
                    return true;
                }
            }
        }
        catch (PachException exception) when (exception.Status == StatusCode.InvalidArgument)
        {
            throw FileHandOver.Failure(file, exception);
        }

        throw new PachException(StatusCode.Internal, "the server did not say that the file is complete");
    }

    /// <inheritdoc/>
    public void Dispose() => _call.Dispose();
}
