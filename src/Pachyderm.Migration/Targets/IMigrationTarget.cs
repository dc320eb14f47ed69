using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Targets;

/// <summary>
/// A store that is migrated: a live etcd, which is rewritten in place, or a snapshot file, from which a new file is made.
/// </summary>
public interface IMigrationTarget : IAsyncDisposable
{
    /// <summary>Where it is, for messages.</summary>
    string Location { get; }

    /// <summary>Cancelled when the fence that this process holds is lost.</summary>
    CancellationToken FenceLost { get; }

    /// <summary>Reads version, revision, size, quota and alarms.</summary>
    Task<RecordStoreStatus> GetStatusAsync(CancellationToken cancellationToken);

    /// <summary>Looks at what runs around the store and could write to it.</summary>
    Task<IReadOnlyList<Finding>> ExamineAsync(CancellationToken cancellationToken);

    /// <summary>Bytes that the migration will need beside what exists, and bytes that are free for them, if that can be told.</summary>
    Task<SpaceForecast> ForecastSpaceAsync(CancellationToken cancellationToken);

    /// <summary>Reads the journal of a migration under way; null if there is none.</summary>
    Task<MigrationJournal?> ReadJournalAsync(CancellationToken cancellationToken);

    /// <summary>Reads the stamp; null if there is none.</summary>
    Task<MigrationStamp?> ReadStampAsync(CancellationToken cancellationToken);

    /// <summary>Reads who holds the fence; null if nobody does.</summary>
    Task<FenceHolder?> ReadFenceAsync(CancellationToken cancellationToken);

    /// <summary>Takes the fence.</summary>
    Task AcquireFenceAsync(string migrationId, CancellationToken cancellationToken);

    /// <summary>Gives the fence up, if it is held.</summary>
    Task ReleaseFenceAsync();

    /// <summary>Writes the journal. The fence must be held.</summary>
    Task WriteJournalAsync(MigrationJournal journal, CancellationToken cancellationToken);

    /// <summary>Removes the journal, and with it the record of progress. The fence must be held.</summary>
    Task RemoveJournalAsync(CancellationToken cancellationToken);

    /// <summary>Writes the source, as of now, as an etcd snapshot.</summary>
    Task SaveSourceAsync(Stream destination, CancellationToken cancellationToken);

    /// <summary>
    /// Opens the source's image for reading: the source file itself, which was checked when the target was opened, or for a live store the
    /// copy that was made under the fence.
    /// </summary>
    /// <param name="copy">Path of that copy.</param>
    /// <param name="cancellationToken">Ends the opening.</param>
    Task<EtcdSnapshotFile> OpenSourceImageAsync(string copy, CancellationToken cancellationToken);

    /// <summary>Whether <see cref="OpenSourceImageAsync"/> needs a copy of the source.</summary>
    bool NeedsSourceCopy { get; }

    /// <summary>Visits the records of the source as they are now.</summary>
    internal IRecordSource OpenCurrent();

    /// <summary>Reads the records of a range of the source as they are now.</summary>
    IAsyncEnumerable<IReadOnlyList<StoredRecord>> ReadCurrentAsync(KeyRange range, CancellationToken cancellationToken);

    /// <summary>Visits the records that <see cref="ApplyAsync"/> has written, whether published yet or not.</summary>
    internal Task<OpenedSource> OpenMigratedAsync(CancellationToken cancellationToken);

    /// <summary>Makes all changes. Can be killed at any moment and called again.</summary>
    Task ApplyAsync(ApplyRequest request, IProgress<long>? progress, CancellationToken cancellationToken);

    /// <summary>Publishes the outcome with its stamp and the journal of the phase <see cref="MigrationPhase.Stamped"/>.</summary>
    /// <returns>The journal as written.</returns>
    Task<MigrationJournal> StampAsync(MigrationStamp stamp, MigrationJournal journal, CancellationToken cancellationToken);

    /// <summary>Finds the records that somebody has written since the migration, and which undoing it would lose.</summary>
    Task<IReadOnlyList<LaterWrite>> FindLaterWritesAsync(
        ApplyRequest request, MigrationJournal journal, CancellationToken cancellationToken);

    /// <summary>
    /// Puts every record back, those of <paramref name="laterWrites"/> included, and removes what the migration added and the stamp.
    /// Can be killed at any moment and called again with the same arguments.
    /// </summary>
    Task UndoAsync(
        ApplyRequest request, IReadOnlyList<LaterWrite> laterWrites, IProgress<long>? progress, CancellationToken cancellationToken);
}

/// <summary>Space that a migration needs in a store.</summary>
/// <param name="NeededBytes">Bytes that will be added at most.</param>
/// <param name="AvailableBytes">Bytes that are free; null where it cannot be told.</param>
/// <param name="Where">What would fill up.</param>
public sealed record SpaceForecast(long NeededBytes, long? AvailableBytes, string Where);

/// <summary>What <see cref="IMigrationTarget.ApplyAsync"/> and <see cref="IMigrationTarget.UndoAsync"/> work from.</summary>
/// <param name="Source">Image of the source.</param>
/// <param name="Conversion">The conversion.</param>
/// <param name="Classifier">Tells which records belong to the cluster, and which list they are shown in.</param>
/// <param name="Stamp">The stamp that the outcome will bear.</param>
/// <param name="HasQuarantine">Whether the conversion sets any record aside.</param>
/// <param name="RateLimit">Most records a second that are written to a live store, or null.</param>
public sealed record ApplyRequest(
    EtcdSnapshotFile Source, IRecordConversion Conversion, RecordClassifier Classifier, MigrationStamp Stamp, bool HasQuarantine,
    long? RateLimit);

/// <summary>A record that was written after a migration by somebody else.</summary>
/// <param name="Key">Its key.</param>
/// <param name="What">What happened to it.</param>
/// <param name="Value">Its value now; empty if it was deleted.</param>
public sealed record LaterWrite(ReadOnlyMemory<byte> Key, string What, ReadOnlyMemory<byte> Value);

/// <summary>A record source and what has to be closed after it.</summary>
/// <param name="Source">The source.</param>
/// <param name="Read">Reads the records of a range of it.</param>
/// <param name="File">The file underneath, or null.</param>
internal sealed record OpenedSource(
    IRecordSource Source, Func<KeyRange, IAsyncEnumerable<IReadOnlyList<StoredRecord>>> Read, IDisposable? File) : IAsyncDisposable
{
    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        File?.Dispose();
        return ValueTask.CompletedTask;
    }
}
