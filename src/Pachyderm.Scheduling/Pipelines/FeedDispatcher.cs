using Pachyderm.Metadata;
using Pachyderm.Pps;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;

namespace Pachyderm.Scheduling;

/// <summary>
/// Reads the change feed once for all pipelines, and lets commits arrive at those that read their branches. A pipeline that appears or goes
/// on makes it go back to where that pipeline has read; the others know by their cursors, and by the commits that have arrived, what is
/// old.
/// </summary>
internal sealed class FeedDispatcher
{
    private const int PageLength = 1_000;

    // How far the cursors in the store may lag behind: what is read again after a restart.
    private const int MostLag = 1_000;

    private readonly SchedulerOptions options;
    private readonly Action<PipelineName> wake;
    private readonly Subscriptions subscriptions = new();
    private readonly AwaitedCommits awaited = new();
    private readonly Dictionary<PipelineName, PipelineTriggers> triggers = [];
    private long position;
    private long noted;

    /// <summary>Creates it; it reads nothing yet.</summary>
    /// <param name="options">Where the feed is.</param>
    /// <param name="wake">Told the pipelines that may have a new job.</param>
    public FeedDispatcher(SchedulerOptions options, Action<PipelineName> wake)
    {
        this.options = options;
        this.wake = wake;
    }

    /// <summary>Runs until it is cancelled. What fails is tried again.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Backoff backoff = new(options.Time);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await BeginAsync(cancellationToken);
                while (true)
                {
                    await options.Metadata.WaitForChangeAsync(position, cancellationToken);
                    await AdvanceAsync(cancellationToken);
                    backoff.Reset();
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (ChangesTrimmedException)
            {
                // Begins again, with all commits that have not arrived instead of the changes that tell of them.
            }
            catch (Exception exception)
            {
                options.Logger.TriggersFailed(exception);
                await backoff.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        subscriptions.Clear();
        triggers.Clear();
        (position, IReadOnlyList<PipelineRecord> pipelines) = await options.Metadata.ReadAsync(
            static reader => (reader.LastChange, new PpsReader(reader).ListPipelines()), cancellationToken);
        noted = position;
        foreach (PipelineRecord record in pipelines)
        {
            await RefreshAsync(record.Pipeline.Name, cancellationToken);
        }
    }

    /// <summary>Looks at a pipeline that may have changed. If it appears, or goes on after a pause, it catches up.</summary>
    private async Task RefreshAsync(PipelineName name, CancellationToken cancellationToken)
    {
        (Pipeline? pipeline, long cursor, bool trimmed) = await options.Metadata.ReadAsync(
            reader =>
            {
                PpsReader records = new(reader);
                long read = records.FindCursor(name);
                return (records.FindPipeline(name)?.Pipeline, read, !CanReadFrom(reader, read));
            },
            cancellationToken);
        if (pipeline is not { IsActive: true })
        {
            subscriptions.Remove(name);
            triggers.Remove(name);
            return;
        }
        if (!subscriptions.Put(pipeline))
        {
            return;
        }
        if (!trimmed)
        {
            position = Math.Min(position, cursor);
            return;
        }
        DateTimeOffset now = options.Time.GetUtcNow();
        await options.Metadata.WriteAsync(
            writer =>
            {
                if (new PpsReader(writer).FindPipeline(name) is { Pipeline: { IsActive: true } present })
                {
                    PipelineTriggers.ArriveAll(writer, present, now);
                }
                return true;
            },
            cancellationToken);
        wake(name);
    }

    private async Task AdvanceAsync(CancellationToken cancellationToken)
    {
        long start = position;
        IReadOnlyList<Change> page = await options.Metadata.ReadAsync(reader => reader.ListChanges(start, PageLength), cancellationToken);
        foreach (string name in page.Where(static change => change.Kind is ChangeKind.PipelineChanged or ChangeKind.PipelineDeleted)
            .Select(static change => change.Repo).Distinct(StringComparer.Ordinal))
        {
            await RefreshAsync(new PipelineName(name), cancellationToken);
        }
        if (position < start)
        {
            return;
        }
        List<Tip> tips = await options.Metadata.ReadAsync(reader => FindTips(reader, page), cancellationToken);
        if (tips.Count > 0)
        {
            await ArriveAsync(tips, cancellationToken);
        }
        position = page.Count > 0 ? page[^1].Sequence : start;
        if (position - noted >= MostLag)
        {
            await NoteAsync(cancellationToken);
        }
    }

    /// <summary>The changes that tell of a finished commit on a branch that somebody reads.</summary>
    private List<Tip> FindTips(IMetadataReader reader, IReadOnlyList<Change> page)
    {
        List<Tip> tips = [];
        foreach (Change change in page.Where(change => change.Commit is not null && subscriptions.Reads(change.Repo)))
        {
            CommitKey commit = new(change.Repo, change.Commit!);
            switch (change.Kind)
            {
                case ChangeKind.BranchMoved when reader.FindCommit(commit) is { IsOpen: true }:
                    awaited.Add(commit, change.Branch!);
                    break;
                case ChangeKind.BranchMoved:
                    tips.Add(new Tip(change.Sequence, commit, change.Branch));
                    break;
                case ChangeKind.CommitFinished:
                    tips.AddRange(awaited.Take(commit).Select(branch => new Tip(change.Sequence, commit, branch)));
                    tips.Add(new Tip(change.Sequence, commit, Branch: null));
                    break;
                case ChangeKind.CommitDeleted:
                    _ = awaited.Take(commit);
                    break;
                default:
                    break;
            }
        }
        tips.RemoveAll(tip => !subscriptions.Readers(tip.Commit.Repo, tip.Branch).Any());
        return tips;
    }

    private async Task ArriveAsync(List<Tip> tips, CancellationToken cancellationToken)
    {
        DateTimeOffset now = options.Time.GetUtcNow();
        int attempts = 0;
        Dictionary<PipelineName, bool> told;
        try
        {
            told = await options.Metadata.WriteAsync(
                writer =>
                {
                    if (attempts++ > 0)
                    {
                        // What the first attempt changed in memory is not in the store.
                        triggers.Clear();
                    }
                    return Arrive(writer, tips, now);
                },
                cancellationToken);
        }
        catch
        {
            triggers.Clear();
            throw;
        }
        foreach ((PipelineName name, bool isActive) in told)
        {
            if (isActive)
            {
                wake(name);
            }
            else
            {
                // It missed something, and has to catch up when it goes on.
                subscriptions.Remove(name);
            }
        }
    }

    private Dictionary<PipelineName, bool> Arrive(IMetadataWriter writer, List<Tip> tips, DateTimeOffset now)
    {
        PpsWriter records = new(writer);
        Dictionary<PipelineName, (Pipeline Pipeline, PipelineTriggers Triggers)?> open = [];
        foreach (Tip tip in tips)
        {
            foreach (PipelineName name in subscriptions.Readers(tip.Commit.Repo, tip.Branch))
            {
                if (!open.TryGetValue(name, out (Pipeline Pipeline, PipelineTriggers Triggers)? present))
                {
                    open.Add(name, present = Open(writer, records, name));
                }
                if (present is not var (pipeline, state)
                    || !state.Branches.TryGetValue(tip.Commit.Repo, out string? branch)
                    || (tip.Branch ?? branch) != branch
                    || records.FindCursor(name) >= tip.Sequence)
                {
                    continue;
                }
                foreach (CommitRecord commit in Behind(writer, new CommitBacklog(writer, records, name), tip, branch))
                {
                    state.Arrive(writer, pipeline, commit, tip.Sequence, now);
                }
            }
        }
        return open.ToDictionary(static entry => entry.Key, static entry => entry.Value is not null);
    }

    /// <summary>What arrives with a change. Of a commit that was finished it has to be found out whether it is on the branch.</summary>
    private static IEnumerable<CommitRecord> Behind(IMetadataReader reader, CommitBacklog backlog, Tip tip, string branch)
    {
        string repo = tip.Commit.Repo;
        if (tip.Branch is not null)
        {
            return backlog.Behind(repo, tip.Commit.Id);
        }
        IReadOnlyList<CommitRecord> chain = backlog.Behind(repo, reader.FindBranch(repo, branch)?.Head);
        int place = chain.ToList().FindIndex(commit => commit.Key == tip.Commit);
        return chain.Take(place + 1);
    }

    private (Pipeline Pipeline, PipelineTriggers Triggers)? Open(IMetadataWriter writer, PpsWriter records, PipelineName name)
    {
        if (records.FindPipeline(name) is not { Pipeline: { IsActive: true } pipeline })
        {
            return null;
        }
        if (!triggers.TryGetValue(name, out PipelineTriggers? state) || !state.IsValid(writer, pipeline))
        {
            triggers[name] = state = PipelineTriggers.Restore(writer, pipeline);
        }
        return (pipeline, state);
    }

    private async Task NoteAsync(CancellationToken cancellationToken)
    {
        long read = position;
        await options.Metadata.WriteAsync(
            writer =>
            {
                PpsWriter records = new(writer);
                foreach (PipelineName name in subscriptions.Names
                    .Where(name => records.FindPipeline(name) is { Pipeline.IsActive: true } && records.FindCursor(name) < read))
                {
                    records.PutCursor(name, read);
                }
                return true;
            },
            cancellationToken);
        noted = read;
    }

    // A pipeline that has no cursor has considered nothing, and the feed may not tell of everything that is there.
    private static bool CanReadFrom(IMetadataReader reader, long cursor)
    {
        if (cursor == 0)
        {
            return false;
        }
        try
        {
            _ = reader.ListChanges(cursor, 1);
            return true;
        }
        catch (ChangesTrimmedException)
        {
            return false;
        }
    }

    /// <summary>A change that tells of a finished commit.</summary>
    /// <param name="Sequence">Its place in the feed.</param>
    /// <param name="Commit">The commit.</param>
    /// <param name="Branch">The branch that it is or was the head of; null if that is to be found out.</param>
    private readonly record struct Tip(long Sequence, CommitKey Commit, string? Branch);
}
