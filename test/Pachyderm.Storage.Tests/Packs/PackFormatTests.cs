using CsCheck;
using Pachyderm.Errors;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Tests.Packs;

public sealed class PackFormatTests
{
    private static readonly PackId Pack = new(new UInt128(0x0123456789abcdef, 0xfedcba9876543210));

    private static readonly RecordHeader Record = new(
        ChunkId.Of("golden"u8), new ChunkPayload(4, 6, ChunkEncoding.Zstd, ChunkHash.Sha256));

    [Fact]
    public void The_header_has_its_golden_bytes()
    {
        byte[] header = new byte[PackFormat.HeaderLength];
        PackFormat.WriteHeader(Pack, header);
        Assert.Equal(GoldenHeader, Convert.ToHexStringLower(header));
        Assert.True(PackFormat.CheckHeader(Pack, header));
    }

    [Fact]
    public void A_record_has_its_golden_bytes()
    {
        byte[] record = new byte[RecordHeader.Length];
        Record.Write(Pack, 64, record);
        Assert.Equal(GoldenRecord, Convert.ToHexStringLower(record));
        Assert.True(RecordHeader.TryRead(Pack, 64, record, out RecordHeader read));
        Assert.Equal(Record, read);
    }

    [Fact]
    public void The_footer_has_its_golden_bytes()
    {
        byte[] footer = PackFormat.WriteFooter(Pack, [new PackEntry(Record.Id, 64, Record.Payload)], 124);
        Assert.Equal(GoldenFooter, Convert.ToHexStringLower(footer));
        Assert.True(PackFormat.CheckTrailer(
            Pack, 124 + footer.Length, footer.AsSpan(^PackFormat.TrailerLength), out int count, out long offset));
        Assert.Equal((1, 124), (count, offset));
        Assert.Equal(
            [new PackEntry(Record.Id, 64, Record.Payload)],
            PackFormat.ReadEntries(Pack, footer.AsSpan(0, PackEntry.Length), footer.AsSpan(^PackFormat.TrailerLength), offset));
    }

    [Fact]
    public void A_pack_of_a_later_format_is_refused_by_name()
    {
        byte[] header = Convert.FromHexString(GoldenHeader);
        header[8] = 9;
        header[10] = 9;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(
            header.AsSpan(56), System.IO.Hashing.XxHash3.HashToUInt64(header.AsSpan(0, 56)));
        OperatorException exception = Assert.Throws<OperatorException>(() => PackFormat.CheckHeader(Pack, header));
        Assert.Equal("pack-format-unknown", exception.Id);
    }

    [Fact]
    public void Any_flipped_bit_of_header_record_or_footer_is_seen()
    {
        byte[] header = Convert.FromHexString(GoldenHeader);
        byte[] record = Convert.FromHexString(GoldenRecord);
        byte[] footer = Convert.FromHexString(GoldenFooter);
        ForEachBit(header, () => PackFormat.CheckHeader(Pack, header));
        ForEachBit(record, () => RecordHeader.TryRead(Pack, 64, record, out _));
        ForEachBit(footer, () =>
            PackFormat.CheckTrailer(Pack, 124 + footer.Length, footer.AsSpan(^PackFormat.TrailerLength), out _, out long offset)
            && PackFormat.ReadEntries(
                Pack, footer.AsSpan(0, PackEntry.Length), footer.AsSpan(^PackFormat.TrailerLength), offset) is not null);
    }

    [Fact]
    public void A_record_counts_only_in_its_own_pack_and_place()
    {
        byte[] record = Convert.FromHexString(GoldenRecord);
        Assert.False(RecordHeader.TryRead(Pack, 65, record, out _));
        Assert.False(RecordHeader.TryRead(new PackId(1), 64, record, out _));
    }

    [Fact]
    public void Payloads_are_decoded_to_exactly_what_was_encoded_or_not_at_all() =>
        Gen.Select(Gen.Byte.Array[0, 5000], Gen.Int[1, 400], Gen.Bool).Sample((bytes, repeat, mangle) =>
        {
            byte[] content = [.. Enumerable.Repeat(bytes, repeat).SelectMany(static part => part).Take(200_000)];
            byte[]? compressed = ChunkCodec.TryCompress(content, out int length);
            if (compressed is null)
            {
                return;
            }

            ChunkPayload payload = new(length, content.Length, ChunkEncoding.Zstd, ChunkHash.Sha256);
            Assert.True(payload.IsValid);
            byte[] stored = compressed[..length];
            if (mangle)
            {
                stored[length / 2] ^= 0x10;
            }

            byte[] raw = new byte[content.Length];
            Assert.Equal(!mangle, ChunkCodec.TryDecode(ChunkId.Of(content), payload, stored, raw) && raw.AsSpan().SequenceEqual(content));
        });

    [Fact]
    public void Hostile_payloads_are_refused_without_another_failure() =>
        Gen.Select(Gen.Byte.Array[0, 300], Gen.Int[0, 2000]).Sample((bytes, rawLength) =>
        {
            byte[] frame = [0x28, 0xb5, 0x2f, 0xfd, .. bytes];
            ChunkPayload payload = new(frame.Length, rawLength, ChunkEncoding.Zstd, ChunkHash.Sha256);
            Assert.False(ChunkCodec.TryDecode(ChunkId.Of("other"u8), payload, frame, new byte[rawLength]));
        });

    private static void ForEachBit(byte[] bytes, Func<bool> isIntact)
    {
        Assert.True(isIntact());
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(isIntact(), $"bit {bit}");
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    private const string GoldenHeader =
        "504143485041434b01000100000000000123456789abcdeffedcba987654321000000000000000000000000000000000"
        + "0000000000000000ea31fe8ef2e8af54";

    private const string GoldenRecord =
        "50526563040000000600000001000000dd56de4137951d9c92681b03416ec15f886b4482a27e3a517d32f085244cbe5d"
        + "0e6add2bdaa6fc06";

    private const string GoldenFooter =
        "dd56de4137951d9c92681b03416ec15f886b4482a27e3a517d32f085244cbe5d40000000040000000600000001000000"
        + "50414348464f4f5401000100010000007c000000000000000123456789abcdeffedcba9876543210d1aaf595e65f4db6"
        + "0000000000000000e8953d858d825f66";
}
