namespace Pachyderm.Pfs;

/// <summary>Finds in a stream of bytes where each value or line begins and ends. Keeps no bytes.</summary>
internal interface IDatumScanner
{
    /// <summary>Looks at the bytes that follow, of which there is at least one, and takes one or more of them.</summary>
    /// <exception cref="PfsException">The bytes are not what is scanned for.</exception>
    DatumPart Scan(ReadOnlySpan<byte> bytes);

    /// <summary>To be called when no more bytes come.</summary>
    /// <returns>Whether this ends a value or line that had not ended.</returns>
    /// <exception cref="PfsException">The last value is not complete.</exception>
    bool Complete();
}

/// <summary>What a scanner took.</summary>
/// <param name="Skipped">Bytes at the front that belong to no value.</param>
/// <param name="Length">Bytes behind these that belong to the present value.</param>
/// <param name="IsEnd">Whether the value ends with them.</param>
internal readonly record struct DatumPart(int Skipped, int Length, bool IsEnd);
