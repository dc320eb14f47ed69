using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Pachyderm.Storage.Trees.Nodes;

namespace Pachyderm.Storage.Trees.Editing;

/// <summary>The last child of a directory while writes go on, by which splits number theirs (spec/pfs.md section 4).</summary>
internal sealed class SplitPosition
{
    private readonly SortedSet<ReadOnlyMemory<byte>> written = new(NameComparer.Instance);
    private readonly DirectoryCursor? stored;

    /// <param name="directory">What was written to the directory so far.</param>
    /// <param name="stored">The last entry of the directory as it is stored, if it counts.</param>
    internal SplitPosition(OverlayNode directory, DirectoryCursor? stored)
    {
        this.stored = stored;
        foreach ((ReadOnlyMemory<byte> name, OverlayNode child) in directory.Children ?? [])
        {
            if (child.Exists)
            {
                written.Add(name);
            }
        }
    }

    internal void Added(ReadOnlyMemory<byte> name) => written.Add(name);

    internal void Removed(ReadOnlyMemory<byte> name) => written.Remove(name);

    /// <summary>The number of the next file.</summary>
    /// <returns>The number, or else the name of the last child, which is none.</returns>
    internal async ValueTask<(long Next, string? NotANumber)> NextAsync(OverlayNode directory, CancellationToken cancellationToken)
    {
        // What is removed once does not come back as stored, so this only ever goes backwards.
        while (stored is { AtEnd: false } && directory.Find(stored.Name.ToArray()) is { Gone: true })
        {
            await stored.RetreatAsync(cancellationToken).ConfigureAwait(false);
        }
        ReadOnlyMemory<byte> last = written.Max;
        if (stored is { AtEnd: false } && stored.Name.SequenceCompareTo(last.Span) > 0)
        {
            last = stored.Name.ToArray();
        }
        return last.IsEmpty ? (0, null)
            : TryParse(last.Span, out long number) ? (number + 1, null)
            : (0, Encoding.UTF8.GetString(last.Span));
    }

    internal static byte[] Name(long number)
    {
        byte[] name = new byte[16];
        Utf8Formatter.TryFormat(number, name, out _, new System.Buffers.StandardFormat('x', 16));
        return name;
    }

    private static bool TryParse(ReadOnlySpan<byte> name, out long number)
    {
        ReadOnlySpan<byte> digits = name.TrimStart((byte)'0');
        number = 0;
        return digits.Length <= 16
            && (digits.IsEmpty || long.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number))
            && number is >= 0 and < long.MaxValue - int.MaxValue;
    }
}
