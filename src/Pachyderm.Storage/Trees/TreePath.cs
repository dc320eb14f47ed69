using System.Text;

namespace Pachyderm.Storage.Trees;

/// <summary>
/// A cleaned path inside a tree: names joined by <c>/</c> with a leading <c>/</c>, the root being empty. Names are bytes, mostly UTF-8;
/// order is that of the bytes.
/// </summary>
public readonly struct TreePath : IEquatable<TreePath>, IComparable<TreePath>
{
    private readonly ReadOnlyMemory<byte> bytes;

    private TreePath(ReadOnlyMemory<byte> bytes) => this.bytes = bytes;

    /// <summary>The root of a tree.</summary>
    public static TreePath Root => default;

    /// <summary>The bytes: empty, or beginning with <c>/</c> and not ending with it.</summary>
    public ReadOnlySpan<byte> Bytes => bytes.Span;

    /// <summary>Whether this is the root.</summary>
    public bool IsRoot => bytes.IsEmpty;

    /// <summary>The last name; empty for the root.</summary>
    public ReadOnlyMemory<byte> Name => bytes[(bytes.Span.LastIndexOf((byte)'/') + 1)..];

    /// <summary>The directory that holds this path; the root for the root.</summary>
    public TreePath Parent => IsRoot ? this : new(bytes[..bytes.Span.LastIndexOf((byte)'/')]);

    /// <summary>
    /// Cleans a path as a request gives it: slashes collapse, <c>.</c> goes, <c>..</c> removes a name and stops at the root.
    /// </summary>
    /// <param name="path">Any text.</param>
    /// <returns>The path, or null if it has a null character.</returns>
    public static TreePath? Clean(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            return null;
        }
        string[] names = CleanNames(path);
        return names.Length == 0 ? Root : new(Encoding.UTF8.GetBytes('/' + string.Join('/', names)));
    }

    /// <summary>The names of a path that is cleaned as <see cref="Clean"/> does.</summary>
    internal static string[] CleanNames(string path)
    {
        List<string> names = [];
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (name == "..")
            {
                if (names.Count > 0)
                {
                    names.RemoveAt(names.Count - 1);
                }
            }
            else if (name != ".")
            {
                names.Add(name);
            }
        }
        return [.. names];
    }

    /// <summary>Takes the bytes of a path that is clean already, such as one that was stored.</summary>
    /// <exception cref="ArgumentException">The bytes are not those of a cleaned path.</exception>
    public static TreePath FromBytes(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlySpan<byte> span = bytes.Span;
        if (!span.IsEmpty && (span[0] != (byte)'/' || span[^1] == (byte)'/' || span.IndexOf("//"u8) >= 0 || span.Contains((byte)0)))
        {
            throw new ArgumentException("These bytes are no cleaned path.", nameof(bytes));
        }
        return new TreePath(bytes);
    }

    /// <summary>The path of a child.</summary>
    /// <param name="name">A name, not empty, without slash and null.</param>
    public TreePath Child(ReadOnlySpan<byte> name)
    {
        byte[] child = new byte[bytes.Length + 1 + name.Length];
        bytes.Span.CopyTo(child);
        child[bytes.Length] = (byte)'/';
        name.CopyTo(child.AsSpan(bytes.Length + 1));
        return new TreePath(child);
    }

    /// <summary>The names from the root down, as slices of the path.</summary>
    internal NameSequence Names() => new(bytes);

    /// <summary>The first bytes of the path, which end at the end of a name.</summary>
    internal TreePath Front(int length) => new(bytes[..length]);

    /// <inheritdoc/>
    public bool Equals(TreePath other) => bytes.Span.SequenceEqual(other.bytes.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is TreePath other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.AddBytes(bytes.Span);
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public int CompareTo(TreePath other) => bytes.Span.SequenceCompareTo(other.bytes.Span);

    /// <summary>The path as text; bytes that are not UTF-8 become U+FFFD. The root is empty.</summary>
    public override string ToString() => Encoding.UTF8.GetString(bytes.Span);

    /// <summary>Whether two paths are the same.</summary>
    public static bool operator ==(TreePath left, TreePath right) => left.Equals(right);

    /// <summary>Whether two paths differ.</summary>
    public static bool operator !=(TreePath left, TreePath right) => !left.Equals(right);

    /// <summary>Whether the left path sorts first.</summary>
    public static bool operator <(TreePath left, TreePath right) => left.CompareTo(right) < 0;

    /// <summary>Whether the left path sorts last.</summary>
    public static bool operator >(TreePath left, TreePath right) => left.CompareTo(right) > 0;

    /// <summary>Whether the left path does not sort last.</summary>
    public static bool operator <=(TreePath left, TreePath right) => left.CompareTo(right) <= 0;

    /// <summary>Whether the left path does not sort first.</summary>
    public static bool operator >=(TreePath left, TreePath right) => left.CompareTo(right) >= 0;
}
