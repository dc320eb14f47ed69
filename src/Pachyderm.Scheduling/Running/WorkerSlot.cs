namespace Pachyderm.Scheduling;

/// <summary>What a worker has before it in a job. Safe for concurrent use.</summary>
/// <param name="number">Its number in its pool, from 0.</param>
/// <param name="name">Its name.</param>
internal sealed class WorkerSlot(int number, string name)
{
    private int waiting;
    private int running;

    /// <summary>Its number in its pool.</summary>
    public int Number => number;

    /// <summary>Its name.</summary>
    public string Name => name;

    /// <summary>Number of datums that it has taken and that do not run yet.</summary>
    public int Waiting => Volatile.Read(ref waiting);

    /// <summary>Whether it has a datum before it that has not run.</summary>
    public bool IsBusy => Waiting > 0 || Volatile.Read(ref running) > 0;

    /// <summary>It has taken a datum.</summary>
    public void Take() => Interlocked.Increment(ref waiting);

    /// <summary>A datum that it took begins to run.</summary>
    public void Begin()
    {
        Interlocked.Increment(ref running);
        Interlocked.Decrement(ref waiting);
    }

    /// <summary>A datum has run.</summary>
    public void End() => Interlocked.Decrement(ref running);
}
