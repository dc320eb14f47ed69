using System.Diagnostics.CodeAnalysis;

namespace Pachyderm.Metadata.Sqlite;

/// <summary>
/// The only thread that writes. It takes what waits, runs it in one SQLite transaction with a savepoint for each change, commits (one
/// flush of the disk for all of them) and answers. Meanwhile the next changes gather.
/// </summary>
internal sealed class WriterThread : IAsyncDisposable
{
    private const int MostChanges = 1_024;
    private const long MostRows = 100_000;
    private const long LogLimit = 64L << 20;

    private readonly Queue<WriteRequest> _queue = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<WriteRequest> _batch = [];
    private readonly Database _database;
    private readonly WriterState _state;
    private readonly ChangeSignal _signal;
    private readonly int _retainedChanges;
    private readonly FileInfo _log;
    private long _checkpointAt = LogLimit;
    private bool _closed;

    /// <summary>Starts it. It owns the connection from now on.</summary>
    public WriterThread(Database database, ChangeSignal signal, int retainedChanges)
    {
        _database = database;
        _signal = signal;
        _retainedChanges = retainedChanges;
        _log = new FileInfo(database.Path + StoreFiles.LogSuffix);
        _state = new WriterState(database);
        new Thread(Work) { IsBackground = true, Name = "metadata-writer" }.Start();
    }

    /// <summary>Has a change run.</summary>
    /// <exception cref="ObjectDisposedException">The store is closing.</exception>
    public void Add(WriteRequest request)
    {
        lock (_queue)
        {
            if (!_closed)
            {
                _queue.Enqueue(request);
                Monitor.Pulse(_queue);
                return;
            }
        }

        _ = request.TryBegin();
        throw new ObjectDisposedException("The metadata store is closed.", innerException: null);
    }

    /// <summary>Runs what waits, then ends the thread. Nothing more is taken.</summary>
    public Task DrainAsync()
    {
        lock (_queue)
        {
            _closed = true;
            Monitor.Pulse(_queue);
        }

        return _ended.Task;
    }

    /// <summary>
    /// Drains, and closes the connection. The last connection that closes empties the log, and only one that may write can do that.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await DrainAsync();
        _database.Dispose();
    }

    private void Work()
    {
        while (TryTake(wait: true, out WriteRequest? first))
        {
            RunBatch(first);
        }

        _ended.SetResult();
    }

    // Waits without spinning: what comes next mostly waits for a flush of the disk, and others have a use for the processor meanwhile.
    private bool TryTake(bool wait, [MaybeNullWhen(false)] out WriteRequest request)
    {
        lock (_queue)
        {
            while (wait && _queue.Count == 0 && !_closed)
            {
                Monitor.Wait(_queue);
            }

            return _queue.TryDequeue(out request);
        }
    }

    private void RunBatch(WriteRequest first)
    {
        Sequences before = _state.Sequences;
        try
        {
            RunTransaction(first);
        }
        catch (Exception exception)
        {
            // Whatever it was, it concerns everybody in this transaction, and the thread lives on.
            RollBack();
            _state.Sequences = before;
            _state.Owners.Forget();
            foreach (WriteRequest request in _batch)
            {
                request.Fail(exception);
            }

            _batch.Clear();
            return;
        }

        _signal.Publish(_state.Sequences.Change);
        foreach (WriteRequest request in _batch)
        {
            request.Answer();
        }

        _batch.Clear();
        KeepLogShort();
    }

    private void RunTransaction(WriteRequest first)
    {
        if (!first.TryBegin())
        {
            return;
        }

        _batch.Add(first);
        Sequences before = _state.Sequences;
        _database.Prepare("BEGIN IMMEDIATE").Run();
        long rows = _database.TotalChanges + MostRows;
        RunChange(first);
        while (_batch.Count < MostChanges && _database.TotalChanges < rows && TryTake(wait: false, out WriteRequest? request))
        {
            if (request.TryBegin())
            {
                _batch.Add(request);
                RunChange(request);
            }
        }

        if (_state.Sequences != before)
        {
            TrimChanges();
            _state.Sequences.Write(_database);
        }

        _database.Prepare("COMMIT").Run();
    }

    private void RunChange(WriteRequest request)
    {
        Sequences before = _state.Sequences;
        SqliteWriter writer = new(_state);
        _database.Prepare("SAVEPOINT change").Run();
        _database.Failure = null;
        try
        {
            request.Run(writer);
            if (_database.Failure is { } swallowed)
            {
                throw swallowed;
            }

            _state.Owners.Flush();
        }
        catch (Exception exception) when (_database.InTransaction)
        {
            // It is told only after the commit: what made it throw may be an earlier change of this transaction.
            request.Reject(exception);
            _database.Prepare("ROLLBACK TO change").Run();
            _state.Sequences = before;
            _state.Owners.Forget();
        }
        finally
        {
            writer.End();
        }

        _database.Prepare("RELEASE change").Run();
    }

    // With some slack, so that it is done for many at once.
    private void TrimChanges()
    {
        Sequences sequences = _state.Sequences;
        if (sequences.Change - sequences.TrimmedChange > _retainedChanges + (_retainedChanges / 8))
        {
            long last = sequences.Change - _retainedChanges;
            _database.Prepare("DELETE FROM changes WHERE sequence <= ?1").Bind(1, last).Run();
            _state.Sequences = sequences with { TrimmedChange = last };
        }
    }

    private void RollBack()
    {
        try
        {
            if (_database.InTransaction)
            {
                _database.Prepare("ROLLBACK").Run();
            }
        }
        catch (Exception exception) when (exception is Errors.OperatorException or InvalidOperationException)
        {
            // SQLite undoes it all the same when the connection goes on; the failure that led here is the one to tell.
            _database.Failure ??= exception;
        }
    }

    // SQLite folds the log into the file as it goes, but while reads overlap without a gap the log only grows. Then they have to wait once.
    private void KeepLogShort()
    {
        _log.Refresh();
        if (!_log.Exists || _log.Length < _checkpointAt)
        {
            return;
        }

        try
        {
            _database.Checkpoint();
        }
        catch (Errors.OperatorException)
        {
            // Everything is in the log and durable; a disk that stays full shows at the next change.
        }

        _log.Refresh();
        _checkpointAt = _log.Exists ? Math.Max(LogLimit, _log.Length * 2) : LogLimit;
    }
}
