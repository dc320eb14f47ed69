using System.IO.Hashing;

namespace Pachyderm.RecordStores.Snapshot;

/// <summary>
/// Finds live records of a snapshot by key. A slot takes eight bytes: the entry's number and 32 bits of the key's hash. The key itself
/// is compared in the file, so that a hash that matches by chance costs one read and never gives a wrong answer.
/// </summary>
internal sealed class SnapshotKeyIndex
{
    private readonly EtcdSnapshotFile _file;
    private readonly uint[] _hashes;
    private readonly uint[] _numbers;
    private readonly uint _mask;

    private SnapshotKeyIndex(EtcdSnapshotFile file)
    {
        _file = file;
        uint slots = System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Min(1u << 31, Math.Max(16, file.LiveRecordCount * 3 / 2)));
        _hashes = new uint[slots];
        _numbers = new uint[slots];
        _mask = slots - 1;
    }

    /// <summary>Reads all keys once.</summary>
    public static SnapshotKeyIndex Build(EtcdSnapshotFile file, CancellationToken cancellationToken)
    {
        SnapshotKeyIndex index = new(file);
        file.VisitKeys((number, key) => index.Insert(Hash(key), number), cancellationToken);
        return index;
    }

    /// <summary>The live record of a key; null if there is none.</summary>
    public StoredRecord? Find(ReadOnlySpan<byte> key)
    {
        ulong hash = Hash(key);
        for (uint slot = (uint)hash & _mask; _numbers[slot] != 0; slot = (slot + 1) & _mask)
        {
            if (_hashes[slot] == (uint)(hash >> 32))
            {
                StoredRecord record = _file.ReadEntry(_numbers[slot] - 1).Record;
                if (record.Key.Span.SequenceEqual(key))
                {
                    return record;
                }
            }
        }

        return null;
    }

    private static ulong Hash(ReadOnlySpan<byte> key) => XxHash3.HashToUInt64(key);

    // Numbers are stored plus one: zero marks a free slot.
    private void Insert(ulong hash, uint number)
    {
        uint slot = (uint)hash & _mask;
        while (_numbers[slot] != 0)
        {
            slot = (slot + 1) & _mask;
        }

        _hashes[slot] = (uint)(hash >> 32);
        _numbers[slot] = number + 1;
    }
}
