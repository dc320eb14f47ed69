namespace Pachyderm.Migration.Targets;

/// <summary>Holds writers back to a number of records a second, counted from the first one on.</summary>
/// <param name="recordsPerSecond">The limit, or null for none.</param>
/// <param name="time">The clock.</param>
internal sealed class RateLimiter(long? recordsPerSecond, TimeProvider time)
{
    private readonly Lock _gate = new();
    private long _started;
    private long _records;

    /// <summary>Waits until so many records more may be written.</summary>
    public Task WaitAsync(int records, CancellationToken cancellationToken)
    {
        if (recordsPerSecond is not { } limit)
        {
            return Task.CompletedTask;
        }

        TimeSpan wait;
        lock (_gate)
        {
            if (_records == 0)
            {
                _started = time.GetTimestamp();
            }

            wait = TimeSpan.FromSeconds((double)_records / limit) - time.GetElapsedTime(_started);
            _records += records;
        }

        return wait > TimeSpan.Zero ? Task.Delay(wait, time, cancellationToken) : Task.CompletedTask;
    }
}
