namespace Pachyderm.Storage.Packs;

/// <summary>
/// Lets many callers share flushes of a log, whose positions begin at 0: whoever asks while a flush runs that does not cover him waits for
/// the next one, which covers everybody who has asked by then.
/// </summary>
/// <param name="end">Tells the end of the log.</param>
/// <param name="flush">
/// Makes everything up to the position durable that <paramref name="end"/> told just before. One call at a time.
/// </param>
internal sealed class GroupCommit(Func<long> end, Action flush)
{
    private readonly Lock _gate = new();
    private long _durable;
    private long _target;
    private TaskCompletionSource? _running;
    private TaskCompletionSource? _next;

    /// <summary>Flushes done so far.</summary>
    public long Count { get; private set; }

    /// <summary>Up to where the log is durable.</summary>
    public long Durable => Volatile.Read(ref _durable);

    /// <summary>Returns when the log is durable up to a position.</summary>
    public Task WaitAsync(long position, CancellationToken cancellationToken)
    {
        if (position <= Durable)
        {
            return Task.CompletedTask;
        }

        Task task;
        lock (_gate)
        {
            if (_running is not null && position <= _target)
            {
                task = _running.Task;
            }
            else
            {
                _next ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                task = _next.Task;
                if (_running is null)
                {
                    Begin();
                    ThreadPool.UnsafeQueueUserWorkItem(static commit => commit.Run(), this, preferLocal: false);
                }
            }
        }

        return task.WaitAsync(cancellationToken);
    }

    private void Begin()
    {
        _running = _next;
        _next = null;
        _target = end();
    }

    private void Run()
    {
        while (true)
        {
            Exception? failure = null;
            try
            {
                flush();
            }
            catch (Exception exception)
            {
                // Goes to those who wait; the pool's thread must not die of it.
                failure = exception;
            }

            TaskCompletionSource done;
            bool more;
            lock (_gate)
            {
                done = _running!;
                Count++;
                if (failure is null)
                {
                    Volatile.Write(ref _durable, _target);
                }

                _running = null;
                more = _next is not null;
                if (more)
                {
                    Begin();
                }
            }

            if (failure is null)
            {
                done.SetResult();
            }
            else
            {
                done.SetException(failure);
            }

            if (!more)
            {
                return;
            }
        }
    }
}
