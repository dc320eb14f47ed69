using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Pachyderm.Storage.Index;

/// <summary>Writes a run from sorted entries in one pass.</summary>
internal sealed class IndexRunWriter : IDisposable
{
    private const int BufferLength = 256 * 1024;

    private readonly FileStream _file;
    private readonly long _capacity;
    private readonly BloomFilter _filter;
    private readonly List<ulong> _fences;
    private readonly byte[] _block = new byte[IndexRunFormat.BlockLength];
    private int _inBlock;
    private long _count;

    /// <summary>Begins a run.</summary>
    /// <param name="path">The file, which must not exist.</param>
    /// <param name="capacity">How many entries there will be at most.</param>
    public IndexRunWriter(string path, long capacity)
    {
        _capacity = capacity;
        _filter = new BloomFilter(capacity);
        _fences = new List<ulong>((int)IndexRunFormat.BlockCount(capacity));
        _file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferLength);
        _file.Write(_block);
    }

    /// <summary>Adds an entry whose identifier comes after that of the one before.</summary>
    public void Add(in IndexEntry entry)
    {
        if (_inBlock == 0)
        {
            _fences.Add(entry.Id.Prefix);
        }

        entry.Write(_block.AsSpan(_inBlock * IndexEntry.Length));
        _filter.Add(entry.Id.Prefix);
        _count++;
        if (++_inBlock == IndexRunFormat.EntriesPerBlock)
        {
            WriteBlock();
        }
    }

    /// <summary>Ends the run and flushes it to the disk. The directory is left to the caller.</summary>
    public void Complete()
    {
        if (_inBlock > 0)
        {
            WriteBlock();
        }

        ReadOnlySpan<byte> fences = MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_fences));
        _file.Write(fences);
        _file.Write(_filter.Bytes);
        IndexRunFormat.WriteHeader(_block, _count, _capacity, XxHash3.HashToUInt64(fences), XxHash3.HashToUInt64(_filter.Bytes));
        _file.Position = 0;
        _file.Write(_block);
        _file.Flush(flushToDisk: true);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void WriteBlock()
    {
        _block.AsSpan(_inBlock * IndexEntry.Length).Clear();
        IndexRunFormat.Seal(_block, _fences.Count);
        _file.Write(_block);
        _inBlock = 0;
    }
}
