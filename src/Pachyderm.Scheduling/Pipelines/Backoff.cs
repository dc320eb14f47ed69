namespace Pachyderm.Scheduling;

/// <summary>Pauses that double from half a second to half a minute.</summary>
/// <param name="time">The clock.</param>
internal sealed class Backoff(TimeProvider time)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private TimeSpan next = First;

    /// <summary>Waits for the next pause.</summary>
    public Task WaitAsync(CancellationToken cancellationToken)
    {
        TimeSpan pause = next;
        next = TimeSpan.FromTicks(Math.Min(2 * next.Ticks, Longest.Ticks));
        return Task.Delay(pause, time, cancellationToken);
    }

    /// <summary>All is well: the next pause is the shortest.</summary>
    public void Reset() => next = First;
}
