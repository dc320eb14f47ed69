using System.Globalization;
using Pachyderm.Metadata;
using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Specs;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Scheduling;

/// <summary>One run of a job, from its plan to its end.</summary>
internal sealed class JobRun : IAsyncDisposable
{
    private static readonly BranchName StatsBranch = new("stats");
    private static readonly DispatchResult NothingDispatched = new([], 0, default);

    private readonly SchedulerOptions options;
    private readonly StoredTrees trees;
    private readonly WorkerPool pool;
    private readonly RunningJob running;
    private readonly JobLedger ledger;
    private readonly JobLogWriter log;
    private readonly JobInputs inputs;
    private Job job;

    private JobRun(SchedulerOptions options, StoredTrees trees, WorkerPool pool, RunningJob running, JobLedger ledger, Job job)
    {
        this.options = options;
        this.trees = trees;
        this.pool = pool;
        this.running = running;
        this.ledger = ledger;
        this.job = job;
        log = new JobLogWriter(options, job.Pipeline, job.Id);
        inputs = new JobInputs(options.Files.Reader);
    }

    /// <summary>Begins.</summary>
    /// <exception cref="OperationCanceledException">The job has ended or is gone.</exception>
    public static async Task<JobRun> OpenAsync(
        SchedulerOptions options, StoredTrees trees, WorkerPool pool, RunningJob running, CancellationToken cancellationToken)
    {
        JobLedger record = new(options.Metadata, running.Id, pool.Pipeline.Version);
        return new JobRun(options, trees, pool, running, record, await record.ReadAsync(cancellationToken));
    }

    /// <summary>Runs the job until its record says how it ended.</summary>
    /// <returns>Number of its datums.</returns>
    public async Task<long> RunAsync(CancellationToken cancellationToken)
    {
        await RunToEndAsync(cancellationToken);
        SchedulingTelemetry.JobEnded(job);
        return job.DataTotal;
    }

    private async Task RunToEndAsync(CancellationToken cancellationToken)
    {
        log.Tell(job.State == JobState.Running ? "the job goes on" : "the job begins");
        RunDatums datums;
        try
        {
            datums = await RunDatums.OpenAsync(job, inputs, options, trees, cancellationToken);
        }
        catch (Exception exception) when (exception is PpsException or PfsException { Kind: PfsErrorKind.NotFound })
        {
            await FailAsync(exception.Message, null, NothingDispatched, cancellationToken);
            return;
        }
        IReadOnlyList<int> run = await new JobPlanning(options, trees, pool.Pipeline, ledger).PlanAsync(datums, cancellationToken);
        await BeginAsync(datums, run, cancellationToken);
        DatumDispatcher dispatcher = new(options, trees, pool, running, datums, ledger, log);
        DispatchResult result = await dispatcher.RunAsync(run, cancellationToken);
        await (result.Failures.Count > 0
            ? FailAsync(Describe(result.Failures, datums.Set.Count), datums, result, cancellationToken)
            : CommitAsync(datums, result, cancellationToken));
    }

    /// <summary>Stores what is left of the log, and lets go of the inputs.</summary>
    public async ValueTask DisposeAsync()
    {
        await log.DisposeAsync();
        inputs.Dispose();
    }

    private async Task BeginAsync(RunDatums datums, IReadOnlyList<int> run, CancellationToken cancellationToken)
    {
        int total = datums.Set.Count;
        (int processed, ProcessStats stats) = await CountProcessedAsync(run, cancellationToken);
        JobProgress progress = new(total, processed, total - run.Count - processed, stats);
        job = await ledger.WriteAsync(
            (_, _, now) => (now.State == JobState.Starting ? now.Run(total) : now).Resume(progress), cancellationToken);
        log.Tell(string.Create(CultureInfo.InvariantCulture, $"{total} datums: {run.Count} to be processed, {total - run.Count} skipped"));
    }

    /// <summary>What an earlier run of the job has processed.</summary>
    private async Task<(int Processed, ProcessStats Stats)> CountProcessedAsync(IReadOnlyList<int> run, CancellationToken cancellationToken)
    {
        if (job is { State: JobState.Starting, Restarts: 0 })
        {
            return default;
        }
        const int Page = 1_000;
        HashSet<int> again = [.. run];
        int processed = 0;
        ProcessStats stats = default;
        for (int after = -1; ;)
        {
            int start = after;
            IReadOnlyList<DatumRecord> page = await options.Metadata.ReadAsync(
                reader => new PpsReader(reader).ListDatums(job.Id, start, Page), cancellationToken);
            foreach (DatumRecord record in page.Where(record => !record.Failed && !again.Contains(record.Index)))
            {
                processed++;
                stats += record.Stats;
            }
            if (page.Count < Page)
            {
                return (processed, stats);
            }
            after = page[^1].Index;
        }
    }

    /// <summary>Commits the output, and ends the job unless its output is to be sent elsewhere.</summary>
    private async Task CommitAsync(RunDatums datums, DispatchResult result, CancellationToken cancellationToken)
    {
        if (await FindCommittedAsync(cancellationToken) is { } committed)
        {
            await SendAsync(job.Workload.Egress!, committed.Tree, datums, cancellationToken);
            return;
        }
        using IChunkWriter writer = options.Chunks.OpenWriter();
        JobOutput output;
        try
        {
            output = await new OutputAssembler(options, trees, datums).AssembleAsync(job, writer, cancellationToken);
        }
        catch (PpsException conflict)
        {
            await FailAsync(conflict.Message, datums, result, cancellationToken);
            return;
        }
        DirectoryReference? statistics = await AssembleStatsAsync(datums, writer, cancellationToken);
        await writer.FlushAsync(cancellationToken);
        log.Tell(string.Create(
            CultureInfo.InvariantCulture, $"the output has {output.Tree?.Files ?? 0} files of {output.Tree?.Size ?? 0} bytes"));
        bool isLast = job.Workload.Egress is null;
        IReadOnlyCollection<ReadOnlyMemory<byte>> lines = isLast ? await EndLogAsync("the job ends with success") : [];
        CommitOrigin origin = new(
            new RepoName(job.Pipeline.Value), null, new BranchName(job.Workload.OutputBranch),
            [.. job.Input.Sources().Select(static source => new CommitName(new RepoName(source.Repo), new CommitId(source.Id)))]);
        DateTimeOffset now = options.Time.GetUtcNow();
        job = await ledger.WriteAsync(
            (transaction, records, before) =>
            {
                RepoTransaction repos = new(transaction, now);
                CommitRef commit = ReferTo(repos.BuildCommit(origin, output.Tree));
                Job after = before.Advance(result.Processed, 0, result.Stats)
                    .Commit(commit, output.IsDisjoint, CommitStats(repos, statistics));
                records.AppendLog(before.Pipeline, before.Id, lines);
                return isLast ? after.Succeed(now) : after;
            },
            cancellationToken);
        if (job.Workload.Egress is { } egress)
        {
            await SendAsync(egress, output.Tree, datums, cancellationToken);
        }
    }

    /// <summary>The output, if an earlier run of the job committed it and could not send it elsewhere.</summary>
    private async Task<CommitInfo?> FindCommittedAsync(CancellationToken cancellationToken)
    {
        if (job is not { OutputCommit: { } output, Workload.Egress: not null })
        {
            return null;
        }
        CommitName name = new(new RepoName(output.Repo), new CommitId(output.Id));
        return await options.Metadata.ReadAsync(
            reader => reader.FindCommit(new CommitKey(output.Repo, output.Id)) is not null, cancellationToken)
            ? await options.Files.Commits.InspectAsync(new CommitReference(name), cancellationToken)
            : null;
    }

    /// <summary>Sends the output elsewhere and ends the job. That it fails begins the job again, without a second commit.</summary>
    private async Task SendAsync(Egress egress, DirectoryReference? output, RunDatums datums, CancellationToken cancellationToken)
    {
        try
        {
            long files = await new EgressSender(options, trees).SendAsync(egress.Url, output, cancellationToken);
            log.Tell(string.Create(CultureInfo.InvariantCulture, $"{files} files were sent to {egress.Url}"));
        }
        catch (EgressException refusal)
        {
            await FailAsync(refusal.Message, datums, NothingDispatched, cancellationToken);
            return;
        }
        IReadOnlyCollection<ReadOnlyMemory<byte>> lines = await EndLogAsync("the job ends with success");
        DateTimeOffset now = options.Time.GetUtcNow();
        job = await ledger.WriteAsync(
            (_, records, before) =>
            {
                records.AppendLog(before.Pipeline, before.Id, lines);
                return before.Succeed(now);
            },
            cancellationToken);
    }

    private async Task FailAsync(string reason, RunDatums? datums, DispatchResult result, CancellationToken cancellationToken)
    {
        using IChunkWriter writer = options.Chunks.OpenWriter();
        bool isCounted = job.StatsCommit is not null;
        DirectoryReference? statistics = datums is null || isCounted ? null : await AssembleStatsAsync(datums, writer, cancellationToken);
        await writer.FlushAsync(cancellationToken);
        IReadOnlyCollection<ReadOnlyMemory<byte>> lines = await EndLogAsync($"the job fails: {reason}");
        DateTimeOffset now = options.Time.GetUtcNow();
        job = await ledger.WriteAsync(
            (transaction, records, before) =>
            {
                records.AppendLog(before.Pipeline, before.Id, lines);
                Job runs = before.State == JobState.Starting ? before.Run(0) : before;
                CommitRef? commit = CommitStats(new RepoTransaction(transaction, now), statistics) ?? before.StatsCommit;
                return runs.Advance(result.Processed, 0, result.Stats).Fail(reason, commit, now);
            },
            cancellationToken);
    }

    private async Task<DirectoryReference?> AssembleStatsAsync(
        RunDatums datums, IChunkWriter writer, CancellationToken cancellationToken) =>
        job.Workload.EnableStats ? await new StatsAssembler(options, trees, datums).AssembleAsync(job.Id, writer, cancellationToken) : null;

    private CommitRef? CommitStats(RepoTransaction repos, DirectoryReference? statistics) => statistics is { } tree
        ? ReferTo(repos.BuildCommit(new CommitOrigin(new RepoName(job.Pipeline.Value), null, StatsBranch, []), tree))
        : null;

    /// <summary>Writes the last line of the log, and stores all but the last piece of it.</summary>
    private Task<IReadOnlyCollection<ReadOnlyMemory<byte>>> EndLogAsync(string line)
    {
        log.Tell(line);
        return log.DrainAsync();
    }

    private static CommitRef ReferTo(CommitName commit) => new(commit.Repo.Value, commit.Id.Value);

    private static string Describe(IReadOnlyList<DatumFailure> failures, int total)
    {
        DatumFailure first = failures.MinBy(static failure => failure.Datum.Index)!;
        string files = string.Join(", ", first.Datum.Parts.Select(static part => $"{part.Input.Name}:{LogFiles.PathOf(part)}"));
        string id = DatumIdentity.IdOf(first.Datum.Parts.Items.AsSpan()).ToString();
        string text = string.Create(
            CultureInfo.InvariantCulture,
            $"{failures.Count} of {total} datums failed; {(failures.Count == 1 ? "it" : "the first")} is {id} ({files}): {first.Reason}");
        const int MaxLength = 2_000;
        return text.Length > MaxLength ? text[..MaxLength] + "..." : text;
    }
}
