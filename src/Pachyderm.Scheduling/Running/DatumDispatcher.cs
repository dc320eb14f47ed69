using System.Globalization;
using System.Runtime.CompilerServices;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;
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
        DatumOutput? open = null;
        try
        {
            IWorker worker = await pool.GetAsync(number, stop.Token);
            WorkerSlot slot = new(number, pool.NameOf(number));
            await DatumFlow.RunAsync(
                new TrackedWorker(worker, running, queue, options.Time),
                TakeAsync(queue, slot, stop.Token),
                AttemptLog.None,
                work => open = new DatumOutput(trees, ((AttemptWork)work).Attempt.Inputs),
                (work, output, outcome) =>
                {
                    open = null;
                    return EndAsync(((AttemptWork)work).Attempt, output, outcome, queue, recorder, stop.Token);
                },
                stop.Token);
        }
        catch (Exception exception)
        {
            bool isCancelled = exception is OperationCanceledException;
            await stop.CancelAsync();
            if (!isCancelled)
            {
                await pool.DiscardAsync(number);
            }
            throw;
        }
        finally
        {
            open?.Dispose();
        }
    }

    private async IAsyncEnumerable<DatumWork> TakeAsync(
        DatumQueue queue, WorkerSlot slot, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (await queue.TakeAsync(() => slot.IsBusy, cancellationToken) is { } turn)
        {
            slot.Take();
            yield return await datums.PrepareAsync(turn, slot, log, cancellationToken);
        }
    }

    private async Task EndAsync(
        DatumAttempt attempt, DatumOutput output, DatumOutcome outcome, DatumQueue queue, DatumRecorder recorder,
        CancellationToken cancellationToken)
    {
        bool isHandedOver = false;
        try
        {
            await attempt.Log.EndAsync(cancellationToken);
            if (outcome.Succeeded)
            {
                DirectoryReference tree = await output.FinishAsync(cancellationToken);
                DatumRecord record = Record(attempt, outcome, attempt.Turn.Failures, "");
                isHandedOver = true;
                await recorder.AddAsync(new EndedDatum(record, [KeyValuePair.Create(attempt.Tag, tree)], [output.Writer]), cancellationToken);
                queue.End();
                return;
            }
            string reason = attempt.Log.LastError is { } said ? $"{outcome.Reason}: {said}" : outcome.Reason!;
            DatumTurn next = attempt.Turn with { Failures = attempt.Turn.Failures + 1 };
            if (next.Failures < DatumRetries.MaxFailures)
            {
                log.Tell(string.Create(
                    CultureInfo.InvariantCulture, $"datum {attempt.Id} failed for time {next.Failures} and is tried again: {reason}"));
                queue.Retry(next, DatumRetries.PauseFor(Random.Shared.NextDouble()));
                return;
            }
            log.Tell($"datum {attempt.Id} failed for good: {reason}");
            await recorder.AddAsync(new EndedDatum(Record(attempt, outcome, next.Failures, reason), [], []), cancellationToken);
            lock (gate)
            {
                failures.Add(new DatumFailure(attempt.Datum, reason));
            }
            queue.End();
        }
        finally
        {
            if (!isHandedOver)
            {
                output.Dispose();
            }
        }
    }

    private static DatumRecord Record(DatumAttempt attempt, DatumOutcome outcome, int failures, string reason)
    {
        DatumStatistics took = outcome.Statistics;
        ProcessStats stats = new(took.DownloadTime, took.ProcessTime, took.UploadTime, took.DownloadBytes, took.UploadBytes);
        return new DatumRecord(attempt.Turn.Place, attempt.Tag, !outcome.Succeeded, failures, stats, reason);
    }
}
