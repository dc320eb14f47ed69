using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace Pachyderm.Storage.Packs;

/// <summary>The name of a pack: 128 random bits, so that packs of any store and machine never clash.</summary>
/// <param name="Value">The bits.</param>
internal readonly record struct PackId(UInt128 Value)
{
    /// <summary>Length in bytes.</summary>
    public const int Length = 16;

    /// <summary>Under which the packs of a store lie in its object store.</summary>
    public const string KeyPrefix = "packs/";

    /// <summary>Reads the first 16 bytes.</summary>
    public PackId(ReadOnlySpan<byte> bytes)
        : this(BinaryPrimitives.ReadUInt128BigEndian(bytes))
    {
    }

    /// <summary>Seed of the checks inside the pack: bytes of one pack that lie inside another, as content, are no records there.</summary>
    public ulong Seed => (ulong)Value ^ (ulong)(Value >> 64);

    /// <summary>The key in the object store.</summary>
    public string Key
    {
        get
        {
            string name = ToString();
            return $"{KeyPrefix}{name[..2]}/{name}";
        }
    }

    /// <summary>A new name.</summary>
    public static PackId Create()
    {
        Span<byte> bytes = stackalloc byte[Length];
        RandomNumberGenerator.Fill(bytes);
        return new PackId(bytes);
    }

    /// <summary>Reads 32 lower-case hexadecimal digits.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out PackId id)
    {
        if (text.Length == 2 * Length && !text.ContainsAnyInRange('A', 'F')
            && UInt128.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 value))
        {
            id = new PackId(value);
            return true;
        }

        id = default;
        return false;
    }

    /// <summary>Reads a key of the object store.</summary>
    public static bool TryParseKey(string key, out PackId id)
    {
        id = default;
        return key.StartsWith(KeyPrefix, StringComparison.Ordinal) && key.Length == KeyPrefix.Length + 3 + (2 * Length)
            && TryParse(key.AsSpan(KeyPrefix.Length + 3), out id) && id.Key == key;
    }

    /// <summary>Writes the 16 bytes.</summary>
    public void CopyTo(Span<byte> destination) => BinaryPrimitives.WriteUInt128BigEndian(destination, Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("x32", CultureInfo.InvariantCulture);
}
