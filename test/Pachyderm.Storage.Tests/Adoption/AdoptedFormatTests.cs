using System.Security.Cryptography;
using CsCheck;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Tests.Packs;
using Pachyderm.TestSupport;

namespace Pachyderm.Storage.Tests.Adoption;

/// <summary>
/// The golden pack was written by the release that introduced adopted packs, and must be read by every later one. A change of the format
/// needs a number of its own, and golden data beside these.
/// </summary>
public sealed class AdoptedFormatTests
{
    private static readonly PackId Pack = new(new UInt128(0x0123456789abcdef, 0xfedcba9876543210));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string GoldenPath => Path.Combine(
        RepositoryPaths.Root, "test", "Pachyderm.Storage.Tests", "Adoption", "Golden", "adopted-pack-format-2.bin");

    [Fact]
    public void An_adopted_pack_has_its_golden_bytes()
    {
        AdoptedPackWriter writer = new("cluster", maximumChunks: 10, static () => Pack);
        using OldStore old = Golden();
        foreach (AdoptedObject item in old.Listed)
        {
            byte[] sha512 = Convert.FromHexString(item.Hash);
            long offset = 0;
            foreach (ChunkReference chunk in AdoptedChunks.Of(item.Hash, item.Length))
            {
                writer.Add(chunk, new AdoptedReference(
                    "cluster", item.Key, item.Offset, item.Length, offset, AdoptedChunks.IsWhole(item.Length) ? null : sha512));
                offset += chunk.Length;
            }
        }

        Assert.Equal(Convert.ToHexStringLower(File.ReadAllBytes(GoldenPath)), Convert.ToHexStringLower(writer.Complete().Bytes.Span));
    }

    [Fact]
    public async Task The_golden_pack_is_read_in_a_store_that_knows_nothing_else()
    {
        using StoreFolder folder = new();
        using OldStore old = Golden();
        string path = Path.Combine(folder.Objects, Pack.Key);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Copy(GoldenPath, path);
        await using PackChunkStore store = await StoreFolder.OpenAsync(
            folder.Options with { AdoptedFrom = [old.Source with { Name = "cluster" }] });
        await old.AssertReadableAsync(store);
        AdoptedSourceStatistics adopted = Assert.Single(store.ListAdoptions());
        Assert.Equal(("cluster", 1, old.Chunks.Count), (adopted.Source, adopted.Packs, adopted.Chunks));
        Assert.Empty(await new StorageCheck(store, new StorageCheckOptions { ReadData = true }).RunAsync(Token).ToListAsync(Token));
    }

    [Fact]
    public void The_names_of_chunks_are_golden()
    {
        string hash = Convert.ToHexStringLower(SHA512.HashData("golden"u8));
        Assert.Equal(
            [hash[..64]], AdoptedChunks.Of(hash, IChunkStore.MaximumLength).Select(static chunk => chunk.Id.ToString()),
            StringComparer.Ordinal);
        Assert.Equal(
            GoldenSlices, AdoptedChunks.Of(hash, (16L << 20) + 1).Select(static chunk => $"{chunk.Id} {chunk.Length}"),
            StringComparer.Ordinal);
        Assert.Empty(AdoptedChunks.Of(hash, 0));
    }

    [Fact]
    public void A_copied_chunk_has_its_golden_record()
    {
        byte[] sha512 = SHA512.HashData("golden"u8);
        ChunkId whole = AdoptedChunks.WholeId(sha512);
        byte[] record = new byte[RecordHeader.Length];
        new RecordHeader(whole, new ChunkPayload(6, 6, ChunkEncoding.Plain, ChunkHash.Sha512)).Write(Pack, 64, record);
        Assert.Equal(GoldenWhole, Convert.ToHexStringLower(record));
        Assert.True(ChunkCodec.IsIntact(whole, new ChunkPayload(6, 6, ChunkEncoding.Plain, ChunkHash.Sha512), "golden"u8));

        ChunkId slice = AdoptedChunks.SliceId(sha512, (16L << 20) + 1, 16L << 20);
        byte[] stored = [.. new byte[SliceSeal.Length], (byte)'g'];
        new SliceSeal(sha512, (16L << 20) + 1, 16L << 20, SHA256.HashData("g"u8)).Write(stored);
        Assert.Equal(GoldenSeal, Convert.ToHexStringLower(stored));
        ChunkPayload payload = new(stored.Length, 1, ChunkEncoding.Plain, ChunkHash.Slice);
        Assert.True(payload.IsValid);
        Assert.True(ChunkCodec.IsIntact(slice, payload, stored));
        for (int bit = 0; bit < stored.Length * 8; bit++)
        {
            stored[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(ChunkCodec.IsIntact(slice, payload, stored), $"bit {bit}");
            stored[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        byte[] header = new byte[PackFormat.HeaderLength];
        PackFormat.WriteHeader(Pack, header, PackFormat.CopiedVersion);
        Assert.Equal(GoldenCopiedHeader, Convert.ToHexStringLower(header));
        Assert.True(PackFormat.CheckHeader(Pack, header));
    }

    [Fact]
    public void A_pack_of_format_1_has_no_chunks_of_older_releases()
    {
        PackEntry entry = new(ChunkId.Of("x"u8), 64, new ChunkPayload(6, 6, ChunkEncoding.Plain, ChunkHash.Sha512));
        foreach (ushort version in new ushort[] { 1, 2, 3 })
        {
            byte[] footer = PackFormat.WriteFooter(Pack, [entry], 126, version);
            Assert.Equal(version == 3, PackFormat.ReadEntries(
                Pack, footer.AsSpan(0, PackEntry.Length), footer.AsSpan(PackEntry.Length), 126) is not null);
        }
    }

    [Fact]
    public void A_reference_is_read_as_it_was_written_and_no_flipped_bit_is_taken_for_another() =>
        References.Sample(sample =>
        {
            (AdoptedReference reference, uint place) = sample;
            byte[] stored = new byte[AdoptedReference.MaximumLength];
            PackEntry entry = EntryFor(reference, place);
            int length = reference.Write(Pack, place, stored);
            Assert.InRange(length, AdoptedReference.MinimumLength, AdoptedReference.MaximumLength);
            AdoptedReference? read = AdoptedReference.TryRead(Pack, entry, stored.AsSpan(0, length));
            Assert.NotNull(read);
            Assert.Equal(reference with { Sha512 = null }, read with { Sha512 = null });
            Assert.Equal(reference.Sha512, read.Sha512);
            Assert.Null(AdoptedReference.TryRead(Pack, entry with { Offset = entry.Offset + 1 }, stored.AsSpan(0, length)));
            Assert.Null(AdoptedReference.TryRead(new PackId(1), entry, stored.AsSpan(0, length)));
            for (int bit = 0; bit < length * 8; bit += 5)
            {
                stored[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.Null(AdoptedReference.TryRead(Pack, entry, stored.AsSpan(0, length)));
                stored[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }, iter: 200);

    [Fact]
    public void Hostile_references_are_refused_without_another_failure() =>
        Gen.Select(Gen.Byte.Array[0, 300], Gen.Int[1, 1 << 20]).Sample((bytes, rawLength) =>
        {
            ChunkPayload payload = new(bytes.Length, rawLength, ChunkEncoding.Reference, ChunkHash.Sha512);
            Assert.Null(AdoptedReference.TryRead(Pack, new PackEntry(ChunkId.Of("x"u8), 64, payload), bytes));
        });

    private static Gen<(AdoptedReference Reference, uint Place)> References => Gen.Select(
        Gen.Select(Gen.Char["abz019-"].Array[1, 22], Gen.String[Gen.Char["abcdef0123456789/xé-"], 1, 300], Gen.Byte.Array[64]),
        Gen.Select(Gen.Long[0, 1L << 50], Gen.Long[1, 40L << 20], Gen.Int[0, 9]), Gen.UInt,
        static (text, numbers, place) =>
        {
            string key = "k" + string.Join('/', text.Item2.Split('/', StringSplitOptions.RemoveEmptyEntries));
            long length = numbers.Item2;
            bool whole = AdoptedChunks.IsWhole(length);
            long slice = whole ? 0 : numbers.Item3 % AdoptedChunks.CountOf(length) * AdoptedChunks.SliceLength;
            AdoptedReference reference =
                new(new string(text.Item1), Shorten(key), numbers.Item1, length, slice, whole ? null : text.Item3);
            return (reference, place);
        });

    private static string Shorten(string key) =>
        string.Join('/', key.Split('/').Select(static part => part.Length > 255 ? part[..255] : part));

    private static PackEntry EntryFor(AdoptedReference reference, uint place)
    {
        int rawLength = reference.Sha512 is null
            ? (int)reference.ObjectLength : AdoptedChunks.LengthAt(reference.ObjectLength, reference.SliceOffset);
        ChunkId id = reference.Sha512 is { } sha512
            ? AdoptedChunks.SliceId(sha512, reference.ObjectLength, reference.SliceOffset) : ChunkId.Of("any"u8);
        ChunkPayload payload = new(AdoptedReference.MinimumLength, rawLength, ChunkEncoding.Reference, ChunkHash.Sha512);
        return new PackEntry(id, place, payload);
    }

    private static OldStore Golden() => OldStore.Of("one"u8.ToArray(), new byte[17 << 20], [], "two and more"u8.ToArray());

    private static readonly string[] GoldenSlices =
    [
        "3a10d7d0f5f869f5123b084aa8f061af76d4d2260457959063133d18bcd239c2 4194304",
        "7e6fd1a0f0910acd44289085e0af9023122f97cceda217bccaffb02ccf35dcf8 4194304",
        "0c1b484e393a81d16afdf538017df47d982c23e5c31b73e5db07791c3ce817b1 4194304",
        "9edb24152d8aba30cc59e656bfa615342db281dfcc5fb443fe83062c9f8d9355 4194304",
        "56bca36138f8e3cb15b9f4fb93e3ff997852c0cc66959c5539f423935300de97 1",
    ];

    private const string GoldenWhole =
        "505265630600000006000000000100005bc31b0567290cd4dbdb6c5c9c441480e2412d8f1edd7842d9f08d2d1dc8e06c"
        + "df4feebadf9bd630";

    private const string GoldenSeal =
        "5bc31b0567290cd4dbdb6c5c9c441480e2412d8f1edd7842d9f08d2d1dc8e06c2fcc60e35f971084b393ce7ae358ecd5"
        + "e8a4a46e3bfacf0d53fd456a3ab98dee01000001000000000000000100000000cd0aa9856147b6c5b4ff2b7dfee5da20"
        + "aa38253099ef1b4a64aced233c9afe2967";

    private const string GoldenCopiedHeader =
        "504143485041434b03000300000000000123456789abcdeffedcba987654321000000000000000000000000000000000"
        + "000000000000000048832c0596c4a5e7";
}
