namespace Pachyderm.Scheduling;

/// <summary>A datum whose turn it is.</summary>
/// <param name="Place">Its place among the datums of the job.</param>
/// <param name="Failures">How often its program failed so far.</param>
internal readonly record struct DatumTurn(int Place, int Failures);

/// <summary>
/// The datums that are to be processed, shared by the workers of a job. Those that failed come again after a pause, behind all others.
/// A worker that is busy gets another one to prepare only while more wait than there are workers, so that none waits for a busy worker
/// while another one has nothing to do. Safe for concurrent use.
/// </summary>
/// <param name="places">The datums in their order.</param>
/// <param name="workers">Number of workers.</param>
/// <param name="time">The clock.</param>
internal sealed class DatumQueue(IReadOnlyList<int> places, int workers, TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly PriorityQueue<DatumTurn, long> again = new();
    private int next;
    private int taken;
    private TaskCompletionSource changed = NewSignal();

    /// <summary>Waits for a datum.</summary>
    /// <param name="isBusy">Whether the worker still has a datum before it that has not run.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>A datum; null when all have ended.</returns>
    public async ValueTask<DatumTurn?> TakeAsync(Func<bool> isBusy, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task signal;
            TimeSpan pause;
            lock (gate)
            {
                int waiting = places.Count - next;
                bool mayTake = workers == 1 || waiting > workers || !isBusy();
                if (waiting > 0 && mayTake)
                {
                    taken++;
                    return new DatumTurn(places[next++], 0);
                }
                pause = Timeout.InfiniteTimeSpan;
                if (waiting == 0 && mayTake && again.TryPeek(out DatumTurn turn, out long due))
                {
                    pause = time.GetElapsedTime(time.GetTimestamp(), due);
                    if (pause <= TimeSpan.Zero)
                    {
                        again.Dequeue();
                        taken++;
                        return turn;
                    }
                }
                if (waiting == 0 && again.Count == 0 && taken == 0)
                {
                    return null;
                }
                signal = changed.Task;
            }
            if (pause == Timeout.InfiniteTimeSpan)
            {
                await signal.WaitAsync(cancellationToken);
            }
            else
            {
                using CancellationTokenSource done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                await Task.WhenAny(signal, Task.Delay(pause, time, done.Token));
                await done.CancelAsync();
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>A datum that was taken has ended for good.</summary>
    public void End()
    {
        lock (gate)
        {
            taken--;
        }
        Pulse();
    }

    /// <summary>A datum that was taken is to be tried again.</summary>
    /// <param name="turn">The datum, with one failure more.</param>
    /// <param name="pause">How long to wait.</param>
    public void Retry(DatumTurn turn, TimeSpan pause)
    {
        lock (gate)
        {
            taken--;
            again.Enqueue(turn, time.GetTimestamp() + (long)(pause.TotalSeconds * time.TimestampFrequency));
        }
        Pulse();
    }

    /// <summary>Lets those who wait look again.</summary>
    public void Pulse()
    {
        TaskCompletionSource old;
        lock (gate)
        {
            old = changed;
            changed = NewSignal();
        }
        old.SetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
