using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pps.Datums;

/// <summary>
/// The files that one glob matched, in order of their paths, held in pages: about 56 bytes and the path for each. Once filled, safe for
/// concurrent reading.
/// </summary>
internal sealed class DatumFileList
{
    private const int EntriesPerPage = 1 << 10;
    private const int PathPageBytes = 1 << 16;

    private readonly List<Entry[]> entries = [];
    private readonly List<byte[]> paths = [];
    private int used = PathPageBytes;

    /// <summary>Number of files.</summary>
    public int Count { get; private set; }

    public DatumFile this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            ref Entry entry = ref entries[index / EntriesPerPage][index % EntriesPerPage];
            return new DatumFile(PathOf(entry), entry.Hash, entry.Size, entry.IsDirectory);
        }
    }

    /// <summary>Lists what a glob matches.</summary>
    /// <exception cref="InvalidOperationException">The source does not keep its order.</exception>
    public static async Task<DatumFileList> LoadAsync(
        IDatumSource source, CommitRef commit, string glob, CancellationToken cancellationToken)
    {
        DatumFileList list = new();
        await foreach (DatumFile file in source.GlobAsync(commit, glob, cancellationToken).WithCancellation(cancellationToken))
        {
            list.Add(file);
        }
        return list;
    }

    /// <summary>The file with a path, or null.</summary>
    public DatumFile? Find(TreePath path)
    {
        int low = 0;
        int high = Count - 1;
        while (low <= high)
        {
            int middle = low + ((high - low) / 2);
            DatumFile file = this[middle];
            int order = file.Path.CompareTo(path);
            if (order == 0)
            {
                return file;
            }
            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }
        return null;
    }

    private void Add(DatumFile file)
    {
        if (Count == DatumSet.MaxDatums)
        {
            throw DatumSet.TooMany();
        }
        if (Count > 0 && this[Count - 1].Path >= file.Path)
        {
            throw new InvalidOperationException($"The source lists {file.Path} behind {this[Count - 1].Path}.");
        }
        int length = file.Path.Bytes.Length;
        if (length > PathPageBytes - used)
        {
            // A path longer than a page gets one of its own, which then counts as full.
            paths.Add(new byte[Math.Max(PathPageBytes, length)]);
            used = 0;
        }
        if (Count % EntriesPerPage == 0)
        {
            entries.Add(new Entry[EntriesPerPage]);
        }
        int page = Math.Max(0, paths.Count - 1);
        entries[^1][Count % EntriesPerPage] = new Entry(file.Hash, file.Size, page, used, length, file.IsDirectory);
        if (length > 0)
        {
            file.Path.Bytes.CopyTo(paths[page].AsSpan(used));
        }
        used = Math.Min(PathPageBytes, used + length);
        Count++;
    }

    private TreePath PathOf(in Entry entry) =>
        entry.Length == 0 ? TreePath.Root : TreePath.FromBytes(paths[entry.Page].AsMemory(entry.Offset, entry.Length));

    private readonly record struct Entry(ChunkId Hash, long Size, int Page, int Offset, int Length, bool IsDirectory);
}
