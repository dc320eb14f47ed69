namespace Pachyderm.Migration.Survey;

/// <summary>
/// Goes through the fields of one message on the wire without making objects: for the millions of commits that a survey reads.
/// </summary>
internal ref struct WireScanner(ReadOnlySpan<byte> wire)
{
    private ReadOnlySpan<byte> _rest = wire;

    /// <summary>Number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>Content of the current field if it is length-delimited; else empty.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>Value of the current field if it is a varint; else 0.</summary>
    public ulong Varint { get; private set; }

    /// <summary>Whether the bytes are not a message.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>Goes to the next field; false at the end, and at the first byte that belongs to no message.</summary>
    public bool Next()
    {
        if (_rest.IsEmpty || IsMalformed)
        {
            return false;
        }

        Bytes = default;
        Varint = 0;
        if (!TryReadVarint(out ulong tag) || tag >> 3 is 0 or > int.MaxValue)
        {
            return Malformed();
        }

        Field = (int)(tag >> 3);
        switch (tag & 7)
        {
            case 0:
                return TryReadVarint(out ulong value) ? Set(value) : Malformed();
            case 1:
                return Skip(sizeof(ulong));
            case 2:
                if (!TryReadVarint(out ulong length) || length > (ulong)_rest.Length)
                {
                    return Malformed();
                }

                Bytes = _rest[..(int)length];
                _rest = _rest[(int)length..];
                return true;
            case 5:
                return Skip(sizeof(uint));
            default:
                return Malformed();
        }
    }

    private bool Set(ulong value)
    {
        Varint = value;
        return true;
    }

    private bool Skip(int bytes)
    {
        if (_rest.Length < bytes)
        {
            return Malformed();
        }

        _rest = _rest[bytes..];
        return true;
    }

    private bool Malformed()
    {
        IsMalformed = true;
        return false;
    }

    private bool TryReadVarint(out ulong value)
    {
        value = 0;
        for (int index = 0; index < _rest.Length && index < 10; index++)
        {
            byte part = _rest[index];
            value |= (ulong)(part & 0x7f) << (7 * index);
            if (part < 0x80)
            {
                _rest = _rest[(index + 1)..];
                return true;
            }
        }

        return false;
    }
}
