using System.Globalization;
using System.Runtime.CompilerServices;
using Grpc.Core;
using Pachyderm.Errors;
using Pachyderm.Wire.Pfs;
using Old = Pachyderm.Wire.V1_3;

namespace Pachyderm.Client.History;

/// <summary>
/// A cluster of 1.3. Its commits are <c>BRANCH/NUMBER</c>, its lists know no hashes but the last commit that wrote to a file, and its
/// directories have to be listed on both sides to be compared.
/// </summary>
internal sealed class Cluster1_3(PachClient client, string repo) : SourceCluster(client, repo)
{
    private static readonly Method<InspectCommitRequest, Old.CommitInfo> Inspect =
        ForeignMethods.Create("InspectCommit", InspectCommitRequest.Parser, Old.CommitInfo.Parser);

    private static readonly Method<Old.ListFileRequest, Old.FileInfos> List =
        ForeignMethods.Create("ListFile", Old.ListFileRequest.Parser, Old.FileInfos.Parser);

    /// <inheritdoc/>
    public override async Task<CommitHistory> HistoryAsync(string commit, CancellationToken cancellationToken)
    {
        List<SourceCommit> commits = [];
        List<string> open = [];
        List<string> dropped = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        for (string? next = commit; next is not null;)
        {
            Old.CommitInfo info = await InspectAsync(next, cancellationToken);
            string id = Name(next, info);
            if (!seen.Add(id))
            {
                throw new OperatorException(
                    "source-refused", $"pfs://{Client.Address}/{Repo}/{id}", "it is told to be its own ancestor",
                    "look at the source with its own pachctl");
            }

            if (info.Cancelled || info.Archived)
            {
                dropped.Add(id);
            }
            else if (info.Finished is null)
            {
                open.Add(id);
            }
            else
            {
                // The size of a commit was that of what it wrote, not of what it has.
                commits.Add(new SourceCommit(id, SourceCommit.Derive(Repo, id, info.Started), info.Started, info.Finished, Size: null));
            }

            next = info.ParentCommit?.Id is { Length: > 0 } parent ? parent : null;
        }

        commits.Reverse();
        return new CommitHistory(commits, open, dropped);
    }

    /// <inheritdoc/>
    public override async IAsyncEnumerable<TreeItem> ListAsync(
        string commit, string directory, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string path = directory.Length == 0 ? "/" : directory;
        foreach (Old.FileInfo file in (await ListOnceAsync(commit, path, cancellationToken)).FileInfo)
        {
            bool isDirectory = file.FileType == FileType.Dir;
            string mark = isDirectory ? "" : file.CommitModified?.Id ?? "";
            yield return new TreeItem(NameIn(directory, file.File?.Path ?? ""), isDirectory, (long)file.SizeBytes, mark);
        }
    }

    /// <inheritdoc/>
    public override async IAsyncEnumerable<string> FilesAsync(
        string commit, string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string root = '/' + path.Trim('/');
        Stack<string> directories = new([root]);
        while (directories.TryPop(out string? directory))
        {
            foreach (Old.FileInfo file in (await ListOnceAsync(commit, directory, cancellationToken)).FileInfo)
            {
                string found = '/' + (file.File?.Path ?? "").TrimStart('/');
                if (file.FileType != FileType.Dir)
                {
                    // A file that is listed is its own list.
                    yield return found;
                }
                else
                {
                    directories.Push($"{directory.TrimEnd('/')}/{NameIn(directory.TrimEnd('/'), found)}");
                }
            }
        }
    }

    private Task<Old.CommitInfo> InspectAsync(string commit, CancellationToken cancellationToken)
    {
        CommitRef reference = new(Repo, commit);
        return TryAsync(reference.ToString(), () => ForeignMethods.CallAsync(
            Client.Connection, Inspect, new InspectCommitRequest { Commit = reference.ToWire() }, cancellationToken));
    }

    private Task<Old.FileInfos> ListOnceAsync(string commit, string path, CancellationToken cancellationToken)
    {
        CommitRef reference = new(Repo, commit);
        Old.ListFileRequest request = new() { File = reference.ToWire(path), Mode = Old.ListFileMode.Normal };
        return TryAsync($"{reference}:{path}", () => ForeignMethods.CallAsync(Client.Connection, List, request, cancellationToken));
    }

    // Some releases answer with the name that was asked for: of a branch, its newest commit follows from the parent.
    private static string Name(string asked, Old.CommitInfo info)
    {
        string id = info.Commit?.Id is { Length: > 0 } told ? told : asked;
        if (id.Contains('/', StringComparison.Ordinal) || info.Branch.Length == 0)
        {
            return id;
        }

        string parent = info.ParentCommit?.Id ?? "";
        string prefix = info.Branch + '/';
        return parent.StartsWith(prefix, StringComparison.Ordinal)
            && uint.TryParse(parent.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out uint number)
            ? string.Create(CultureInfo.InvariantCulture, $"{prefix}{number + 1}")
            : prefix + '0';
    }
}
