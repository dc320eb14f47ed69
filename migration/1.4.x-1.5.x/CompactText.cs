namespace Pachyderm.Migration.Steps.V15;

/// <summary>
/// Compares protobuf text. White space outside strings means nothing: upstream writes it in one way, a record mended by hand may have
/// another.
/// </summary>
internal static class CompactText
{
    /// <summary>Whether two texts are equal but for white space outside strings.</summary>
    public static bool AreEqual(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        if (left.SequenceEqual(right))
        {
            return true;
        }

        int a = 0;
        int b = 0;
        bool inString = false;
        while (true)
        {
            if (!inString)
            {
                a = SkipSpace(left, a);
                b = SkipSpace(right, b);
            }

            if (a == left.Length || b == right.Length)
            {
                return a == left.Length && b == right.Length;
            }

            if (left[a] != right[b])
            {
                return false;
            }

            if (left[a] == '\\' && inString && a + 1 < left.Length && b + 1 < right.Length)
            {
                if (left[a + 1] != right[b + 1])
                {
                    return false;
                }

                a++;
                b++;
            }
            else if (left[a] == '"')
            {
                inString = !inString;
            }

            a++;
            b++;
        }
    }

    private static int SkipSpace(ReadOnlySpan<byte> text, int from)
    {
        while (from < text.Length && text[from] is (byte)' ' or (byte)'\n' or (byte)'\t' or (byte)'\r')
        {
            from++;
        }

        return from;
    }
}
