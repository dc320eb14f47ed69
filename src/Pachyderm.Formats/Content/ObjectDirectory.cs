using System.Buffers.Binary;
using System.IO.Enumeration;

namespace Pachyderm.Formats.Content;

/// <summary>
/// Lists the files of a directory that have hashes of objects for names, in the order of these. Takes 64 bytes for each that is not
/// delivered yet; of more than <paramref name="window"/> twice over the directory is read several times, each pass keeping the smallest that
/// come after those delivered.
/// </summary>
/// <param name="path">The directory.</param>
/// <param name="window">Entries held at a time; half of the peak.</param>
internal sealed class ObjectDirectory(string path, int window = ObjectDirectory.DefaultWindow)
{
    /// <summary>Entries held at a time: at most 256 MB when it has seen twice as many.</summary>
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
            (List<ObjectName>?[] page, more) = ReadPage(after);
            for (int i = 0; i < page.Length; i++)
            {
                if (page[i] is not { } bucket)
                {
                    continue;
                }

                page[i] = null;
                bucket.Sort();
                foreach (ObjectName name in bucket)
                {
                    string hash = name.ToString();
                    FileInfo file = new(Path.Combine(path, hash));
                    // What is gone by now has all attributes.
                    if ((file.Attributes & (FileAttributes.Directory | FileAttributes.ReparsePoint)) == FileAttributes.None)
                    {
                        yield return (hash, file.Length);
                    }
                }

                after = bucket[^1];
            }
        }
    }

    // The buckets in order; one without entries is null. What is in them is not sorted.
    private (List<ObjectName>?[] Page, bool More) ReadPage(ObjectName? after)
    {
        List<ObjectName>?[] page = new List<ObjectName>?[1 << BucketBits];
        int count = 0;
        ObjectName? last = null;
        FileSystemEnumerable<ObjectName?> entries = new(path, Transform, Everything);
        foreach (ObjectName? entry in entries)
        {
            if (entry is not { } found)
            {
                continue;
            }

            (page[found.Bucket] ??= []).Add(found);
            if (++count >= window * 2L)
            {
                last = Shorten(page);
                count = window;
            }
        }

        return (page, last is not null);

        // Names alone: to ask for the files is most of the cost, and is left to the delivery, beside which others work.
        ObjectName? Transform(ref FileSystemEntry entry) =>
            ObjectName.TryParse(entry.FileName, out ObjectName name)
            && (after is not { } first || name.CompareTo(first) > 0)
            && (last is not { } bound || name.CompareTo(bound) <= 0)
                ? name
                : null;
    }

    // Keeps the smallest entries of a page that has more than the window.
    private ObjectName Shorten(List<ObjectName>?[] page)
    {
        int room = window;
        int at = 0;
        for (; page[at] is not { } bucket || bucket.Count < room; at++)
        {
            room -= page[at]?.Count ?? 0;
        }

        List<ObjectName> cut = page[at]!;
        cut.Sort();
        cut.RemoveRange(room, cut.Count - room);
        page.AsSpan(at + 1).Clear();
        return cut[^1];
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

        public override string ToString()
        {
            Span<byte> bytes = stackalloc byte[Length];
            BinaryPrimitives.WriteUInt128BigEndian(bytes, A);
            BinaryPrimitives.WriteUInt128BigEndian(bytes[16..], B);
            BinaryPrimitives.WriteUInt128BigEndian(bytes[32..], C);
            BinaryPrimitives.WriteUInt128BigEndian(bytes[48..], D);
            return Convert.ToHexStringLower(bytes);
        }
    }
}
