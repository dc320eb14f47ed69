using System.Buffers.Binary;
using System.Globalization;
using System.IO.Enumeration;

namespace Pachyderm.Formats.Content;

/// <summary>
/// Lists the files of a directory that have hashes of objects for names, in the order of these. Takes 72 bytes for each; of more than
/// <paramref name="window"/> the directory is read several times, each pass keeping the smallest that come after those delivered.
/// </summary>
/// <param name="path">The directory.</param>
/// <param name="window">Entries held at a time; half of the peak.</param>
internal sealed class ObjectDirectory(string path, int window = ObjectDirectory.DefaultWindow)
{
    /// <summary>Entries held at a time: up to 300 MB while they are put in order.</summary>
    public const int DefaultWindow = 2_000_000;

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
            (List<Entry> page, more) = ReadPage(after);
            foreach (Entry entry in page)
            {
                yield return (entry.Name.ToString(), entry.SizeBytes);
            }

            after = page.Count > 0 ? page[^1].Name : after;
        }
    }

    private (List<Entry> Page, bool More) ReadPage(ObjectName? after)
    {
        List<Entry> page = [];
        bool more = false;
        ObjectName? last = null;
        FileSystemEnumerable<Entry?> entries = new(path, Transform, Everything);
        foreach (Entry? entry in entries)
        {
            if (entry is not { } found)
            {
                continue;
            }

            page.Add(found);
            if (page.Count >= window * 2L)
            {
                page.Sort();
                page.RemoveRange(window, page.Count - window);
                last = page[^1].Name;
                more = true;
            }
        }

        page.Sort();
        if (page.Count > window && more)
        {
            page.RemoveRange(window, page.Count - window);
        }

        return (page, more);

        // Asks the file system only for the files that are delivered: most of the cost is there.
        Entry? Transform(ref FileSystemEntry entry) =>
            ObjectName.TryParse(entry.FileName, out ObjectName name)
            && (after is not { } first || name.CompareTo(first) > 0)
            && (last is not { } bound || name.CompareTo(bound) <= 0)
            && !entry.IsDirectory && !entry.Attributes.HasFlag(FileAttributes.ReparsePoint)
                ? new Entry(name, entry.Length)
                : null;
    }

    private readonly record struct Entry(ObjectName Name, long SizeBytes) : IComparable<Entry>
    {
        public int CompareTo(Entry other) => Name.CompareTo(other.Name);
    }

    /// <summary>A SHA-512.</summary>
    private readonly record struct ObjectName(UInt128 A, UInt128 B, UInt128 C, UInt128 D) : IComparable<ObjectName>
    {
        private const int Length = 64;

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
