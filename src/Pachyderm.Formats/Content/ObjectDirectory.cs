using System.Buffers.Binary;
using System.Globalization;
using System.IO.Enumeration;

namespace Pachyderm.Formats.Content;

/// <summary>
/// Lists the files of a directory that have hashes of objects for names, in the order of these. Takes 80 bytes for each that is not
/// delivered yet; of more than <paramref name="window"/> twice over the directory is read several times, each pass keeping the smallest that
/// come after those delivered.
/// </summary>
/// <param name="path">The directory.</param>
/// <param name="window">Entries held at a time; half of the peak.</param>
internal sealed class ObjectDirectory(string path, int window = ObjectDirectory.DefaultWindow)
{
    /// <summary>Entries held at a time: at most 320 MB when it has seen twice as many.</summary>
    public const int DefaultWindow = 2_000_000;

    // Names are hashes, so they fill the buckets evenly: no list has to be copied to a large one as it grows, and each goes when it is
    // delivered.
    private const int BucketBits = 12;

    private static readonly EnumerationOptions Everything = new()
    {
        AttributesToSkip = FileAttributes.None,
        IgnoreInaccessible = false,
        RecurseSubdirectories = false,
        ReturnSpecialDirectories = false,
    };

    /// <summary>Delivers hash and size of each; none when the directory does not exist.</summary>
    /// <exception cref="IOException">The directory cannot be read.</exception>
    public IEnumerable<(string Hash, long SizeBytes)> Read()
    {
        ObjectName? after = null;
        for (bool more = Directory.Exists(path); more;)
        {
            (List<Entry>?[] page, more) = ReadPage(after);
            for (int i = 0; i < page.Length; i++)
            {
                if (page[i] is not { } bucket)
                {
                    continue;
                }

                page[i] = null;
                bucket.Sort();
                foreach (Entry entry in bucket)
                {
                    yield return (entry.Name.ToString(), entry.SizeBytes);
                }

                after = bucket[^1].Name;
            }
        }
    }

    // The buckets in order; one without entries is null. What is in them is not sorted.
    private (List<Entry>?[] Page, bool More) ReadPage(ObjectName? after)
    {
        List<Entry>?[] page = new List<Entry>?[1 << BucketBits];
        int count = 0;
        ObjectName? last = null;
        FileSystemEnumerable<Entry?> entries = new(path, Transform, Everything);
        foreach (Entry? entry in entries)
        {
            if (entry is not { } found)
            {
                continue;
            }

            (page[found.Name.Bucket] ??= []).Add(found);
            if (++count >= window * 2L)
            {
                last = Shorten(page);
                count = window;
            }
        }

        return (page, last is not null);

        // Asks the file system only for the files that are delivered: most of the cost is there.
        Entry? Transform(ref FileSystemEntry entry) =>
            ObjectName.TryParse(entry.FileName, out ObjectName name)
            && (after is not { } first || name.CompareTo(first) > 0)
            && (last is not { } bound || name.CompareTo(bound) <= 0)
            && !entry.IsDirectory && !entry.Attributes.HasFlag(FileAttributes.ReparsePoint)
                ? new Entry(name, entry.Length)
                : null;
    }

    // Keeps the smallest entries of a page that has more than the window.
    private ObjectName Shorten(List<Entry>?[] page)
    {
        int room = window;
        int at = 0;
        for (; page[at] is not { } bucket || bucket.Count < room; at++)
        {
            room -= page[at]?.Count ?? 0;
        }

        List<Entry> cut = page[at]!;
        cut.Sort();
        cut.RemoveRange(room, cut.Count - room);
        page.AsSpan(at + 1).Clear();
        return cut[^1].Name;
    }

    private readonly record struct Entry(ObjectName Name, long SizeBytes) : IComparable<Entry>
    {
        public int CompareTo(Entry other) => Name.CompareTo(other.Name);
    }

    /// <summary>A SHA-512.</summary>
    private readonly record struct ObjectName(UInt128 A, UInt128 B, UInt128 C, UInt128 D) : IComparable<ObjectName>
    {
        private const int Length = 64;

        public int Bucket => (int)(A >> (128 - BucketBits));

        public static bool TryParse(ReadOnlySpan<char> text, out ObjectName name)
        {
            Span<byte> bytes = stackalloc byte[Length];
            name = default;
            if (text.Length != 2 * Length || text.ContainsAnyInRange('A', 'F')
                || Convert.FromHexString(text, bytes, out _, out _) != System.Buffers.OperationStatus.Done)
            {
                return false;
            }

            name = new ObjectName(
                BinaryPrimitives.ReadUInt128BigEndian(bytes), BinaryPrimitives.ReadUInt128BigEndian(bytes[16..]),
                BinaryPrimitives.ReadUInt128BigEndian(bytes[32..]), BinaryPrimitives.ReadUInt128BigEndian(bytes[48..]));
            return true;
        }

        public int CompareTo(ObjectName other)
        {
            int order = A.CompareTo(other.A);
            order = order != 0 ? order : B.CompareTo(other.B);
            order = order != 0 ? order : C.CompareTo(other.C);
            return order != 0 ? order : D.CompareTo(other.D);
        }

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{A:x32}{B:x32}{C:x32}{D:x32}");
    }
}
