namespace Pachyderm.Migration.Survey;

/// <summary>Number, size and digest of a set of records.</summary>
public sealed class RecordTotals
{
    private MultisetDigest _digest;

    /// <summary>Number of records.</summary>
    public long Count { get; private set; }

    /// <summary>Bytes of keys and values.</summary>
    public long Bytes { get; private set; }

    /// <summary>Digest of keys and values.</summary>
    public MultisetDigest Digest => _digest;

    /// <summary>Adds a record.</summary>
    public void Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Add(key.Length + value.Length, MultisetDigest.Of(key, value));

    /// <summary>Adds a record whose digest is known.</summary>
    public void Add(int bytes, MultisetDigest digest)
    {
        Count++;
        Bytes += bytes;
        _digest.Add(digest);
    }

    /// <summary>Adds all records of other totals.</summary>
    public void Add(RecordTotals other)
    {
        Count += other.Count;
        Bytes += other.Bytes;
        _digest.Add(other._digest);
    }
}
