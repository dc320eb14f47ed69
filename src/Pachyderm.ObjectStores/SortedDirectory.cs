using System.IO.Enumeration;

namespace Pachyderm.ObjectStores;

/// <summary>
/// Lists one directory in byte order with bounded memory. A directory with more entries than fit is read several times, each pass
/// keeping the smallest names that come after those already delivered: O(n * n / <see cref="Window"/>) for n entries, and one pass
/// for up to <see cref="Window"/>.
/// </summary>
/// <param name="path">The directory.</param>
/// <param name="window">Entries held in memory at a time; half of the peak.</param>
public sealed class SortedDirectory(string path, int window = SortedDirectory.DefaultWindow)
{
    /// <summary>Default number of entries that are held: about 100 MB with names of 128 characters.</summary>
    public const int DefaultWindow = 131_072;

    private static readonly EnumerationOptions Everything = new()
    {
        AttributesToSkip = FileAttributes.None,
        IgnoreInaccessible = false,
        RecurseSubdirectories = false,
        ReturnSpecialDirectories = false,
    };

    private static readonly Comparer<DirectoryEntry> Order =
        Comparer<DirectoryEntry>.Create(static (a, b) => Utf8Order.Instance.Compare(a.SortName, b.SortName));

    /// <summary>Entries held at a time.</summary>
    public int Window { get; } = window > 0 ? window : throw new ArgumentOutOfRangeException(nameof(window));

    /// <summary>Delivers the entries; none when the directory does not exist.</summary>
    /// <param name="namePrefix">Only entries whose name begins with it.</param>
    /// <exception cref="IOException">The directory cannot be read.</exception>
    public IEnumerable<DirectoryEntry> Read(string namePrefix = "")
    {
        ArgumentNullException.ThrowIfNull(namePrefix);
        string? after = null;
        bool more = true;
        while (more)
        {
            (List<DirectoryEntry> page, more) = ReadPage(namePrefix, after);
            foreach (DirectoryEntry entry in page)
            {
                yield return entry;
            }

            after = page.Count > 0 ? page[^1].SortName : after;
        }
    }

    private (List<DirectoryEntry> Page, bool More) ReadPage(string namePrefix, string? after)
    {
        List<DirectoryEntry> page = [];
        bool more = false;
        string? last = null;
        if (!Directory.Exists(path))
        {
            return (page, false);
        }

        FileSystemEnumerable<DirectoryEntry> entries = new(path, Transform, Everything)
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => entry.FileName.StartsWith(namePrefix, StringComparison.Ordinal),
        };
        foreach (DirectoryEntry entry in entries)
        {
            if ((after is not null && Utf8Order.Instance.Compare(entry.SortName, after) <= 0)
                || (last is not null && Utf8Order.Instance.Compare(entry.SortName, last) > 0))
            {
                continue;
            }

            page.Add(entry);
            if (page.Count >= Window * 2L)
            {
                page.Sort(Order);
                page.RemoveRange(Window, page.Count - Window);
                last = page[^1].SortName;
                more = true;
            }
        }

        page.Sort(Order);
        if (page.Count > Window && more)
        {
            page.RemoveRange(Window, page.Count - Window);
        }

        return (page, more);
    }

    private static DirectoryEntry Transform(ref FileSystemEntry entry)
    {
        string name = entry.FileName.ToString();
        if (entry.Attributes.HasFlag(FileAttributes.ReparsePoint))
        {
            return new DirectoryEntry(name, DirectoryEntryKind.Link, 0);
        }

        return entry.IsDirectory
            ? new DirectoryEntry(name, DirectoryEntryKind.Directory, 0)
            : new DirectoryEntry(name, DirectoryEntryKind.File, entry.Length);
    }
}

/// <summary>What an entry of a directory is, without following links.</summary>
public enum DirectoryEntryKind
{
    /// <summary>A regular file.</summary>
    File,

    /// <summary>A directory.</summary>
    Directory,

    /// <summary>A symbolic link, whatever it points to.</summary>
    Link,
}

/// <summary>One entry of a directory.</summary>
/// <param name="Name">Its name, one path segment.</param>
/// <param name="Kind">What it is.</param>
/// <param name="SizeBytes">Size of a file in bytes; 0 for others.</param>
public readonly record struct DirectoryEntry(string Name, DirectoryEntryKind Kind, long SizeBytes)
{
    // A directory sorts as its keys do: with the slash that follows its name.
    internal string SortName { get; } = Kind == DirectoryEntryKind.Directory ? Name + "/" : Name;
}
