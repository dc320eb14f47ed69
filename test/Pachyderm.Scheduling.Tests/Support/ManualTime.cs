namespace Pachyderm.Scheduling.Tests;

/// <summary>A clock that stands still until a test sets it; timers fire when it passes their time. Safe for concurrent use.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Lock access = new();
    private readonly List<ManualTimer> timers = [];
    private DateTimeOffset now;
    private TaskCompletionSource added = NewSignal();

    public ManualTime(DateTimeOffset now) => this.now = now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (access)
        {
            return now;
        }
    }

    public override long GetTimestamp() => GetUtcNow().UtcTicks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ManualTimer timer = new(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Waits until somebody waits for a time, and sets the clock to it.</summary>
    public async Task AdvanceToNextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task change;
            lock (access)
            {
                change = added.Task;
                if (timers.Count > 0)
                {
                    DateTimeOffset next = timers.Min(static timer => timer.Due);
                    now = next > now ? next : now;
                    change = Task.CompletedTask;
                }
            }
            if (change.IsCompleted)
            {
                Fire();
                return;
            }
            await change.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Sets the clock forward.</summary>
    public void Advance(TimeSpan time)
    {
        lock (access)
        {
            now += time;
        }
        Fire();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Fire()
    {
        List<ManualTimer> due;
        lock (access)
        {
            due = [.. timers.Where(timer => timer.Due <= now)];
            timers.RemoveAll(due.Contains);
        }
        foreach (ManualTimer timer in due)
        {
            timer.Fire();
        }
    }

    private void Set(ManualTimer timer, TimeSpan dueTime)
    {
        TaskCompletionSource signal;
        lock (access)
        {
            timers.Remove(timer);
            if (dueTime == Timeout.InfiniteTimeSpan)
            {
                return;
            }
            timer.Due = now + dueTime;
            timers.Add(timer);
            (signal, added) = (added, NewSignal());
        }
        signal.SetResult();
    }

    private sealed class ManualTimer(ManualTime clock, Action fire) : ITimer
    {
        public DateTimeOffset Due { get; set; }

        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            clock.Set(this, dueTime);
            return true;
        }

        public void Dispose() => clock.Set(this, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
