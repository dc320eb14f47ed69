using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pps.Datums;

/// <summary>
/// The files that one glob matched, in order of their paths, held in pages: 45 bytes and the path for each. Once filled, safe for
/// concurrent reading.
/// </summary>
internal sealed class DatumFileList
{
    private readonly List<Page> pages = [];

    /// <summary>Number of files.</summary>
    public int Count { get; private set; }

    public DatumFile this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            return pages[index / Page.Capacity].Get(index % Page.Capacity);
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
        if (Count % Page.Capacity == 0)
        {
            pages.Add(new Page());
        }
        pages[^1].Set(Count % Page.Capacity, file);
        Count++;
    }

    /// <summary>A thousand files. Each property has an array of its own, in which nothing is lost to alignment.</summary>
    private sealed class Page
    {
        public const int Capacity = 1 << 10;

        private const int PathsAtFirst = 8 << 10;

        private readonly ChunkId[] hashes = new ChunkId[Capacity];
        private readonly long[] sizes = new long[Capacity];
        private readonly int[] ends = new int[Capacity];
        private readonly bool[] directories = new bool[Capacity];
        private byte[] paths = new byte[PathsAtFirst];

        public DatumFile Get(int index)
        {
            int start = Start(index);
            int length = ends[index] - start;
            TreePath path = length == 0 ? TreePath.Root : TreePath.FromBytes(paths.AsMemory(start, length));
            return new DatumFile(path, hashes[index], sizes[index], directories[index]);
        }

        /// <summary>Sets the file behind those that were set; the last one makes the page as small as it can be.</summary>
        public void Set(int index, DatumFile file)
        {
            int start = Start(index);
            int end = checked(start + file.Path.Bytes.Length);
            if (end > paths.Length)
            {
                Array.Resize(ref paths, (int)Math.Clamp(2L * paths.Length, end, Array.MaxLength));
            }
            file.Path.Bytes.CopyTo(paths.AsSpan(start));
            hashes[index] = file.Hash;
            sizes[index] = file.Size;
            ends[index] = end;
            directories[index] = file.IsDirectory;
            if (index == Capacity - 1)
            {
                Array.Resize(ref paths, end);
            }
        }

        private int Start(int index) => index == 0 ? 0 : ends[index - 1];
    }
}
