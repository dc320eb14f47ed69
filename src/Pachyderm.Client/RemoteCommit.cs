using Pachyderm.Client.History;

namespace Pachyderm.Client;

/// <summary>A commit of another cluster, of 1.3, 1.4, 1.5 or this release, whose files are to be copied.</summary>
public sealed class RemoteCommit
{
    private readonly SourceCluster _cluster;

    private RemoteCommit(SourceCluster cluster, string id, string path) => (_cluster, Id, Path) = (cluster, id, path);

    /// <summary>The commit's identifier, as the other cluster names it.</summary>
    public string Id { get; }

    /// <summary>The file or directory that is meant; the root if empty.</summary>
    public string Path { get; }

    /// <summary>Finds a commit, and what release it is of.</summary>
    /// <param name="client">
    /// Talks to the other cluster. For long lists of releases that send each as one message, see <see cref="PachClientOptions.LongestReply"/>.
    /// </param>
    /// <param name="repo">The repo.</param>
    /// <param name="path">
    /// <c>COMMIT[/PATH]</c>: a commit by identifier or branch, and a file or directory in it. If branches have slashes in their names, the shortest
    /// name that fits is meant. In 1.3, identifiers are <c>BRANCH/NUMBER</c>.
    /// </param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="Errors.OperatorException"><c>source-refused</c>: the other cluster does not have it, or does not tell.</exception>
    public static async Task<RemoteCommit> OpenAsync(
        PachClient client, string repo, string path, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(path);
        (SourceCluster cluster, string commit, string below) = await SourceCluster.OpenAsync(client, repo, path, isWhole: false, cancellationToken);
        return new RemoteCommit(cluster, commit, below);
    }

    /// <summary>Yields the paths of all files at and below <see cref="Path"/>.</summary>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="Errors.OperatorException"><c>source-refused</c>: as for <see cref="OpenAsync"/>.</exception>
    public IAsyncEnumerable<string> FilesAsync(CancellationToken cancellationToken = default) => _cluster.FilesAsync(Id, Path, cancellationToken);

    /// <summary>Opens a file, which is then read forward, asynchronously.</summary>
    /// <param name="path">Its path in the commit.</param>
    /// <param name="cancellationToken">Stops the download, also after this has returned.</param>
    /// <exception cref="Errors.OperatorException"><c>source-refused</c>: as for <see cref="OpenAsync"/>.</exception>
    public Task<Stream> ReadAsync(string path, CancellationToken cancellationToken = default) => _cluster.ReadAsync(Id, path, cancellationToken);
}
