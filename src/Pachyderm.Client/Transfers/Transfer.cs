namespace Pachyderm.Client;

/// <summary>What was transferred: as progress, since the last report; as a result, altogether.</summary>
/// <param name="Files">Files that are complete.</param>
/// <param name="Bytes">Bytes of content.</param>
public readonly record struct Transfer(long Files, long Bytes)
{
    /// <summary>The sum.</summary>
    public static Transfer operator +(Transfer left, Transfer right) => left.Add(right);

    /// <summary>The sum.</summary>
    public Transfer Add(Transfer other) => new(Files + other.Files, Bytes + other.Bytes);
}
