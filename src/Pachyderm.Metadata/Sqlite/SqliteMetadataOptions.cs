namespace Pachyderm.Metadata.Sqlite;

/// <summary>How a <see cref="SqliteMetadataStore"/> is opened.</summary>
public sealed record SqliteMetadataOptions
{
    /// <summary>
    /// The file. SQLite keeps two more beside it, with <c>-wal</c> and <c>-shm</c> at the end, and the store one with <c>.lock</c>.
    /// </summary>
    public required string Path
    {
        get;
        init
        {
            ArgumentException.ThrowIfNullOrEmpty(value);
            field = value;
        }
    }

    /// <summary>
    /// Opens for reading only: no store is created, no lock is taken, and writes are refused. Another process may have the store open for
    /// writing.
    /// </summary>
    public bool ReadOnly { get; init; }

    /// <summary>How many reads run at once, above 0; further ones wait. Each costs a connection, opened when it is first needed.</summary>
    public int Readers
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = Math.Clamp(Environment.ProcessorCount * 2, 4, 16);

    /// <summary>How many of the newest changes the feed keeps at least, above 0. Older ones are trimmed by and by.</summary>
    public int RetainedChanges
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = 100_000;

    /// <summary>Tells the time at which a store is created.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
