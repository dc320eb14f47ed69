using System.IO.Hashing;
using Pachyderm.Migration.Steps;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Targets;

/// <summary>
/// Finds what somebody else has written to a live store since the backup, while a migration has not been stamped: records that are
/// neither what was backed up nor what the migration makes of it. O(records); memory for the records that were written since.
/// </summary>
internal sealed class ForeignWrites(IRecordStore store, ApplyRequest request)
{
    private readonly Dictionary<UInt128, UInt128> _writtenSince = [];
    private readonly HashSet<UInt128> _present = [];

    /// <summary>The writes, those that deleted records included.</summary>
    public async Task<IReadOnlyList<LaterWrite>> FindAsync(CancellationToken cancellationToken)
    {
        await foreach (StoredRecord record in CurrentAsync(cancellationToken))
        {
            UInt128 key = XxHash128.HashToUInt128(record.Key.Span);
            _present.Add(key);
            if (record.ModRevision > request.Source.Revision)
            {
                _writtenSince.Add(key, XxHash128.HashToUInt128(record.Value.Span));
            }
        }

        List<LaterWrite> found = [];
        HashSet<UInt128> known = [];
        await foreach (IReadOnlyList<StoredRecord> page in request.Source.ReadByRevisionAsync(KeyRange.All, cancellationToken))
        {
            foreach (StoredRecord record in page.Where(record => request.Classifier.IsDurable(record)))
            {
                RecordChange change = request.Conversion.Convert(record);
                UInt128 key = XxHash128.HashToUInt128(record.Key.Span);
                Explain(key, record.Value.Span);
                if (change.Kind == RecordChangeKind.Replace)
                {
                    Explain(key, change.Value.Span);
                }

                if (_writtenSince.ContainsKey(key))
                {
                    known.Add(key);
                }

                if (change.Kind is RecordChangeKind.Keep or RecordChangeKind.Replace && !_present.Contains(key))
                {
                    found.Add(new LaterWrite(record.Key.ToArray(), "deleted", default));
                }
            }
        }

        await foreach (RecordAddition addition in request.Conversion.AdditionsAsync(
            range => request.Source.ReadByRevisionAsync(range, cancellationToken), cancellationToken))
        {
            Explain(XxHash128.HashToUInt128(addition.Key.Span), addition.Value.Span);
        }

        if (_writtenSince.Count > 0)
        {
            await foreach (StoredRecord record in CurrentAsync(cancellationToken))
            {
                UInt128 key = XxHash128.HashToUInt128(record.Key.Span);
                if (_writtenSince.ContainsKey(key))
                {
                    found.Add(new LaterWrite(record.Key, known.Contains(key) ? "changed" : "created", record.Value));
                }
            }
        }

        return found;
    }

    // A record of this value needs no other writer.
    private void Explain(UInt128 key, ReadOnlySpan<byte> value)
    {
        if (_writtenSince.TryGetValue(key, out UInt128 now) && now == XxHash128.HashToUInt128(value))
        {
            _writtenSince.Remove(key);
        }
    }

    private async IAsyncEnumerable<StoredRecord> CurrentAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (IReadOnlyList<StoredRecord> page in store.ReadAsync(KeyRange.All, 0, cancellationToken))
        {
            foreach (StoredRecord record in page)
            {
                if (request.Classifier.IsDurable(record))
                {
                    yield return record;
                }
            }
        }
    }
}
