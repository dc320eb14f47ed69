using System.Buffers;
using Pachyderm.Pfs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Schedules;
using Pachyderm.Pps.Specs;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Scheduling;

/// <summary>
/// Lets one cron of a pipeline tick: at each tick, a commit of its repo whose file <c>time</c> tells it. The last tick is what that file
/// says; ticks that were missed are made up for, each with its own time.
/// </summary>
internal sealed class CronTicker
{
    // Timers do not reach further than some weeks, and clocks are set.
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private readonly SchedulerOptions options;
    private readonly PipelineIdentity pipeline;
    private readonly CronInput cron;
    private readonly CronSchedule schedule;
    private readonly TreeEditor editor;
    private readonly FileContents contents;

    private CronTicker(SchedulerOptions options, PipelineIdentity pipeline, CronInput cron, CronSchedule schedule)
    {
        this.options = options;
        this.pipeline = pipeline;
        this.cron = cron;
        this.schedule = schedule;
        editor = new TreeEditor(options.Chunks, new NodeCache());
        contents = new FileContents(options.Chunks);
    }

    private static BranchName Branch => new(CronInput.TickBranch);

    private RepoName Repo => new(cron.Repo);

    /// <summary>The crons of a pipeline.</summary>
    public static IEnumerable<CronTicker> For(SchedulerOptions options, Pipeline pipeline)
    {
        foreach (CronInput input in pipeline.Input.Leaves().OfType<CronInput>().DistinctBy(static cron => (cron.Repo, cron.Spec, cron.Start)))
        {
            if (CronSchedule.TryParse(input.Spec, out CronSchedule? found, out _))
            {
                yield return new CronTicker(options, PipelineIdentity.Of(pipeline), input, found);
            }
        }
    }

    /// <summary>Ticks until it is cancelled, or the pipeline is no longer this version. What fails is tried again.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Backoff backoff = new(options.Time);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                DateTimeOffset last = await ReadLastAsync(cancellationToken) ?? cron.Start ?? options.Time.GetUtcNow();
                Outcome outcome = Outcome.Committed;
                foreach (DateTimeOffset tick in schedule.Due(last, options.Time.GetUtcNow()))
                {
                    outcome = await TickAsync(tick, cancellationToken);
                    if (outcome != Outcome.Committed)
                    {
                        break;
                    }
                    last = tick;
                }
                backoff.Reset();
                if (outcome == Outcome.Ended || schedule.Next(last) is not { } next)
                {
                    return;
                }
                TimeSpan wait = next - options.Time.GetUtcNow();
                if (outcome == Outcome.Committed && wait > TimeSpan.Zero)
                {
                    await Task.Delay(wait < LongestWait ? wait : LongestWait, options.Time, cancellationToken);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                options.Logger.TickFailed(exception, cron.Name, pipeline.Name.Value);
                await backoff.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task<DateTimeOffset?> ReadLastAsync(CancellationToken cancellationToken)
    {
        const int Enough = 128;
        using CommitView? head = await OpenHeadAsync(cancellationToken);
        if (head is null || await head.FindAsync(CronInput.TickFile, cancellationToken) is not { Entry.IsDirectory: false } file)
        {
            return null;
        }
        ArrayBufferWriter<byte> content = new(Enough);
        await foreach (ChunkBuffer piece in head.ReadAsync(file, 0, Enough, cancellationToken))
        {
            using (piece)
            {
                content.Write(piece.Memory.Span);
            }
        }
        return CronTime.Read(content.WrittenSpan);
    }

    private async Task<Outcome> TickAsync(DateTimeOffset tick, CancellationToken cancellationToken)
    {
        using CommitView? head = await OpenHeadAsync(cancellationToken);
        using IChunkWriter chunks = options.Chunks.OpenWriter();
        FileContent content = await FileContents.WriteAsync(CronTime.Write(tick), chunks, cancellationToken);
        DirectoryReference tree = await editor.ApplyAsync(
            head?.Root,
            [new PutFile(TreePath.Clean(CronInput.TickFile)!.Value, content, Overwrite: true)],
            chunks,
            (parts, token) => contents.ConcatAsync(parts, chunks, token),
            cancellationToken);
        await chunks.FlushAsync(cancellationToken);
        DateTimeOffset now = options.Time.GetUtcNow();
        return await options.Metadata.WriteAsync(
            writer =>
            {
                if (new PpsReader(writer).FindPipeline(pipeline.Name) is not { Pipeline: { IsActive: true } present }
                    || PipelineIdentity.Of(present) != pipeline)
                {
                    return Outcome.Ended;
                }
                RepoTransaction repos = new(writer, now);
                if (repos.FindHead(Repo, Branch) != head?.Commit)
                {
                    return Outcome.Moved;
                }
                repos.BuildCommit(new CommitOrigin(Repo, Parent: null, Branch, []), tree);
                return Outcome.Committed;
            },
            cancellationToken);
    }

    private async Task<CommitView?> OpenHeadAsync(CancellationToken cancellationToken)
    {
        CommitName? head = await options.Metadata.ReadAsync(
            reader => reader.FindBranch(cron.Repo, CronInput.TickBranch)?.Head is { } id
                ? new CommitName(Repo, new CommitId(id))
                : default(CommitName?),
            cancellationToken);
        return head is { } name ? await options.Files.Reader.OpenAsync(new CommitReference(name), cancellationToken) : null;
    }

    /// <summary>What became of a tick.</summary>
    private enum Outcome
    {
        /// <summary>It is committed.</summary>
        Committed,

        /// <summary>Somebody else has moved the branch: the last tick has to be read again.</summary>
        Moved,

        /// <summary>The pipeline is paused, deleted, or another version.</summary>
        Ended,
    }
}
