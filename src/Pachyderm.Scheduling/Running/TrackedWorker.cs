using Pachyderm.Workers;

namespace Pachyderm.Scheduling;

/// <summary>Lets a job see what a worker does, and ends the program of one datum when a person asks for it.</summary>
/// <param name="worker">The worker, which stays the pool's.</param>
/// <param name="job">The job.</param>
/// <param name="queue">Told when the worker can take another datum.</param>
/// <param name="time">The clock.</param>
internal sealed class TrackedWorker(IWorker worker, RunningJob job, DatumQueue queue, TimeProvider time) : IWorker
{
    /// <inheritdoc/>
    public async Task<IPreparedDatum> PrepareAsync(DatumWork datum, CancellationToken cancellationToken) =>
        new TrackedDatum(this, await worker.PrepareAsync(datum, cancellationToken));

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task RunAsync(IPreparedDatum prepared, CancellationToken cancellationToken)
    {
        DatumAttempt attempt = ((AttemptWork)prepared.Work).Attempt;
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        attempt.Begin(time.GetUtcNow(), stop);
        attempt.Slot.Begin();
        job.Enter(attempt);
        try
        {
            await prepared.RunAsync(attempt.Log, stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            attempt.WasRestarted = true;
        }
        finally
        {
            job.Leave(attempt);
            attempt.End();
            attempt.Slot.End();
            queue.Pulse();
        }
    }

    private sealed class TrackedDatum(TrackedWorker owner, IPreparedDatum prepared) : IPreparedDatum
    {
        private static readonly DatumStatistics None = new(TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero, 0, 0);

        public DatumWork Work => prepared.Work;

        public Task RunAsync(ILogSink logs, CancellationToken cancellationToken) => owner.RunAsync(prepared, cancellationToken);

        public Task<DatumOutcome> CollectAsync(IOutputSink sink, CancellationToken cancellationToken) =>
            ((AttemptWork)prepared.Work).Attempt.WasRestarted
                ? Task.FromResult(new DatumOutcome(Succeeded: false, ExitCode: null, "it was restarted", None))
                : prepared.CollectAsync(sink, cancellationToken);

        public ValueTask DisposeAsync() => prepared.DisposeAsync();
    }
}
