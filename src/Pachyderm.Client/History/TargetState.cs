using Pachyderm.Errors;
using Pachyderm.Wire.Pfs;

namespace Pachyderm.Client.History;

/// <summary>How much of a history a branch has, seen from the identifiers of its repo's commits.</summary>
/// <param name="Present">How many commits of the history the repo has finished, counted from its beginning.</param>
/// <param name="Head">How many of them the branch has.</param>
/// <param name="Leftover">The open commit that a copy left when it was killed, if there is one.</param>
internal sealed record TargetState(int Present, int Head, CommitRef? Leftover)
{
    private const string Aside = "copy to another branch, or to another repo";

    /// <summary>Looks at the target.</summary>
    /// <exception cref="OperatorException"><c>history-differs</c>.</exception>
    public static async Task<TargetState> ReadAsync(
        SourceCluster source, IReadOnlyList<SourceCommit> history, PachClient target, CommitRef branch, CancellationToken cancellationToken)
    {
        Dictionary<string, int> places = new(StringComparer.Ordinal);
        for (int index = 0; index < history.Count; index++)
        {
            places[history[index].CopyId] = index;
        }

        int present = 0;
        CommitInfo? leftover = null;
        await foreach (CommitInfo commit in target.Commits.ListAsync(branch.Repo, cancellationToken: cancellationToken))
        {
            if (!places.TryGetValue(commit.Commit.Id, out int index))
            {
                continue;
            }

            if (commit.Finished is null)
            {
                leftover = commit;
            }
            else
            {
                await CheckAsync(source, history[index], branch, commit, cancellationToken);
                present = Math.Max(present, index + 1);
            }
        }

        BranchInfo? found = (await target.Branches.ListAsync(branch.Repo, cancellationToken))
            .FirstOrDefault(candidate => string.Equals(candidate.Name, branch.Id, StringComparison.Ordinal));
        int head = found is null ? 0 : await FindHeadAsync(target, branch, found.Head.Id, leftover, places, cancellationToken);
        return new TargetState(present, head, leftover is null ? null : CommitRef.From(leftover.Commit));
    }

    /// <summary>Removes what a killed copy has left, and lets the branch point to the last commit that is there.</summary>
    public async Task PrepareAsync(
        PachClient target, CommitRef branch, IReadOnlyList<SourceCommit> history, CancellationToken cancellationToken)
    {
        if (Leftover is { } leftover)
        {
            await target.Commits.DeleteAsync(leftover, cancellationToken);
        }

        if (Present > Head)
        {
            await target.Branches.SetAsync(branch with { Id = history[Present - 1].CopyId }, branch.Id, cancellationToken);
        }
    }

    private static async Task<int> FindHeadAsync(
        PachClient target, CommitRef branch, string head, CommitInfo? leftover, Dictionary<string, int> places,
        CancellationToken cancellationToken)
    {
        if (leftover is not null && string.Equals(leftover.Commit.Id, head, StringComparison.Ordinal))
        {
            if (leftover.ParentCommit?.Id is not { Length: > 0 } parent)
            {
                return 0;
            }

            head = parent;
        }

        if (places.TryGetValue(head, out int index))
        {
            return index + 1;
        }

        CommitInfo info = await target.Commits.InspectAsync(branch with { Id = head }, cancellationToken);
        throw new OperatorException(
            "history-differs",
            $"branch {branch}",
            $"its newest commit {head} is {(info.Finished is null ? "open, and " : "")}none of the source's",
            $"nothing was changed; {Aside}");
    }

    private static async Task CheckAsync(
        SourceCluster source, SourceCommit commit, CommitRef branch, CommitInfo copy, CancellationToken cancellationToken)
    {
        if (!await source.HasSizeAsync(commit, copy.SizeBytes, cancellationToken))
        {
            throw new OperatorException(
                "history-differs",
                $"commit {branch.Repo}/{copy.Commit.Id}",
                $"it has {copy.SizeBytes} bytes, and the source's commit of this identifier has {commit.Size}",
                $"nothing was changed; {Aside}");
        }
    }
}
