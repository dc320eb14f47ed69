namespace Pachyderm.Pfs;

/// <summary>Lines, each with the line feed that ends it; the last may be without.</summary>
internal sealed class LineScanner : IDatumScanner
{
    private bool inLine;

    public DatumPart Scan(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf((byte)'\n');
        inLine = end < 0;
        return new DatumPart(0, inLine ? bytes.Length : end + 1, !inLine);
    }

    public bool Complete() => inLine;
}
