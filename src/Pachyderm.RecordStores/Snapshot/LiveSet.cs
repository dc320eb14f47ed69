using Pachyderm.Errors;

namespace Pachyderm.RecordStores.Snapshot;

/// <summary>
/// Which entries of the <c>key</c> bucket are live keys: all that are neither tombstones nor followed by a newer entry of the same key.
/// Takes one bit an entry and ten bytes a leaf page.
/// </summary>
/// <remarks>
/// Found by reading from the newest entry to the oldest. A key needs to be remembered only if an older entry of it can exist: after a
/// tombstone, or when its version says that it was written before and the last compaction has not removed those writes. If even these
/// are more than fit, they are dealt with in several passes, each for the keys of some hashes.
/// </remarks>
internal sealed class LiveSet
{
    /// <summary>Keys remembered at a time; their table of four million slots, three quarters full, takes 64 MB.</summary>
    public const int DefaultCapacity = 3_000_000;

    private const int BlockLeaves = 1024;

    private readonly BoltReader _reader;
    private readonly long _compactRevision;
    private readonly int _capacity;
    private readonly HashedKeySet _seen = new();
    private readonly byte[] _buffer;
    private ulong[] _dead = new ulong[1024];
    private uint _entryCount;

    private LiveSet(BoltReader reader, uint[] leaves, long compactRevision, int capacity)
    {
        _reader = reader;
        _compactRevision = compactRevision;
        _capacity = capacity;
        _buffer = reader.CreateWindowBuffer();
        Leaves = leaves;
        EntriesBefore = new uint[leaves.Length + 1];
        LeafPages = new ushort[leaves.Length];
    }

    /// <summary>Leaf pages of the <c>key</c> bucket, oldest revision first.</summary>
    public uint[] Leaves { get; }

    /// <summary>Number of entries before each leaf, and at the end of all.</summary>
    public uint[] EntriesBefore { get; }

    /// <summary>Length of each leaf in pages, with its overflow pages; a longer one counts as the highest number.</summary>
    public ushort[] LeafPages { get; }

    /// <summary>Main revision of the newest entry, live or not.</summary>
    public long HighestRevision { get; private set; }

    public long LiveCount { get; private set; }

    public static LiveSet Build(
        BoltReader reader,
        uint[] leaves,
        long compactRevision,
        int capacity,
        CancellationToken cancellationToken)
    {
        LiveSet set = new(reader, leaves, compactRevision, capacity);
        Stack<(ulong Mask, ulong Residue)> passes = new([(0UL, 0UL)]);
        bool first = true;
        while (passes.TryPop(out (ulong Mask, ulong Residue) pass))
        {
            set._seen.Clear();
            set.RunPass(pass.Mask, pass.Residue, first, passes, cancellationToken);
            first = false;
        }

        set._seen.Release();
        set.Finish();
        return set;
    }

    /// <summary>Whether the entry with a number (counted from the oldest) is dead.</summary>
    public bool IsDead(uint entry) => IsDeadFromEnd(_entryCount - 1 - entry);

    // Entries are numbered from the newest while the total is not known yet.
    private bool IsDeadFromEnd(uint number) => (_dead[number / 64] >> (int)(number % 64) & 1) != 0;

    private void RunPass(
        ulong mask,
        ulong residue,
        bool first,
        Stack<(ulong Mask, ulong Residue)> passes,
        CancellationToken cancellationToken)
    {
        uint number = 0;
        RevisionKey newer = new(long.MaxValue, long.MaxValue, false);
        foreach ((int start, int end) in WindowsBackwards())
        {
            cancellationToken.ThrowIfCancellationRequested();
            LeafWindow window = _reader.ReadWindow(Leaves, start, end, _buffer);
            for (int leaf = end - 1; leaf >= start; leaf--)
            {
                BoltPage page = window.GetPage(Leaves[leaf]);
                EntriesBefore[leaf] = CheckLeaf(page, leaf, number, first);
                LeafPages[leaf] = (ushort)Math.Min(ushort.MaxValue, page.Length / _reader.PageSize);
                for (int index = page.Count - 1; index >= 0; index--, number++)
                {
                    BoltItem item = page.GetItem(index);
                    KeyValueMessage message = Read(page, item, out RevisionKey revision);
                    if (revision.CompareTo(newer) >= 0)
                    {
                        throw BoltFormat.Damaged(_reader.Path, $"revisions are out of order in page {page.Id}");
                    }

                    newer = revision;
                    HighestRevision = Math.Max(HighestRevision, revision.Main);
                    Judge(page, item, message, revision, number, mask, residue);
                    while (_seen.Count > _capacity)
                    {
                        // Half of the keys wait for a pass of their own. What they have told so far is true all the same.
                        ulong bit = mask + 1;
                        passes.Push((mask | bit, residue | bit));
                        mask |= bit;
                        _seen.Retain(mask, residue);
                    }
                }
            }
        }

        _entryCount = number;
    }

    private void Judge(
        BoltPage page,
        BoltItem item,
        in KeyValueMessage message,
        RevisionKey revision,
        uint number,
        ulong mask,
        ulong residue)
    {
        EnsureBit(number);
        bool remember = revision.Tombstone || (message.Version > 1 && revision.Main > _compactRevision);
        if (revision.Tombstone)
        {
            MarkDead(number);
        }

        if (!remember && _seen.Count == 0)
        {
            return;
        }

        UInt128 hash = HashedKeySet.Hash(page.Buffer.AsSpan(item.ValueOffset + message.KeyOffset, message.KeyLength));
        if (((ulong)hash & mask) != residue)
        {
            return;
        }

        if (remember ? !_seen.Add(hash) : _seen.Contains(hash))
        {
            MarkDead(number);
        }
    }

    private KeyValueMessage Read(BoltPage page, BoltItem item, out RevisionKey revision)
    {
        if (item.Flags != 0
            || !RevisionKey.TryRead(page.Buffer.AsSpan(item.KeyOffset, item.KeyLength), out revision)
            || !KeyValueMessage.TryRead(page.Buffer.AsSpan(item.ValueOffset, item.ValueLength), out KeyValueMessage message))
        {
            throw BoltFormat.Damaged(_reader.Path, $"page {page.Id} holds something that is no etcd record");
        }

        if (!revision.Tombstone && (message.ModRevision != revision.Main || message.Version < 1))
        {
            throw BoltFormat.Damaged(_reader.Path, $"a record in page {page.Id} contradicts its own revision {revision.Main}");
        }

        return message;
    }

    /// <summary>Returns the number of entries of a leaf in the first pass, and insists on the same one in later passes.</summary>
    private uint CheckLeaf(BoltPage page, int leaf, uint number, bool first)
    {
        if (!page.IsLeaf)
        {
            throw BoltFormat.Damaged(_reader.Path, $"page {page.Id} is not a leaf, unlike its siblings");
        }

        page.CheckItems();
        if (!first && EntriesBefore[leaf] != page.Count)
        {
            throw BoltFormat.Damaged(_reader.Path, $"page {page.Id} changed while it was read");
        }

        return number <= uint.MaxValue - ushort.MaxValue
            ? (uint)page.Count
            : throw new OperatorException(
                "snapshot-too-large",
                _reader.Path,
                "holds more than four billion revisions",
                "compact etcd and take a new snapshot");
    }

    private IEnumerable<(int Start, int End)> WindowsBackwards()
    {
        List<(int Start, int End)> windows = [];
        for (int limit = Leaves.Length; limit > 0; limit -= BlockLeaves)
        {
            windows.Clear();
            for (int start = Math.Max(0, limit - BlockLeaves); start < limit; start = windows[^1].End)
            {
                windows.Add((start, _reader.WindowEnd(Leaves, start, limit)));
            }

            for (int index = windows.Count - 1; index >= 0; index--)
            {
                yield return windows[index];
            }
        }
    }

    private void EnsureBit(uint number)
    {
        if (number / 64 >= _dead.Length)
        {
            Array.Resize(ref _dead, _dead.Length * 2);
        }
    }

    private void MarkDead(uint number) => _dead[number / 64] |= 1UL << (int)(number % 64);

    private void Finish()
    {
        uint before = 0;
        for (int leaf = 0; leaf < EntriesBefore.Length; leaf++)
        {
            uint count = EntriesBefore[leaf];
            EntriesBefore[leaf] = before;
            before += count;
        }

        LiveCount = _entryCount;
        foreach (ulong word in _dead)
        {
            LiveCount -= System.Numerics.BitOperations.PopCount(word);
        }
    }
}
