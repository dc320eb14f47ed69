using Pachyderm.Client.History;
using Pachyderm.Errors;

namespace Pachyderm.Client;

/// <summary>
/// Copies the history of a branch to a branch of another cluster: for each finished commit of the source one commit with exactly its files, its
/// identifier and its times. Only what differs between neighbours is transferred.
/// </summary>
/// <remarks>
/// What has been copied is seen from the identifiers, so it can be stopped at any time, and be run again to go on, or to take what is new.
/// Identifiers of 1.3 (<c>BRANCH/NUMBER</c>) cannot be kept; each has an identifier that follows from it.
/// </remarks>
public sealed class HistoryReplay
{
    private readonly SourceCluster _source;
    private readonly PachClient _target;
    private readonly CommitRef _branch;
    private readonly IReadOnlyList<SourceCommit> _history;
    private readonly TargetState _state;

    private HistoryReplay(SourceCluster source, PachClient target, CommitRef branch, CommitHistory history, TargetState state)
    {
        (_source, _target, _branch, _history, _state) = (source, target, branch, history.Commits, state);
        Open = history.Open;
        Dropped = history.Dropped;
    }

    /// <summary>Finished commits of the source.</summary>
    public int Total => _history.Count;

    /// <summary>How many of them the target's branch has already, or gets from another branch of its repo.</summary>
    public int Present => _state.Present;

    /// <summary>Commits of the source that are passed over because they are not finished.</summary>
    public IReadOnlyList<string> Open { get; }

    /// <summary>Commits of the source that are passed over because they were cancelled or archived in 1.3.</summary>
    public IReadOnlyList<string> Dropped { get; }

    /// <summary>Compares source and target. Nothing is changed.</summary>
    /// <param name="source">
    /// The cluster that is copied from, of 1.3, 1.4, 1.5 or this release; see <see cref="PachClientOptions.LongestReply"/>.
    /// </param>
    /// <param name="from">Its repo, and the branch or commit whose history is copied.</param>
    /// <param name="target">The cluster that is copied to, of this release.</param>
    /// <param name="to">Its repo and branch. The repo exists; the branch need not.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="OperatorException">
    /// <c>source-refused</c>: the source has no such branch. <c>history-differs</c>: the target's branch has commits that the source has not.
    /// </exception>
    public static async Task<HistoryReplay> PlanAsync(
        PachClient source, CommitRef from, PachClient target, CommitRef to, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        (SourceCluster cluster, string commit, string path) = await SourceCluster.OpenAsync(
            source, from.Repo, from.Id, isWhole: true, cancellationToken);
        if (path.Trim('/').Length > 0)
        {
            throw new OperatorException(
                "history-of-part",
                $"pfs://{source.Address}/{from}",
                "a history is that of a whole branch, not of a path in it",
                "leave out the path, or --history");
        }

        CommitHistory history = await cluster.HistoryAsync(commit, cancellationToken);
        TargetState state = await TargetState.ReadAsync(cluster, history.Commits, target, to, cancellationToken);
        return new HistoryReplay(cluster, target, to, history, state);
    }

    /// <summary>Copies what is missing. Each commit is seen by others when it is finished.</summary>
    /// <param name="parallelism">Files that are transferred at the same time.</param>
    /// <param name="progress">Told of what was sent; called from other threads.</param>
    /// <param name="cancellationToken">Stops it; the commit that was being copied is deleted.</param>
    /// <returns>What was transferred.</returns>
    /// <exception cref="OperatorException">
    /// <c>source-refused</c>; <c>copy-differs</c>, <c>history-differs</c>: the target was changed meanwhile; <c>target-too-old</c>: it cannot
    /// take identifiers.
    /// </exception>
    public async Task<Transfer> RunAsync(
        int parallelism = 10, IProgress<HistoryProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(parallelism);
        await _state.PrepareAsync(_target, _branch, _history, cancellationToken);
        Transfer sent = default;
        for (int index = Present; index < _history.Count; index++)
        {
            progress?.Report(new HistoryProgress(index - Present + 1, _history.Count - Present, default));
            CommitCopy copy = new(_source, _target, _branch, parallelism)
            {
                Progress = progress is null ? null : new CommitProgress(progress, index - Present + 1, _history.Count - Present),
            };
            sent += await copy.RunAsync(index == 0 ? null : _history[index - 1], _history[index], cancellationToken);
        }

        return sent;
    }

    private sealed class CommitProgress(IProgress<HistoryProgress> progress, int commit, int commits) : IProgress<Transfer>
    {
        public void Report(Transfer value) => progress.Report(new HistoryProgress(commit, commits, value));
    }
}

/// <summary>How far a <see cref="HistoryReplay"/> is.</summary>
/// <param name="Commit">Which of the commits is being copied, from 1.</param>
/// <param name="Commits">How many are copied.</param>
/// <param name="Sent">What was sent since the last report.</param>
public readonly record struct HistoryProgress(int Commit, int Commits, Transfer Sent);
