using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using Pachyderm.Errors;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Packs;

/// <summary>
/// Pack format 1: a header, records one after the other, and, once the pack is sealed, a footer of sorted <see cref="PackEntry"/>s and a
/// trailer. Integers are little-endian, reserved bytes zero. Every part but the payloads has an XXH3 check, seeded by pack and place; a
/// payload is checked by the SHA-256 that names it. doc/storage.md has the layout byte by byte.
/// </summary>
/// <remarks>
/// Format 2 is that of adopted packs, and of no other: the header names a source, the payloads are references (<see
/// cref="AdoptedReference"/>). Format 3 is that of packs in which chunks were copied from an adopted object, whose names are not their
/// SHA-256. A release that knows format 1 alone refuses to open a store that has such a pack.
/// </remarks>
internal static class PackFormat
{
    /// <summary>The version of a pack whose chunks are all named by their SHA-256, which every reader of the format understands.</summary>
    public const ushort Version = 1;

    /// <summary>The version of an adopted pack, and of its oldest reader.</summary>
    public const ushort AdoptedVersion = 2;

    /// <summary>The version of a pack that has chunks of an adopted object among its own, and of its oldest reader.</summary>
    public const ushort CopiedVersion = 3;

    private const ushort LatestVersion = CopiedVersion;

    /// <summary>Length of the header.</summary>
    public const int HeaderLength = 64;

    /// <summary>Length of the trailer.</summary>
    public const int TrailerLength = 64;

    /// <summary>Longest pack, footer included: offsets are 32 bits, and a footer fits an array.</summary>
    public const long MaximumLength = 2L << 30;

    private const ulong TrailerSeed = 0x7261696C65720001;

    private static ReadOnlySpan<byte> HeaderMagic => "PACHPACK"u8;

    private static ReadOnlySpan<byte> TrailerMagic => "PACHFOOT"u8;

    /// <summary>
    /// Writes the header: magic 8, version 2, oldest reader 2, reserved 4, pack 16, length of the source's name 1, reserved 1, its name 22,
    /// check 8.
    /// </summary>
    /// <param name="id">The pack.</param>
    /// <param name="header">At least <see cref="HeaderLength"/> bytes.</param>
    /// <param name="version">Its version.</param>
    /// <param name="source">What it adopts; null if it holds its chunks.</param>
    public static void WriteHeader(PackId id, Span<byte> header, ushort version = Version, string? source = null)
    {
        header = header[..HeaderLength];
        header.Clear();
        HeaderMagic.CopyTo(header);
        WriteVersion(header[8..], version);
        id.CopyTo(header[16..]);
        header[32] = (byte)(source?.Length ?? 0);
        Encoding.ASCII.GetBytes(source, header[34..]);
        BinaryPrimitives.WriteUInt64LittleEndian(header[56..], XxHash3.HashToUInt64(header[..56]));
    }

    /// <summary>Checks a header.</summary>
    /// <param name="id">The pack that it must be of.</param>
    /// <param name="header">At least <see cref="HeaderLength"/> bytes.</param>
    /// <returns>Whether it is intact.</returns>
    /// <exception cref="OperatorException"><c>pack-format-unknown</c>: a later release wrote it.</exception>
    public static bool CheckHeader(PackId id, ReadOnlySpan<byte> header)
    {
        header = header[..HeaderLength];
        if (!header.StartsWith(HeaderMagic)
            || BinaryPrimitives.ReadUInt64LittleEndian(header[56..]) != XxHash3.HashToUInt64(header[..56]))
        {
            return false;
        }

        CheckVersion(id, header[8..]);
        return new PackId(header[16..]) == id;
    }

    /// <summary>The source that an intact header of an adopted pack names, or null.</summary>
    public static string? ReadSource(ReadOnlySpan<byte> header)
    {
        string name = Encoding.ASCII.GetString(header.Slice(34, Math.Min((int)header[32], AdoptionSource.MaximumNameLength)));
        return BinaryPrimitives.ReadUInt16LittleEndian(header[10..]) == AdoptedVersion && AdoptionSource.IsName(name) ? name : null;
    }

    /// <summary>The version that a pack must have for what it holds.</summary>
    public static ushort VersionFor(IEnumerable<PackEntry> entries) =>
        entries.Aggregate(Version, static (version, entry) => Math.Max(version, VersionFor(entry.Payload)));

    /// <summary>The version that a pack must have to hold a chunk.</summary>
    public static ushort VersionFor(ChunkPayload payload) => payload.Encoding == ChunkEncoding.Reference ? AdoptedVersion
        : payload.Hash == ChunkHash.Sha256 ? Version : CopiedVersion;

    /// <summary>The version that an intact header or trailer has.</summary>
    public static ushort ReadVersion(ReadOnlySpan<byte> part) => BinaryPrimitives.ReadUInt16LittleEndian(part[8..]);

    /// <summary>
    /// Writes what ends a sealed pack: the entries in the order of their identifiers, then the trailer (magic 8, version 2, oldest
    /// reader 2, number of entries 4, where the footer begins 8, pack 16, check of the entries 8, reserved 8, check 8).
    /// </summary>
    /// <param name="id">The pack.</param>
    /// <param name="entries">What it holds; sorted by this call.</param>
    /// <param name="footerOffset">Where the records end.</param>
    /// <param name="version">Its version.</param>
    public static byte[] WriteFooter(PackId id, List<PackEntry> entries, long footerOffset, ushort version = Version)
    {
        entries.Sort(static (a, b) => a.Id.CompareTo(b.Id) is var order and not 0 ? order : a.Offset.CompareTo(b.Offset));
        byte[] footer = new byte[(entries.Count * PackEntry.Length) + TrailerLength];
        for (int i = 0; i < entries.Count; i++)
        {
            entries[i].Write(footer.AsSpan(i * PackEntry.Length));
        }

        Span<byte> trailer = footer.AsSpan(^TrailerLength);
        TrailerMagic.CopyTo(trailer);
        WriteVersion(trailer[8..], version);
        BinaryPrimitives.WriteInt32LittleEndian(trailer[12..], entries.Count);
        BinaryPrimitives.WriteInt64LittleEndian(trailer[16..], footerOffset);
        id.CopyTo(trailer[24..]);
        ulong check = XxHash3.HashToUInt64(footer.AsSpan(..^TrailerLength), (long)id.Seed);
        BinaryPrimitives.WriteUInt64LittleEndian(trailer[40..], check);
        BinaryPrimitives.WriteUInt64LittleEndian(trailer[56..], XxHash3.HashToUInt64(trailer[..56], (long)(id.Seed ^ TrailerSeed)));
        return footer;
    }

    /// <summary>Checks a trailer.</summary>
    /// <param name="id">The pack that it must be of.</param>
    /// <param name="packLength">Length of the whole pack.</param>
    /// <param name="trailer">Its last <see cref="TrailerLength"/> bytes.</param>
    /// <param name="entryCount">How many entries lie before the trailer.</param>
    /// <param name="footerOffset">Where they begin.</param>
    /// <returns>Whether it is intact and fits the length.</returns>
    /// <exception cref="OperatorException"><c>pack-format-unknown</c>: a later release wrote it.</exception>
    public static bool CheckTrailer(PackId id, long packLength, ReadOnlySpan<byte> trailer, out int entryCount, out long footerOffset)
    {
        entryCount = BinaryPrimitives.ReadInt32LittleEndian(trailer[12..]);
        footerOffset = BinaryPrimitives.ReadInt64LittleEndian(trailer[16..]);
        if (!trailer.StartsWith(TrailerMagic)
            || BinaryPrimitives.ReadUInt64LittleEndian(trailer[56..]) != XxHash3.HashToUInt64(trailer[..56], (long)(id.Seed ^ TrailerSeed)))
        {
            return false;
        }

        CheckVersion(id, trailer[8..]);
        return new PackId(trailer[24..]) == id && entryCount >= 0 && footerOffset >= HeaderLength && packLength <= MaximumLength
            && footerOffset + ((long)entryCount * PackEntry.Length) + TrailerLength == packLength;
    }

    /// <summary>Reads the entries of a footer.</summary>
    /// <param name="id">The pack.</param>
    /// <param name="entries">The bytes of the entries.</param>
    /// <param name="trailer">The trailer, already checked.</param>
    /// <param name="footerOffset">Where the records end.</param>
    /// <returns>The entries, or null if they are damaged.</returns>
    public static List<PackEntry>? ReadEntries(PackId id, ReadOnlySpan<byte> entries, ReadOnlySpan<byte> trailer, long footerOffset)
    {
        if (BinaryPrimitives.ReadUInt64LittleEndian(trailer[40..]) != XxHash3.HashToUInt64(entries, (long)id.Seed))
        {
            return null;
        }

        List<PackEntry> result = new(entries.Length / PackEntry.Length);
        ChunkId last = default;
        ushort version = ReadVersion(trailer);
        for (; entries.Length >= PackEntry.Length; entries = entries[PackEntry.Length..])
        {
            if (!PackEntry.TryRead(entries, out PackEntry entry) || entry.Id < last || entry.Offset < HeaderLength
                || !IsAllowed(version, entry.Payload)
                || entry.Offset + RecordHeader.Length + (long)entry.Payload.StoredLength > footerOffset)
            {
                return null;
            }

            result.Add(entry);
            last = entry.Id;
        }

        return result;
    }

    private static bool IsAllowed(ushort version, ChunkPayload payload) =>
        version == AdoptedVersion ? payload.Encoding == ChunkEncoding.Reference
        : payload.Encoding != ChunkEncoding.Reference && VersionFor(payload) <= version;

    private static void WriteVersion(Span<byte> versions, ushort version)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(versions, version);
        BinaryPrimitives.WriteUInt16LittleEndian(versions[2..], version);
    }

    private static void CheckVersion(PackId id, ReadOnlySpan<byte> versions)
    {
        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(versions);
        if (BinaryPrimitives.ReadUInt16LittleEndian(versions[2..]) > LatestVersion)
        {
            throw new OperatorException(
                "pack-format-unknown", $"pack {id}", $"it has format {version}, this release reads up to {LatestVersion}",
                "start the release that wrote it, or a later one");
        }
    }
}
