using System.Globalization;
using System.Runtime.CompilerServices;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;
using Pachyderm.Workers;

namespace Pachyderm.Scheduling;

/// <summary>A datum whose program failed too often.</summary>
/// <param name="Datum">The datum.</param>
/// <param name="Reason">Why, in one line.</param>
internal sealed record DatumFailure(Datum Datum, string Reason);

/// <summary>What became of the datums that were processed.</summary>
/// <param name="Failures">Those that failed.</param>
/// <param name="Processed">Number of those that succeeded and that the record of the job does not count yet.</param>
/// <param name="Stats">What it took, as far as the record does not count it yet.</param>
internal sealed record DispatchResult(IReadOnlyList<DatumFailure> Failures, int Processed, ProcessStats Stats);

/// <summary>Has the datums of a job processed by the workers of its pipeline.</summary>
internal sealed class DatumDispatcher(
    SchedulerOptions options, StoredTrees trees, WorkerPool pool, RunningJob running, RunDatums datums, JobLedger ledger, JobLogWriter log)
{
    private readonly Lock gate = new();
    private readonly List<DatumFailure> failures = [];

    /// <summary>Processes datums, and returns when all have ended and are recorded.</summary>
    /// <param name="run">Their places.</param>
    /// <param name="cancellationToken">Ends it early; what has ended is recorded all the same.</param>
    public async Task<DispatchResult> RunAsync(IReadOnlyList<int> run, CancellationToken cancellationToken)
    {
        if (run.Count == 0)
        {
            return new DispatchResult([], 0, default);
        }
        int workers = pool.CountFor(run.Count);
        DatumQueue queue = new(run, workers, options.Time);
        DatumRecorder recorder = new(ledger, run.Count);
        using IDisposable usage = await pool.UseAsync();
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] all = [.. Enumerable.Range(0, workers).Select(number => RunWorkerAsync(number, queue, recorder, stop))];
        await Task.WhenAll(all).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        Task<(int Processed, ProcessStats Stats)> recorded = recorder.CompleteAsync();
        await ((Task)recorded).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // A worker that was only cancelled because another failed has nothing to say.
        await (all.FirstOrDefault(static task => task.IsFaulted) ?? Task.WhenAll(all));
        (int processed, ProcessStats stats) = await recorded;
        return new DispatchResult(failures, processed, stats);
    }

    private async Task RunWorkerAsync(int number, DatumQueue queue, DatumRecorder recorder, CancellationTokenSource stop)
    {
        // What is on its way through the worker; what is left of it when that ends early holds chunks.
        HashSet<DatumAttempt> open = new(ReferenceEqualityComparer.Instance);
        try
        {
            IWorker worker = await pool.GetAsync(number, stop.Token);
            WorkerSlot slot = new(number, pool.NameOf(number));
            await DatumFlow.RunAsync(
                new TrackedWorker(worker, running, queue, options.Time),
                TakeAsync(queue, slot, open, stop.Token),
                AttemptLog.None,
                work => OpenOutput(((AttemptWork)work).Attempt),
                (work, _, outcome) => EndAsync(((AttemptWork)work).Attempt, outcome, queue, recorder, open, stop.Token),
                stop.Token);
        }
        catch (Exception exception)
        {
            await stop.CancelAsync();
            if (exception is not OperationCanceledException)
            {
                await pool.DiscardAsync(number);
            }
            throw;
        }
        finally
        {
            foreach (DatumAttempt attempt in open)
            {
                await attempt.DisposeAsync();
            }
        }
    }

    private async IAsyncEnumerable<DatumWork> TakeAsync(
        DatumQueue queue, WorkerSlot slot, HashSet<DatumAttempt> open, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (await queue.TakeAsync(() => slot.IsBusy, cancellationToken) is { } turn)
        {
            slot.Take();
            AttemptWork work = await datums.PrepareAsync(turn, slot, log, cancellationToken);
            lock (open)
            {
                open.Add(work.Attempt);
            }
            yield return work;
        }
    }

    private DatumOutput OpenOutput(DatumAttempt attempt)
    {
        DatumOutput output = new(trees, attempt.Inputs);
        attempt.Output = output;
        return output;
    }

    private async Task EndAsync(
        DatumAttempt attempt, DatumOutcome outcome, DatumQueue queue, DatumRecorder recorder, HashSet<DatumAttempt> open,
        CancellationToken cancellationToken)
    {
        await attempt.Log.EndAsync(cancellationToken);
        DatumTurn turn = attempt.Turn;
        string reason = "";
        if (!outcome.Succeeded)
        {
            turn = turn with { Failures = turn.Failures + 1 };
            reason = attempt.Log.LastError is { } said ? $"{outcome.Reason}: {said}" : outcome.Reason!;
        }
        bool isLast = outcome.Succeeded || turn.Failures >= DatumRetries.MaxFailures;
        if (isLast)
        {
            EndedDatum ended = await CloseAsync(attempt, outcome, turn.Failures, reason, cancellationToken);
            await recorder.AddAsync(ended, cancellationToken);
        }
        lock (open)
        {
            open.Remove(attempt);
        }
        await attempt.DisposeAsync();
        if (!isLast)
        {
            log.Tell(string.Create(
                CultureInfo.InvariantCulture, $"datum {attempt.Id} failed for time {turn.Failures} and is tried again: {reason}"));
            queue.Retry(turn, DatumRetries.PauseFor(Random.Shared.NextDouble()));
            return;
        }
        if (!outcome.Succeeded)
        {
            log.Tell($"datum {attempt.Id} failed for good: {reason}");
            lock (gate)
            {
                failures.Add(new DatumFailure(attempt.Datum, reason));
            }
        }
        queue.End();
    }

    /// <summary>Completes the trees of a datum, and hands them on with what keeps their chunks.</summary>
    private static async Task<EndedDatum> CloseAsync(
        DatumAttempt attempt, DatumOutcome outcome, int failed, string reason, CancellationToken cancellationToken)
    {
        DatumStatistics took = outcome.Statistics;
        ProcessStats stats = new(took.DownloadTime, took.ProcessTime, took.UploadTime, took.DownloadBytes, took.UploadBytes);
        List<KeyValuePair<DatumTag, DirectoryReference>> results = [];
        DirectoryReference? tree = null;
        if (outcome.Succeeded)
        {
            tree = await attempt.Output!.FinishAsync(cancellationToken);
            results.Add(KeyValuePair.Create(attempt.Tag, tree.Value));
        }
        if (attempt.Stats is { } collected)
        {
            DirectoryReference kept = await collected.FinishAsync(attempt, stats, tree, reason, cancellationToken);
            results.Add(KeyValuePair.Create(StatsTag.Of(attempt.Tag), kept));
        }
        IChunkWriter?[] writers = [outcome.Succeeded ? attempt.Output!.Writer : null, attempt.Stats?.Writer];
        if (outcome.Succeeded)
        {
            attempt.Output = null;
        }
        attempt.Stats = null;
        DatumRecord record = new(attempt.Turn.Place, attempt.Tag, !outcome.Succeeded, failed, stats, reason);
        return new EndedDatum(record, results, [.. writers.OfType<IChunkWriter>()]);
    }
}
