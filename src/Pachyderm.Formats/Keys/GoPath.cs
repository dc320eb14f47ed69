namespace Pachyderm.Formats;

/// <summary>The rules of Go's <c>path.Clean</c>, on bytes.</summary>
internal static class GoPath
{
    private const byte Slash = (byte)'/';

    /// <summary>The shortest path that means the same: no empty or <c>.</c> elements, <c>..</c> resolved, no final slash.</summary>
    /// <returns><c>.</c> for a path without elements, as in Go.</returns>
    public static byte[] Clean(ReadOnlySpan<byte> path)
    {
        bool isRooted = path.Length > 0 && path[0] == Slash;
        var result = new byte[path.Length + 1];
        int root = isRooted ? 1 : 0;
        int length = root;
        result[0] = Slash;

        // Up to here, the result is made of leading ".." elements that nothing can take back.
        int fixedLength = root;
        foreach (var range in path.Split(Slash))
        {
            var element = path[range];
            if (element.IsEmpty || element.SequenceEqual("."u8))
            {
                continue;
            }

            if (element.SequenceEqual(".."u8) && length > fixedLength)
            {
                int slash = result.AsSpan(fixedLength, length - fixedLength).LastIndexOf(Slash);
                length = slash < 0 ? fixedLength : fixedLength + slash;
                continue;
            }

            if (element.SequenceEqual(".."u8) && isRooted)
            {
                continue;
            }

            if (length > root)
            {
                result[length++] = Slash;
            }

            element.CopyTo(result.AsSpan(length));
            length += element.Length;
            if (element.SequenceEqual(".."u8))
            {
                fixedLength = length;
            }
        }

        return length == 0 ? "."u8.ToArray() : result.AsSpan(0, length).ToArray();
    }

    /// <summary>The cleaned prefix with the slash that separates it from what follows; empty for an empty prefix.</summary>
    public static byte[] AsFolder(ReadOnlySpan<byte> prefix)
    {
        if (prefix.IsEmpty)
        {
            return [];
        }

        var clean = Clean(prefix);
        return clean is [Slash] ? clean : [.. clean, Slash];
    }
}
