namespace Pachyderm.RecordStores.Etcd;

/// <summary>Limits and patience of an <see cref="EtcdRecordStore"/>. The defaults suit every etcd that was not tuned.</summary>
public sealed record EtcdOptions
{
    /// <summary>How long <see cref="EtcdRecordStore.ConnectAsync"/> waits for the server's first answer.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a lost connection may stay lost before reads, watches and leases give up.</summary>
    public TimeSpan RetryFor { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A connection on which nothing came for this long, while an answer is awaited, is pinged; it is given up after as long again.
    /// etcd by default closes connections that ping more often than every five seconds.
    /// </summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The number of records that the first page of a read asks for; later pages adapt to the size of the records.</summary>
    public int PageRecords { get; init; } = 1_000;

    /// <summary>The largest answer to accept in bytes. It bounds the memory of a page, and must exceed the largest record.</summary>
    public int MaxMessageBytes { get; init; } = 64 << 20;

    /// <summary>How many records etcd's index may be walked over for a page (see <see cref="EtcdKeyHorizon"/>).</summary>
    internal long WalkRecords { get; init; } = 50_000;

    /// <summary>The clock of waits and deadlines.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
