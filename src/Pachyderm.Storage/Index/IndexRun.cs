using System.IO.Hashing;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Pachyderm.Errors;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Index;

/// <summary>An immutable file of sorted entries. In memory it has one number per block and a filter: 1.9 bytes per entry.</summary>
internal sealed class IndexRun : IDisposable
{
    private const int BlocksPerRead = 128;

    private readonly SafeFileHandle _handle;
    private readonly ulong[] _fences;
    private readonly BloomFilter _filter;

    private IndexRun(string path, SafeFileHandle handle, long count, ulong[] fences, BloomFilter filter)
    {
        Path = path;
        Count = count;
        _handle = handle;
        _fences = fences;
        _filter = filter;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Number of entries.</summary>
    public long Count { get; }

    /// <summary>Opens a run.</summary>
    /// <exception cref="CorruptionException"><c>index-damaged</c>.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static IndexRun Open(string path)
    {
        SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            Span<byte> header = stackalloc byte[IndexRunFormat.BlockLength];
            if (!PackReader.ReadFully(handle, 0, header) || !IndexRunFormat.TryReadHeader(
                header, RandomAccess.GetLength(handle), out long count, out long capacity, out ulong fenceCheck, out ulong filterCheck))
            {
                throw Damaged(path, "its header is damaged");
            }

            ulong[] fences = new ulong[IndexRunFormat.BlockCount(count)];
            Span<byte> fenceBytes = MemoryMarshal.AsBytes(fences.AsSpan());
            long offset = (1 + fences.LongLength) * IndexRunFormat.BlockLength;
            BloomFilter filter = new(capacity);
            if (!PackReader.ReadFully(handle, offset, fenceBytes) || XxHash3.HashToUInt64(fenceBytes) != fenceCheck
                || !PackReader.ReadFully(handle, offset + fenceBytes.Length, filter.Bytes)
                || XxHash3.HashToUInt64(filter.Bytes) != filterCheck)
            {
                throw Damaged(path, "its fences or its filter are damaged");
            }

            return new IndexRun(path, handle, count, fences, filter);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Finds a chunk.</summary>
    /// <param name="id">The chunk.</param>
    /// <param name="location">Where it lies.</param>
    /// <returns>Its place among the entries, or -1.</returns>
    /// <exception cref="CorruptionException"><c>index-damaged</c>.</exception>
    public long Find(ChunkId id, out ChunkLocation location)
    {
        location = default;
        if (!_filter.MayContain(id.Prefix))
        {
            return -1;
        }

        Span<byte> block = stackalloc byte[IndexRunFormat.BlockLength];
        int first = FirstBlock(id.Prefix);
        for (int i = first; i < _fences.Length && (i == first || _fences[i] <= id.Prefix); i++)
        {
            ReadBlocks(i, block);
            int place = LowerBound(block, EntriesIn(i), id);
            if (place < EntriesIn(i) && new ChunkId(block[(place * IndexEntry.Length)..]) == id)
            {
                location = IndexEntry.ReadLocation(block[(place * IndexEntry.Length)..]);
                return ((long)i * IndexRunFormat.EntriesPerBlock) + place;
            }
        }

        return -1;
    }

    /// <summary>Adds the places of all entries whose identifier begins with these 64 bits.</summary>
    public void FindPrefix(ulong prefix, ICollection<long> places)
    {
        if (!_filter.MayContain(prefix))
        {
            return;
        }

        Span<byte> block = stackalloc byte[IndexRunFormat.BlockLength];
        int first = FirstBlock(prefix);
        for (int i = first; i < _fences.Length && (i == first || _fences[i] <= prefix); i++)
        {
            ReadBlocks(i, block);
            for (int place = 0; place < EntriesIn(i); place++)
            {
                if (new ChunkId(block[(place * IndexEntry.Length)..]).Prefix == prefix)
                {
                    places.Add(((long)i * IndexRunFormat.EntriesPerBlock) + place);
                }
            }
        }
    }

    /// <summary>Reads all entries in order.</summary>
    /// <exception cref="CorruptionException"><c>index-damaged</c>.</exception>
    public IEnumerable<IndexEntry> ReadAll()
    {
        byte[] buffer = new byte[BlocksPerRead * IndexRunFormat.BlockLength];
        for (int first = 0; first < _fences.Length; first += BlocksPerRead)
        {
            int blocks = Math.Min(BlocksPerRead, _fences.Length - first);
            ReadBlocks(first, buffer.AsSpan(0, blocks * IndexRunFormat.BlockLength));
            for (int i = 0; i < blocks; i++)
            {
                for (int place = 0; place < EntriesIn(first + i); place++)
                {
                    yield return IndexEntry.Read(buffer.AsSpan((i * IndexRunFormat.BlockLength) + (place * IndexEntry.Length)));
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static CorruptionException Damaged(string path, string problem) => new(
        "index-damaged", path, problem, "start pachd again: the index is built anew from the packs, nothing is lost");

    private static int LowerBound(ReadOnlySpan<byte> block, int count, ChunkId id)
    {
        int low = 0;
        while (low < count)
        {
            int middle = (low + count) >>> 1;
            if (new ChunkId(block[(middle * IndexEntry.Length)..]) < id)
            {
                low = middle + 1;
            }
            else
            {
                count = middle;
            }
        }

        return low;
    }

    private int EntriesIn(int block) => block + 1 < _fences.Length
        ? IndexRunFormat.EntriesPerBlock
        : (int)(Count - ((long)block * IndexRunFormat.EntriesPerBlock));

    private void ReadBlocks(int first, Span<byte> blocks)
    {
        if (!PackReader.ReadFully(_handle, (1L + first) * IndexRunFormat.BlockLength, blocks))
        {
            throw Damaged(Path, "it is too short");
        }

        for (int i = 0; i * IndexRunFormat.BlockLength < blocks.Length; i++)
        {
            if (!IndexRunFormat.IsIntact(blocks.Slice(i * IndexRunFormat.BlockLength, IndexRunFormat.BlockLength), 1 + first + i))
            {
                throw Damaged(Path, $"block {1 + first + i} is damaged");
            }
        }
    }

    // The last block whose fence is below the prefix, or the first block. Identifiers are spread evenly, so a guess in proportion lands
    // close, and a second or third one within a few blocks; bisection bounds the cost where somebody chose identifiers to be uneven.
    private int FirstBlock(ulong prefix)
    {
        int low = 0;
        int high = _fences.Length;
        for (int guesses = 0; high - low > 8; guesses++)
        {
            ulong from = _fences[low];
            ulong to = _fences[high - 1];
            int middle = low + ((high - low) >> 1);
            if (guesses < 4 && prefix > from && prefix < to)
            {
                // The slack makes the guess fall below or above in turn, so that both bounds move in.
                int slack = (int)Math.Sqrt(high - low) * ((guesses & 1) == 0 ? -1 : 1);
                double share = (double)(prefix - from) / (to - from);
                middle = Math.Clamp(low + (int)(share * (high - low)) + slack, low + 1, high - 1);
            }

            if (_fences[middle] < prefix)
            {
                low = middle;
            }
            else
            {
                high = middle;
            }
        }

        while (low + 1 < high && _fences[low + 1] < prefix)
        {
            low++;
        }

        return low;
    }
}
