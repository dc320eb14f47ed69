namespace Pachyderm.Metadata;

/// <summary>
/// The transactional store of records. Safe for concurrent use. Transactions are serializable; a read sees every write whose
/// task had completed before the read was called.
/// </summary>
public interface IMetadataStore : IAsyncDisposable
{
    /// <summary>Number of the storage format of everything under this store's data directory, stamped when it was created.</summary>
    int Format { get; }

    /// <summary>Runs a query against one consistent view.</summary>
    /// <param name="query">Runs once, without awaiting anything.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task<T> ReadAsync<T>(Func<IMetadataReader, T> query, CancellationToken cancellationToken);

    /// <summary>
    /// Runs a change and returns when it is durable. Concurrent changes share their disk flushes. If the function throws, nothing of it
    /// is kept and the exception is thrown here.
    /// </summary>
    /// <param name="change">Has no effect but on the writer, since it may run again; awaits nothing.</param>
    /// <param name="cancellationToken">Ends the waiting before the change has begun; never in the middle.</param>
    Task<T> WriteAsync<T>(Func<IMetadataWriter, T> change, CancellationToken cancellationToken);

    /// <summary>
    /// Returns when the feed has a change behind <paramref name="after"/>: at once, or as soon as one is durable. Never polls.
    /// </summary>
    Task WaitForChangeAsync(long after, CancellationToken cancellationToken);
}
