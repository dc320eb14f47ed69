using System.Runtime.CompilerServices;
using Grpc.Core;
using Pachyderm.Errors;
using Pachyderm.Wire.Pfs;
using Pachyderm.Wire.V1_3;

namespace Pachyderm.Client.History;

/// <summary>A repo of another cluster, of any release: its commits and their files.</summary>
internal abstract class SourceCluster(PachClient client, string repo) : ITreeSource
{
    // Slashes in the names of branches are rare, and each more is asked for once more when an address is wrong.
    private const int MostParts = 4;

    private static readonly Method<InspectCommitRequest, AnyCommitInfo> InspectAny =
        ForeignMethods.Create("InspectCommit", InspectCommitRequest.Parser, AnyCommitInfo.Parser);

    /// <summary>Talks to the cluster.</summary>
    protected PachClient Client => client;

    /// <summary>The repo.</summary>
    protected string Repo => repo;

    /// <summary>Finds out what the cluster is, and resolves a commit of it.</summary>
    /// <param name="client">Talks to the cluster.</param>
    /// <param name="repo">The repo.</param>
    /// <param name="path">
    /// The commit, by identifier or branch, and what may follow in an address: <c>COMMIT[/PATH]</c>. Branches may have slashes in their names, and
    /// identifiers of 1.3 do; of several that fit, the shortest is meant.
    /// </param>
    /// <param name="isWhole">Whether no path is expected: then all of it is the commit, if there is one of that name.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="OperatorException"><c>source-refused</c>: the cluster does not have the commit, or does not tell.</exception>
    public static async Task<(SourceCluster Cluster, string Commit, string Path)> OpenAsync(
        PachClient client, string repo, string path, bool isWhole, CancellationToken cancellationToken)
    {
        OperatorException? refused = null;
        foreach ((string name, string below) in Readings(path, isWhole))
        {
            CommitRef commit = new(repo, name);
            try
            {
                AnyCommitInfo info = await TryAsync(client, commit.ToString(), () => InspectAsync(client, commit, cancellationToken));
                string id = info.Commit?.Id ?? "";

                // Releases since 1.4 tell the identifier, which has 32 digits whatever was asked for. 1.3 has no identifiers of this length.
                return id.Length == 32
                    ? (new ModernCluster(client, repo), id, below)
                    : await OpenNumberedAsync(client, repo, name, id, below, cancellationToken);
            }
            catch (OperatorException exception) when (exception.InnerException is PachException { Status: StatusCode.Unknown or StatusCode.NotFound })
            {
                // A part that no commit is named by. What is told in the end is that of the first reading.
                refused ??= exception;
            }
        }

        throw refused!;
    }

    /// <summary>What led to a commit.</summary>
    public abstract Task<CommitHistory> HistoryAsync(string commit, CancellationToken cancellationToken);

    /// <inheritdoc/>
    public abstract IAsyncEnumerable<TreeItem> ListAsync(string commit, string directory, CancellationToken cancellationToken);

    /// <inheritdoc/>
    public virtual IAsyncEnumerable<ItemChange> DiffAsync(
        string oldCommit, string newCommit, string directory, CancellationToken cancellationToken) =>
        TreeChanges.CompareAsync(
            ListAsync(oldCommit, directory, cancellationToken), ListAsync(newCommit, directory, cancellationToken), cancellationToken);

    /// <summary>Whether a commit has so many bytes: by what its record says or, where that is wrong, by its files.</summary>
    public async Task<bool> HasSizeAsync(SourceCommit commit, ulong size, CancellationToken cancellationToken)
    {
        if (commit.Size is not { } told || told == size)
        {
            return true;
        }

        ulong listed = 0;
        await foreach (TreeItem item in ListAsync(commit.Id, "", cancellationToken))
        {
            listed += (ulong)item.Size;
        }

        return listed == size;
    }

    /// <summary>The paths of all files at and below a path.</summary>
    public abstract IAsyncEnumerable<string> FilesAsync(string commit, string path, CancellationToken cancellationToken);

    /// <summary>Opens a file.</summary>
    public Task<Stream> ReadAsync(string commit, string path, CancellationToken cancellationToken)
    {
        CommitRef reference = new(repo, commit);
        return TryAsync($"{reference}:{path}", () => client.Files.OpenAsync(reference, path, cancellationToken: cancellationToken));
    }

    /// <summary>Asks the cluster, and says of a refusal who refused.</summary>
    protected Task<T> TryAsync<T>(string what, Func<Task<T>> ask) => TryAsync(client, what, ask);

    /// <summary>Reads a list of the cluster, and says of a refusal who refused.</summary>
    protected async IAsyncEnumerable<T> TryAllAsync<T>(
        string what, IAsyncEnumerable<T> items, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await using IAsyncEnumerator<T> found = items.GetAsyncEnumerator(cancellationToken);
        while (await TryAsync(what, () => found.MoveNextAsync().AsTask()))
        {
            yield return found.Current;
        }
    }

    /// <summary>The name of something in a directory, from the path that the cluster tells.</summary>
    /// <exception cref="OperatorException"><c>source-refused</c>: it is not directly in that directory.</exception>
    protected string NameIn(string directory, string path)
    {
        string absolute = path.StartsWith('/') ? path : '/' + path;
        string prefix = directory + '/';
        string name = absolute.StartsWith(prefix, StringComparison.Ordinal) ? absolute[prefix.Length..] : "";
        return name is "" or "." or ".." || name.Contains('/', StringComparison.Ordinal)
            ? throw Refused(client, $"{repo}{directory}", $"it lists '{path}' there, which cannot be", inner: null)
            : name;
    }

    // What may be the commit, and what is left for the path.
    private static IEnumerable<(string Commit, string Path)> Readings(string path, bool isWhole)
    {
        string text = path.TrimEnd('/');
        if (isWhole && text.Contains('/', StringComparison.Ordinal))
        {
            yield return (text, "");
        }

        int slash = -1;
        for (int parts = 1; parts <= MostParts && slash < text.Length; parts++)
        {
            slash = text.IndexOf('/', slash + 1) is var next and >= 0 ? next : text.Length;
            yield return (text[..slash], slash < text.Length ? text[(slash + 1)..] : "");
        }
    }

    private static async Task<(SourceCluster Cluster, string Commit, string Path)> OpenNumberedAsync(
        PachClient client, string repo, string name, string id, string path, CancellationToken cancellationToken)
    {
        Cluster1_3 cluster = new(client, repo);
        string[] parts = path.Split('/', 2);
        string numbered = $"{name}/{parts[0]}";
        bool isNumber = parts[0].Length > 0 && parts[0].All(char.IsAsciiDigit);
        return isNumber && await ExistsAsync(client, new CommitRef(repo, numbered), cancellationToken)
            ? (cluster, numbered, parts.Length > 1 ? parts[1] : "")
            : (cluster, id.Length > 0 ? id : name, path);
    }

    private static Task<AnyCommitInfo> InspectAsync(PachClient client, CommitRef commit, CancellationToken cancellationToken) =>
        ForeignMethods.CallAsync(client.Connection, InspectAny, new InspectCommitRequest { Commit = commit.ToWire() }, cancellationToken);

    private static async Task<bool> ExistsAsync(PachClient client, CommitRef commit, CancellationToken cancellationToken)
    {
        try
        {
            await InspectAsync(client, commit, cancellationToken);
            return true;
        }
        catch (PachException)
        {
            // Then the number is the name of a file; if it is not, reading it will tell.
            return false;
        }
    }

    private static async Task<T> TryAsync<T>(PachClient client, string what, Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (PachException exception)
        {
            throw Refused(client, what, exception.Message.ReplaceLineEndings(" ").Trim(), exception);
        }
    }

    private static OperatorException Refused(PachClient client, string what, string problem, Exception? inner) => new(
        "source-refused", $"pfs://{client.Address}/{what}", problem, "look at the source with `pachctl --address` and try again", inner);
}
