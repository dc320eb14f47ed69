namespace Pachyderm.Storage.Trees;

/// <summary>Goes through the names of a path, from the root down.</summary>
internal struct NameSequence(ReadOnlyMemory<byte> path)
{
    private ReadOnlyMemory<byte> rest = path;

    /// <summary>The name that was reached.</summary>
    public ReadOnlyMemory<byte> Current { get; private set; }

    /// <summary>Whether the name that was reached is the last one.</summary>
    internal readonly bool AtLast => rest.IsEmpty;

    public readonly NameSequence GetEnumerator() => this;

    public bool MoveNext()
    {
        if (rest.IsEmpty)
        {
            return false;
        }
        int end = rest.Span[1..].IndexOf((byte)'/') + 1;
        Current = end == 0 ? rest[1..] : rest[1..end];
        rest = end == 0 ? default : rest[end..];
        return true;
    }
}
