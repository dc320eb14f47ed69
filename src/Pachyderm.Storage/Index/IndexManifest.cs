using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Index;

/// <summary>A pack of the object store whose every entry is in the runs.</summary>
/// <param name="Number">Its number in the entries.</param>
/// <param name="Id">Its name.</param>
/// <param name="Length">Its length.</param>
/// <param name="Adoption">What it adopts, if anything.</param>
internal readonly record struct IndexedPack(uint Number, PackId Id, long Length, PackAdoption? Adoption = null);

/// <summary>
/// The list of what makes up the index: runs, newest first, and packs. Replaced as a whole by renaming, so that it is always the old or
/// the new one. Layout: magic 8, version 2, oldest reader 2, reserved 4, last pack number 4, number of runs 4, of packs 4, of adopted
/// packs 4; 8 for each run; 28 for each pack; for each adopted one among them its number 4, length of the source's name 1, reserved 1,
/// its name 22, chunks 8, bytes 8; check 8. Version 1 if every chunk is named by its SHA-256; 2 if packs are adopted, 3 if chunks were
/// ever copied from one. A release that knows version 1 alone does not use the others.
/// </summary>
/// <param name="LastPackNumber">No number up to this one may be given again.</param>
/// <param name="Runs">Numbers of the runs' files, newest first.</param>
/// <param name="Packs">The packs.</param>
/// <param name="HasCopies">Whether chunks were ever copied from an adopted pack.</param>
internal sealed record IndexManifest(uint LastPackNumber, IReadOnlyList<long> Runs, IReadOnlyList<IndexedPack> Packs, bool HasCopies)
{
    /// <summary>The version that is written if no pack is adopted, which every reader of the format understands.</summary>
    public const ushort Version = 1;

    /// <summary>The version that is written if there are adopted packs, and that of its oldest reader.</summary>
    public const ushort AdoptedVersion = 2;

    /// <summary>The version that is written once chunks were copied from adopted packs, and that of its oldest reader.</summary>
    public const ushort CopiedVersion = 3;

    private const int HeaderLength = 32;
    private const int PackLength = 28;
    private const int AdoptionLength = 44;
    private const string FileName = "manifest";

    private static ReadOnlySpan<byte> Magic => "PACHIDXM"u8;

    /// <summary>The file of the manifest.</summary>
    public static string PathIn(string directory) => Path.Combine(directory, FileName);

    /// <summary>Reads the manifest.</summary>
    /// <returns>It, or null if it is damaged or of a later release.</returns>
    public static IndexManifest? Read(string directory)
    {
        ReadOnlySpan<byte> bytes = File.ReadAllBytes(PathIn(directory));
        if (bytes.Length < HeaderLength + 8 || !bytes.StartsWith(Magic)
            || BinaryPrimitives.ReadUInt64LittleEndian(bytes[^8..]) != XxHash3.HashToUInt64(bytes[..^8])
            || BinaryPrimitives.ReadUInt16LittleEndian(bytes[10..]) > CopiedVersion)
        {
            return null;
        }

        long runCount = BinaryPrimitives.ReadUInt32LittleEndian(bytes[20..]);
        long packCount = BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]);
        long adoptedCount = BinaryPrimitives.ReadUInt32LittleEndian(bytes[28..]);
        if (HeaderLength + (8 * runCount) + (PackLength * packCount) + (AdoptionLength * adoptedCount) + 8 != bytes.Length)
        {
            return null;
        }

        long[] runs = new long[runCount];
        IndexedPack[] packs = new IndexedPack[packCount];
        ReadOnlySpan<byte> rest = bytes[HeaderLength..];
        for (int i = 0; i < runs.Length; i++, rest = rest[8..])
        {
            runs[i] = BinaryPrimitives.ReadInt64LittleEndian(rest);
        }

        for (int i = 0; i < packs.Length; i++, rest = rest[PackLength..])
        {
            packs[i] = new IndexedPack(
                BinaryPrimitives.ReadUInt32LittleEndian(rest), new PackId(rest[4..]), BinaryPrimitives.ReadInt64LittleEndian(rest[20..]));
        }

        Dictionary<uint, PackAdoption> adoptions = ReadAdoptions(rest, adoptedCount);
        for (int i = 0; i < packs.Length; i++)
        {
            packs[i] = packs[i] with { Adoption = adoptions.GetValueOrDefault(packs[i].Number) };
        }

        bool hasCopies = BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]) == CopiedVersion;
        return new IndexManifest(BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]), runs, packs, hasCopies);
    }

    /// <summary>Replaces the manifest, and returns when that is durable.</summary>
    /// <exception cref="IOException">The directory cannot be written.</exception>
    public void Write(string directory)
    {
        List<IndexedPack> adopted = [.. Packs.Where(static pack => pack.Adoption is not null)];
        byte[] bytes = new byte[HeaderLength + (8 * Runs.Count) + (PackLength * Packs.Count) + (AdoptionLength * adopted.Count) + 8];
        Magic.CopyTo(bytes);
        ushort version = HasCopies ? CopiedVersion : adopted.Count > 0 ? AdoptedVersion : Version;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), version);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(10), version);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(16), LastPackNumber);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(20), Runs.Count);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(24), Packs.Count);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(28), adopted.Count);
        Span<byte> rest = bytes.AsSpan(HeaderLength);
        foreach (long run in Runs)
        {
            BinaryPrimitives.WriteInt64LittleEndian(rest, run);
            rest = rest[8..];
        }

        foreach (IndexedPack pack in Packs)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(rest, pack.Number);
            pack.Id.CopyTo(rest[4..]);
            BinaryPrimitives.WriteInt64LittleEndian(rest[20..], pack.Length);
            rest = rest[PackLength..];
        }

        foreach (IndexedPack pack in adopted)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(rest, pack.Number);
            rest[4] = (byte)pack.Adoption!.Source.Length;
            Encoding.ASCII.GetBytes(pack.Adoption.Source, rest[6..]);
            BinaryPrimitives.WriteInt64LittleEndian(rest[28..], pack.Adoption.Chunks);
            BinaryPrimitives.WriteInt64LittleEndian(rest[36..], pack.Adoption.Bytes);
            rest = rest[AdoptionLength..];
        }

        BinaryPrimitives.WriteUInt64LittleEndian(rest, XxHash3.HashToUInt64(bytes.AsSpan(..^8)));
        string path = PathIn(directory);
        using (FileStream file = new(path + ".new", FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            file.Write(bytes);
            file.Flush(flushToDisk: true);
        }

        File.Move(path + ".new", path, overwrite: true);
        DurableFiles.FlushDirectory(directory);
    }

    private static Dictionary<uint, PackAdoption> ReadAdoptions(ReadOnlySpan<byte> bytes, long count)
    {
        Dictionary<uint, PackAdoption> adoptions = [];
        for (; count > 0; count--, bytes = bytes[AdoptionLength..])
        {
            string source = Encoding.ASCII.GetString(bytes.Slice(6, Math.Min((int)bytes[4], AdoptionSource.MaximumNameLength)));
            adoptions[BinaryPrimitives.ReadUInt32LittleEndian(bytes)] = new PackAdoption(
                source, BinaryPrimitives.ReadInt64LittleEndian(bytes[28..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[36..]));
        }

        return adoptions;
    }
}
