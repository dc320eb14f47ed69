namespace Pachyderm.Metadata.Sqlite;

/// <summary>
/// A change on its way through the writer: waiting, then run once, then answered when its transaction is durable or failed.
/// </summary>
internal abstract class WriteRequest
{
    /// <summary>Takes it out of the waiting; false if it was cancelled before.</summary>
    public abstract bool TryBegin();

    /// <summary>Runs the change and keeps what it returns. What it throws goes to the caller of this method.</summary>
    public abstract void Run(SqliteWriter writer);

    /// <summary>Answers with an exception when <see cref="Answer"/> comes, since the change is rolled back alone.</summary>
    public abstract void Reject(Exception exception);

    /// <summary>Answers with what the change returned or threw.</summary>
    public abstract void Answer();

    /// <summary>Answers with a failure of the whole transaction.</summary>
    public abstract void Fail(Exception exception);
}

/// <summary>A change that returns something.</summary>
internal sealed class WriteRequest<T> : WriteRequest
{
    private const int Waiting = 0;
    private const int Begun = 1;
    private const int Cancelled = 2;

    // Continuations must never run on the writer's thread.
    private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<IMetadataWriter, T> _change;
    private readonly CancellationTokenRegistration _registration;
    private int _state;
    private T? _result;
    private Exception? _exception;

    /// <summary>Creates it in waiting.</summary>
    public WriteRequest(Func<IMetadataWriter, T> change, CancellationToken cancellationToken)
    {
        _change = change;
        _registration = cancellationToken.UnsafeRegister(static (request, token) => ((WriteRequest<T>)request!).Cancel(token), this);
    }

    /// <summary>Completes with the answer.</summary>
    public Task<T> Task => _completion.Task;

    /// <inheritdoc/>
    public override bool TryBegin()
    {
        if (Interlocked.CompareExchange(ref _state, Begun, Waiting) != Waiting)
        {
            return false;
        }

        _registration.Unregister();
        return true;
    }

    /// <inheritdoc/>
    public override void Run(SqliteWriter writer) => _result = _change(writer);

    /// <inheritdoc/>
    public override void Reject(Exception exception) => _exception = exception;

    /// <inheritdoc/>
    public override void Answer()
    {
        if (_exception is null)
        {
            _completion.SetResult(_result!);
        }
        else
        {
            _completion.SetException(_exception);
        }
    }

    /// <inheritdoc/>
    public override void Fail(Exception exception) => _completion.SetException(exception);

    private void Cancel(CancellationToken token)
    {
        if (Interlocked.CompareExchange(ref _state, Cancelled, Waiting) == Waiting)
        {
            _completion.SetCanceled(token);
        }
    }
}
