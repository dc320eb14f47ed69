using System.Runtime.CompilerServices;
using Pachyderm.Client;
using Pachyderm.Pfs;

namespace Pachyderm.Pachd.Services;

/// <summary>Files of other clusters, fetched as a client of them.</summary>
internal sealed class RemoteFiles : IRemoteFileSource
{
    private const int PieceLength = 1 << 20;

    /// <inheritdoc/>
    public async IAsyncEnumerable<RemoteFile> OpenAsync(
        RemoteAddress address, bool recursive, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!PachAddress.TryParse(address.Server, out PachAddress? server))
        {
            throw new PfsException(PfsErrorKind.InvalidArgument, $"error parsing url pfs://{address.Server}: the host is no address");
        }
        await using PachClient client = new(new PachClientOptions { Address = server });
        CommitRef commit = new(address.Commit.Repo.Value, address.Commit.Text);
        if (!recursive)
        {
            yield return new RemoteFile('/' + address.Path.TrimStart('/'), ReadAsync(client, address, commit, address.Path, cancellationToken));
            yield break;
        }
        await using IAsyncEnumerator<Wire.Pfs.FileInfo> found =
            client.Files.ListAsync(commit, address.Path, recursive: true, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (await TryAsync(address, () => found.MoveNextAsync().AsTask()))
        {
            if (found.Current.FileType == Wire.Pfs.FileType.File)
            {
                string path = '/' + found.Current.File.Path.TrimStart('/');
                yield return new RemoteFile(path, ReadAsync(client, address, commit, path, cancellationToken));
            }
        }
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        PachClient client, RemoteAddress address, CommitRef commit, string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using Stream content = await TryAsync(address, () => client.Files.OpenAsync(commit, path, cancellationToken: cancellationToken));
        byte[] piece = new byte[PieceLength];
        for (int read; (read = await TryAsync(address, () => content.ReadAsync(piece, cancellationToken).AsTask())) > 0;)
        {
            yield return piece.AsMemory(0, read);
        }
    }

    private static async Task<T> TryAsync<T>(RemoteAddress address, Func<Task<T>> step)
    {
        try
        {
            return await step();
        }
        catch (Exception exception) when (exception is PachException or PachConnectionException or IOException)
        {
            PfsErrorKind kind = exception is PachException { IsNotFound: true } ? PfsErrorKind.NotFound : PfsErrorKind.SourceUnavailable;
            throw new PfsException(kind, $"cannot fetch pfs://{address.Server}/{address.Commit}: {exception.Message.ReplaceLineEndings(" ")}", exception);
        }
    }
}
