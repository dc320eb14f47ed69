using System.Runtime.CompilerServices;
using Pachyderm.Client;
using Pachyderm.Errors;
using Pachyderm.Pfs;

namespace Pachyderm.Pachd.Services;

/// <summary>Files of other clusters, fetched as a client of them.</summary>
internal sealed class RemoteFiles : IRemoteFileSource
{
    private const int PieceLength = 1 << 20;

    // A release that sends a list as one message sends one of any length; the list of a directory with two million files has about this.
    private const int LongestReply = 256 << 20;

    /// <inheritdoc/>
    public async IAsyncEnumerable<RemoteFile> OpenAsync(
        RemoteAddress address, bool recursive, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!PachAddress.TryParse(address.Server, out PachAddress? server))
        {
            throw new PfsException(PfsErrorKind.InvalidArgument, $"error parsing url pfs://{address.Server}: the host is no address");
        }
        await using PachClient client = new(new PachClientOptions { Address = server, LongestReply = LongestReply });
        RemoteCommit commit = await TryAsync(
            address,
            () => RemoteCommit.OpenAsync(client, address.Commit.Repo.Value, $"{address.Commit.Text}/{address.Path}", cancellationToken));
        string root = '/' + commit.Path.Trim('/');
        if (!recursive)
        {
            yield return new RemoteFile("", ReadAsync(commit, address, root, cancellationToken));
            yield break;
        }
        string prefix = root.Length > 1 ? root + '/' : root;
        await using IAsyncEnumerator<string> found = commit.FilesAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (await TryAsync(address, () => found.MoveNextAsync().AsTask()))
        {
            string path = '/' + found.Current.TrimStart('/');
            string below = path == root ? ""
                : path.StartsWith(prefix, StringComparison.Ordinal) ? path[prefix.Length..]
                : throw Unavailable(address, PfsErrorKind.SourceUnavailable, $"it lists {path} below {root}", inner: null);
            yield return new RemoteFile(below, ReadAsync(commit, address, path, cancellationToken));
        }
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        RemoteCommit commit, RemoteAddress address, string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using Stream content = await TryAsync(address, () => commit.ReadAsync(path, cancellationToken));
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
        catch (Exception exception) when (exception is PachException or OperatorException or IOException)
        {
            bool isMissing = (exception.InnerException ?? exception) is PachException { IsNotFound: true };
            string problem = exception is OperatorException told ? told.Problem : exception.Message;
            throw Unavailable(address, isMissing ? PfsErrorKind.NotFound : PfsErrorKind.SourceUnavailable, problem, exception);
        }
    }

    private static PfsException Unavailable(RemoteAddress address, PfsErrorKind kind, string problem, Exception? inner) =>
        new(kind, $"cannot fetch pfs://{address.Server}/{address.Commit}: {problem.ReplaceLineEndings(" ")}", inner);
}
