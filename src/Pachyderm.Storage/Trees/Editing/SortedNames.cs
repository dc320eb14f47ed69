using System.Buffers.Binary;

namespace Pachyderm.Storage.Trees.Editing;

/// <summary>Puts what was written to a directory into byte order of the names.</summary>
internal static class SortedNames
{
    internal static KeyValuePair<ReadOnlyMemory<byte>, OverlayNode>[] Of(OverlayNode directory)
    {
        KeyValuePair<ReadOnlyMemory<byte>, OverlayNode>[] children = directory.Children is null ? [] : [.. directory.Children];
        if (IsSorted(children, out int shared))
        {
            return children;
        }
        // The eight bytes after what all names share mostly tell names apart, and numbers sort several times faster.
        ulong[] keys = new ulong[children.Length];
        for (int i = 0; i < keys.Length; i++)
        {
            keys[i] = Key(children[i].Key.Span[shared..]);
        }
        Array.Sort(keys, children);
        for (int start = 0; start < keys.Length;)
        {
            int end = start + 1;
            while (end < keys.Length && keys[end] == keys[start])
            {
                end++;
            }
            if (end - start > 1)
            {
                children.AsSpan(start, end - start).Sort(static (left, right) => NameComparer.Instance.Compare(left.Key, right.Key));
            }
            start = end;
        }
        return children;
    }

    private static bool IsSorted(KeyValuePair<ReadOnlyMemory<byte>, OverlayNode>[] children, out int shared)
    {
        bool sorted = true;
        shared = children.Length == 0 ? 0 : children[0].Key.Length;
        for (int i = 1; i < children.Length; i++)
        {
            ReadOnlySpan<byte> previous = children[i - 1].Key.Span;
            ReadOnlySpan<byte> name = children[i].Key.Span;
            sorted &= previous.SequenceCompareTo(name) < 0;
            shared = Math.Min(shared, previous.CommonPrefixLength(name));
        }
        return sorted;
    }

    /// <summary>The first eight bytes as a number of the same order; no name has a null byte, so missing ones sort first.</summary>
    private static ulong Key(ReadOnlySpan<byte> rest)
    {
        Span<byte> padded = stackalloc byte[sizeof(ulong)];
        padded.Clear();
        rest[..Math.Min(rest.Length, padded.Length)].CopyTo(padded);
        return BinaryPrimitives.ReadUInt64BigEndian(padded);
    }
}
