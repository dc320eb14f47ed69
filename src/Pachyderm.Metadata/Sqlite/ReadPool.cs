using System.Collections.Concurrent;

namespace Pachyderm.Metadata.Sqlite;

/// <summary>Connections for reading, opened when they are first needed.</summary>
internal sealed class ReadPool(string path, DatabaseMode mode, int size) : IAsyncDisposable
{
    private readonly SemaphoreSlim _free = new(size);
    private readonly ConcurrentStack<Database> _idle = new();
    private volatile bool _closed;

    /// <summary>Runs a function on a connection, on the thread of the caller if one is free.</summary>
    public async Task<T> RunAsync<T>(Func<Database, T> use, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closed, typeof(SqliteMetadataStore));
        await _free.WaitAsync(cancellationToken);
        try
        {
            ObjectDisposedException.ThrowIf(_closed, typeof(SqliteMetadataStore));
            Database database = _idle.TryPop(out Database? idle) ? idle : Database.Open(path, mode);
            try
            {
                return use(database);
            }
            finally
            {
                _idle.Push(database);
            }
        }
        finally
        {
            _free.Release();
        }
    }

    /// <summary>Waits for the reads under way and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_closed)
        {
            return;
        }

        _closed = true;
        for (int taken = 0; taken < size; taken++)
        {
            await _free.WaitAsync();
        }

        while (_idle.TryPop(out Database? database))
        {
            database.Dispose();
        }

        // Whoever still waits comes through and finds it closed.
        _free.Release(size);
    }
}
