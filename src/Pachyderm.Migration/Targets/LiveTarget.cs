using System.IO.Hashing;
using System.Runtime.CompilerServices;
using Pachyderm.Errors;
using Pachyderm.Formats;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Targets;

/// <summary>
/// A live etcd, migrated in place. The store itself holds the fence, the journal and the progress; before-images are in the backup.
/// </summary>
public sealed class LiveTarget : IMigrationTarget
{
    // One for the jobs and one for the rest. Lanes compete for one disk, and the fewer there are the more records share a transaction
    // (measured on loopback: 3 lanes take longer than 2).
    private const int Lanes = 2;

    private readonly IRecordStore _store;
    private readonly MigrationKeys _keys;
    private readonly TimeProvider _time;
    private readonly Func<CancellationToken, Task<IReadOnlyList<Finding>>>? _examine;
    private Fence? _fence;

    // Null until this process has begun a verification.
    private long? _ownWritesSinceVerification;

    /// <summary>Wraps a store, which the target then owns.</summary>
    /// <param name="store">The store.</param>
    /// <param name="pfsPrefix">The cluster's prefix of file-system records.</param>
    /// <param name="time">The clock.</param>
    /// <param name="examine">Looks at what runs around the store; null if nothing is known of it.</param>
    public LiveTarget(
        IRecordStore store, string pfsPrefix, TimeProvider time, Func<CancellationToken, Task<IReadOnlyList<Finding>>>? examine = null)
    {
        _examine = examine;
        _store = store;
        _keys = new MigrationKeys(pfsPrefix);
        _time = time;
    }

    /// <inheritdoc/>
    public string Location => _store.Location;

    /// <inheritdoc/>
    public CancellationToken FenceLost => _fence?.Lost ?? CancellationToken.None;

    /// <inheritdoc/>
    public bool NeedsSourceCopy => true;

    /// <inheritdoc/>
    public Task<RecordStoreStatus> GetStatusAsync(CancellationToken cancellationToken) => _store.GetStatusAsync(cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> ExamineAsync(CancellationToken cancellationToken) =>
        _examine?.Invoke(cancellationToken) ?? Task.FromResult<IReadOnlyList<Finding>>([]);

    /// <inheritdoc/>
    public async Task<SpaceForecast> ForecastSpaceAsync(CancellationToken cancellationToken)
    {
        // Every rewritten record leaves its old revision behind until the next compaction, and a compaction comes after so many bytes.
        RecordStoreStatus status = await _store.GetStatusAsync(cancellationToken);
        return new SpaceForecast(
            Math.Min(status.SizeBytes, 2 * CompactAfterBytes(status.SizeBytes)), status.QuotaBytes - status.SizeBytes,
            $"the quota of {_store.Location}");
    }

    /// <inheritdoc/>
    public async Task<MigrationJournal?> ReadJournalAsync(CancellationToken cancellationToken) =>
        await _store.GetAsync(_keys.Journal, cancellationToken) is { } record
            ? JournalJson.DecodeJournal(record.Value.Span, $"{Location} journal")
            : null;

    /// <inheritdoc/>
    public async Task<MigrationStamp?> ReadStampAsync(CancellationToken cancellationToken) =>
        await _store.GetAsync(_keys.Stamp, cancellationToken) is { } record
            ? JournalJson.Decode(record.Value.Span, JournalJson.Default.MigrationStamp, $"{Location} stamp")
            : null;

    /// <inheritdoc/>
    public Task<FenceHolder?> ReadFenceAsync(CancellationToken cancellationToken) => Fence.ReadAsync(_store, _keys, cancellationToken);

    /// <inheritdoc/>
    public async Task AcquireFenceAsync(string migrationId, CancellationToken cancellationToken) =>
        _fence = await Fence.AcquireAsync(_store, _keys, migrationId, _time, cancellationToken);

    /// <inheritdoc/>
    public async Task ReleaseFenceAsync()
    {
        if (_fence is not null)
        {
            await _fence.DisposeAsync();
            _fence = null;
        }
    }

    /// <inheritdoc/>
    public Task WriteJournalAsync(MigrationJournal journal, CancellationToken cancellationToken) =>
        WriteGuardedAsync([PutJournal(journal)], cancellationToken);

    /// <inheritdoc/>
    public async Task RemoveJournalAsync(CancellationToken cancellationToken)
    {
        List<RecordWrite> writes = [RecordWrite.Delete(_keys.Journal)];
        foreach (string work in (string[])[Work.Run, Work.Undo])
        {
            await foreach (IReadOnlyList<StoredRecord> page in _store.ReadAsync(_keys.AllProgress(work), 0, cancellationToken))
            {
                writes.AddRange(page.Select(record => RecordWrite.Delete(record.Key)));
            }
        }

        await WriteGuardedAsync(writes, cancellationToken);
    }

    /// <inheritdoc/>
    public Task SaveSourceAsync(Stream destination, CancellationToken cancellationToken) =>
        _store.SaveSnapshotAsync(destination, cancellationToken);

    /// <inheritdoc/>
    public Task<EtcdSnapshotFile> OpenSourceImageAsync(string copy, CancellationToken cancellationToken) =>
        EtcdSnapshotFile.OpenAsync(copy, SnapshotIntegrity.VerifyHash, cancellationToken);

    /// <inheritdoc/>
    IRecordSource IMigrationTarget.OpenCurrent() => new StoreRecordSource(_store);

    /// <inheritdoc/>
    public IAsyncEnumerable<IReadOnlyList<StoredRecord>> ReadCurrentAsync(KeyRange range, CancellationToken cancellationToken) =>
        _store.ReadAsync(range, 0, cancellationToken);

    /// <inheritdoc/>
    Task<OpenedSource> IMigrationTarget.OpenMigratedAsync(CancellationToken cancellationToken)
    {
        _ownWritesSinceVerification = 0;
        return Task.FromResult(
            new OpenedSource(new StoreRecordSource(_store), range => _store.ReadAsync(range, 0, cancellationToken), File: null));
    }

    /// <inheritdoc/>
    public Task ApplyAsync(ApplyRequest request, IProgress<long>? progress, CancellationToken cancellationToken) =>
        NewApplier(Work.Run, request, progress).ApplyAsync(ChangesAsync(request, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public async Task<MigrationJournal> StampAsync(MigrationStamp stamp, MigrationJournal journal, CancellationToken cancellationToken)
    {
        await RefuseForeignWritesAsync(journal, cancellationToken);

        // The journal says Stamped with revision 0 for the blink between the two writes; the stamp itself is what counts.
        TransactionResult stamped = await WriteGuardedAsync(
            [RecordWrite.Put(_keys.Stamp, JournalJson.Encode(stamp, JournalJson.Default.MigrationStamp)), PutJournal(journal)],
            cancellationToken);
        MigrationJournal written = journal with { StampRevision = stamped.Revision };
        FaultPoints.Reach("stamp.before-revision");
        try
        {
            await RefuseForeignWritesAsync(journal, cancellationToken);
        }
        catch (OperatorException exception) when (exception.Id == "foreign-write")
        {
            // Somebody slipped in between the look and the stamp: it was not deserved.
            await WriteGuardedAsync(
                [RecordWrite.Delete(_keys.Stamp), PutJournal(journal with { Phase = MigrationPhase.Ran })], cancellationToken);
            throw;
        }

        await WriteJournalAsync(written, cancellationToken);
        return written;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<LaterWrite>> FindLaterWritesAsync(
        ApplyRequest request, MigrationJournal journal, CancellationToken cancellationToken)
    {
        if (journal.Phase != MigrationPhase.Stamped)
        {
            return await new ForeignWrites(_store, request).FindAsync(cancellationToken);
        }

        long stampRevision = journal.StampRevision != 0
            ? journal.StampRevision
            : (await _store.GetAsync(_keys.Stamp, cancellationToken))?.ModRevision ?? long.MaxValue;
        List<LaterWrite> found = [];
        UInt64Set present = new();
        await foreach (IReadOnlyList<StoredRecord> page in _store.ReadAsync(KeyRange.All, 0, cancellationToken))
        {
            foreach (StoredRecord record in page.Where(record => request.Classifier.IsDurable(record)))
            {
                present.Add(XxHash3.HashToUInt64(record.Key.Span));
                if (record.ModRevision > stampRevision)
                {
                    found.Add(new LaterWrite(record.Key, record.CreateRevision > stampRevision ? "created" : "changed", record.Value));
                }
            }
        }

        await foreach ((StoredRecord record, _) in SourceRecordsAsync(request, cancellationToken))
        {
            bool expected = request.Conversion.Convert(record).Kind is RecordChangeKind.Keep or RecordChangeKind.Replace;
            if (expected && !present.Contains(XxHash3.HashToUInt64(record.Key.Span)))
            {
                found.Add(new LaterWrite(record.Key, "deleted", default));
            }
        }

        return found;
    }

    /// <inheritdoc/>
    public async Task UndoAsync(
        ApplyRequest request, IReadOnlyList<LaterWrite> laterWrites, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        await NewApplier(Work.Undo, request, progress).ApplyAsync(
            RestoresAsync(request, laterWrites, cancellationToken), cancellationToken);
        await WriteGuardedAsync([RecordWrite.Delete(_keys.Stamp)], cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await ReleaseFenceAsync();
        await _store.DisposeAsync();
    }

    private LaneApplier NewApplier(string work, ApplyRequest request, IProgress<long>? progress) => new(
        _store, _keys, work, Lanes, HeldFence(), new RateLimiter(request.RateLimit, _time), CompactAfterBytes(request.Source.SizeBytes),
        progress);

    // A compaction walks over all keys, so it pays only after a good part of them.
    private static long CompactAfterBytes(long storeBytes) => Math.Max(64L << 20, storeBytes / 8);

    private Fence HeldFence() => _fence ?? throw new InvalidOperationException("the fence is not held");

    private async Task RefuseForeignWritesAsync(MigrationJournal journal, CancellationToken cancellationToken)
    {
        RecordStoreStatus status = await _store.GetStatusAsync(cancellationToken);
        if (_ownWritesSinceVerification is { } own && status.Revision == journal.VerifiedRevision + own)
        {
            return;
        }

        // The revision has moved by more than our own writes. Leases that run out and other clusters in the same etcd move it, too.
        RecordClassifier classifier = new(new ClusterKeys(journal.PfsPrefix, journal.PpsPrefix));
        await foreach (IReadOnlyList<StoredRecord> page in _store.ReadAsync(KeyRange.All, 0, cancellationToken))
        {
            foreach (StoredRecord record in page)
            {
                if (record.ModRevision > journal.VerifiedRevision && classifier.IsDurable(record))
                {
                    throw new OperatorException(
                        "foreign-write",
                        KeyText.Show(record.Key.Span),
                        $"somebody else wrote it at revision {record.ModRevision}, after the verification had begun",
                        "stop every pachd and worker of this cluster, then run `pachctl migrate undo` and start again");
                }
            }
        }
    }

    private RecordWrite PutJournal(MigrationJournal journal) =>
        RecordWrite.Put(_keys.Journal, JournalJson.Encode(journal, JournalJson.Default.MigrationJournal));

    private async Task<TransactionResult> WriteGuardedAsync(IReadOnlyList<RecordWrite> writes, CancellationToken cancellationToken)
    {
        // All of these writes may be made twice, so a lost answer is answered by asking again.
        while (true)
        {
            try
            {
                TransactionResult result = await _store.CommitAsync(new RecordTransaction([HeldFence().Guard], writes), cancellationToken);
                _ownWritesSinceVerification++;
                return result.Succeeded ? result : throw LaneApplier.FenceLost(_store);
            }
            catch (OperatorException exception) when (exception.Id == "transaction-outcome-unknown")
            {
                _ownWritesSinceVerification = null;
                await _store.GetStatusAsync(cancellationToken);
            }
        }
    }

    private static async IAsyncEnumerable<(StoredRecord Record, ulong Scope)> SourceRecordsAsync(
        ApplyRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (IReadOnlyList<StoredRecord> page in request.Source.ReadByRevisionAsync(KeyRange.All, cancellationToken))
        {
            foreach (StoredRecord record in page)
            {
                if (request.Classifier.IsDurable(record, out ulong scope))
                {
                    // Lanes hold writes back for a while; a slice would hold its whole page back with it.
                    yield return (record with { Key = record.Key.ToArray(), Value = record.Value.ToArray() }, scope);
                }
            }
        }
    }

    private async IAsyncEnumerable<LaneWrite> ChangesAsync(
        ApplyRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        HashSet<ulong> changedScopes = [];
        await foreach ((StoredRecord record, ulong scope) in SourceRecordsAsync(request, cancellationToken))
        {
            RecordChange change = request.Conversion.Convert(record);
            switch (change.Kind)
            {
                case RecordChangeKind.Replace:
                    changedScopes.Add(scope);
                    yield return new LaneWrite(RecordWrite.Put(record.Key, change.Value, record.Lease), scope, record.ModRevision);
                    break;
                case RecordChangeKind.Keep when scope != 0 && changedScopes.Contains(scope):
                    // Records of its list have become newer: written again as it is, it keeps its place.
                    yield return new LaneWrite(RecordWrite.Put(record.Key, record.Value, record.Lease), scope, record.ModRevision);
                    break;
                case RecordChangeKind.Drop:
                    yield return new LaneWrite(RecordWrite.Delete(record.Key), 0, record.ModRevision);
                    break;
                case RecordChangeKind.Quarantine:
                    // One scope for both: set aside first, removed then.
                    ulong pair = XxHash3.HashToUInt64(record.Key.Span) | 1;
                    yield return new LaneWrite(RecordWrite.Put(_keys.Quarantined(record.Key.Span), record.Value), pair, 0);
                    yield return new LaneWrite(RecordWrite.Delete(record.Key), pair, record.ModRevision);
                    break;
            }
        }

        await foreach (RecordAddition addition in AdditionsAsync(request, cancellationToken))
        {
            yield return new LaneWrite(RecordWrite.Put(addition.Key, addition.Value), FolderScope(addition.Key.Span), 0);
        }
    }

    private async IAsyncEnumerable<LaneWrite> RestoresAsync(
        ApplyRequest request, IReadOnlyList<LaterWrite> laterWrites, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Dictionary<ulong, LaterWrite> later = laterWrites.ToDictionary(write => XxHash3.HashToUInt64(write.Key.Span));
        HashSet<ulong> changedScopes = [];
        await foreach ((StoredRecord record, ulong scope) in SourceRecordsAsync(request, cancellationToken))
        {
            RecordChangeKind kind = request.Conversion.Convert(record).Kind;
            bool wasWrittenLater = later.Remove(XxHash3.HashToUInt64(record.Key.Span));
            if (kind == RecordChangeKind.Replace || (wasWrittenLater && scope != 0))
            {
                changedScopes.Add(scope);
            }

            if (kind == RecordChangeKind.Quarantine)
            {
                changedScopes.Add(scope);
                yield return new LaneWrite(RecordWrite.Put(record.Key, record.Value), scope, -1);
                yield return new LaneWrite(RecordWrite.Delete(_keys.Quarantined(record.Key.Span)), 0, -1);
            }
            else if (kind != RecordChangeKind.Keep || wasWrittenLater || (scope != 0 && changedScopes.Contains(scope)))
            {
                yield return new LaneWrite(RecordWrite.Put(record.Key, record.Value, record.Lease), scope, -1);
            }
        }

        await foreach (RecordAddition addition in AdditionsAsync(request, cancellationToken))
        {
            later.Remove(XxHash3.HashToUInt64(addition.Key.Span));
            yield return new LaneWrite(RecordWrite.Delete(addition.Key), FolderScope(addition.Key.Span), -1);
        }

        // What is left was created after the migration.
        foreach (LaterWrite write in later.Values)
        {
            yield return new LaneWrite(RecordWrite.Delete(write.Key), 0, -1);
        }
    }

    private static IAsyncEnumerable<RecordAddition> AdditionsAsync(ApplyRequest request, CancellationToken cancellationToken) =>
        request.Conversion.AdditionsAsync(range => request.Source.ReadByRevisionAsync(range, cancellationToken), cancellationToken);

    private static ulong FolderScope(ReadOnlySpan<byte> key) => XxHash3.HashToUInt64(key[..Math.Max(0, key.LastIndexOf((byte)'/'))]) | 1;

    private static class Work
    {
        public const string Run = "run";
        public const string Undo = "undo";
    }
}
