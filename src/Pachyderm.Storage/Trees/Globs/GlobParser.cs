using System.Buffers;
using System.Text;

namespace Pachyderm.Storage.Trees.Globs;

/// <summary>Reads a cleaned glob, after its leading slash. Methods answer false where it is malformed.</summary>
internal ref struct GlobParser(ReadOnlySpan<byte> glob)
{
    private readonly ReadOnlySpan<byte> glob = glob;
    private int position;

    internal bool TryParse(List<GlobName> names)
    {
        List<GlobToken> tokens = [];
        while (position < glob.Length)
        {
            byte next = glob[position++];
            bool escaped = next == (byte)'\\';
            if (escaped)
            {
                if (position == glob.Length)
                {
                    return false;
                }
                next = glob[position++];
            }
            if (next == (byte)'/')
            {
                names.Add(new GlobName(tokens));
                tokens = [];
            }
            else if (escaped)
            {
                tokens.Add(new GlobToken(GlobTokenKind.Byte, next));
            }
            else if (next == (byte)'[')
            {
                if (!TryParseClass(out GlobClass? parsed))
                {
                    return false;
                }
                tokens.Add(new GlobToken(GlobTokenKind.Class, Class: parsed));
            }
            else
            {
                GlobTokenKind kind = next == (byte)'*' ? GlobTokenKind.Star : next == (byte)'?' ? GlobTokenKind.Any : GlobTokenKind.Byte;
                tokens.Add(new GlobToken(kind, next));
            }
        }
        names.Add(new GlobName(tokens));
        return true;
    }

    private bool TryParseClass(out GlobClass? parsed)
    {
        parsed = null;
        bool negated = position < glob.Length && glob[position] == (byte)'^';
        position += negated ? 1 : 0;
        List<(int Low, int High)> ranges = [];
        while (ranges.Count == 0 || position == glob.Length || glob[position] != (byte)']')
        {
            if (!TryParseCharacter(out int low))
            {
                return false;
            }
            int high = low;
            if (glob[position] == (byte)'-')
            {
                position++;
                if (!TryParseCharacter(out high))
                {
                    return false;
                }
            }
            ranges.Add((low, high));
        }
        position++;
        parsed = new GlobClass(negated, ranges);
        return true;
    }

    /// <summary>Reads a character of a class. Something has to follow it, at least the end of the class.</summary>
    private bool TryParseCharacter(out int character)
    {
        character = 0;
        if (position == glob.Length || glob[position] is (byte)'-' or (byte)']')
        {
            return false;
        }
        position += glob[position] == (byte)'\\' ? 1 : 0;
        if (position == glob.Length || Rune.DecodeFromUtf8(glob[position..], out Rune rune, out int length) != OperationStatus.Done)
        {
            return false;
        }
        character = rune.Value;
        position += length;
        return position < glob.Length;
    }
}
