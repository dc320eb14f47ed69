using System.Buffers.Binary;
using System.Security.Cryptography;
using CsCheck;
using Pachyderm.Errors;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.RecordStores.Tests.Snapshot;

public sealed class DamagedSnapshotTests : IDisposable
{
    private const int PageSize = 4096;

    private readonly TemporaryDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_flipped_bit_anywhere_is_found_by_the_hash()
    {
        byte[] genuine = await File.ReadAllBytesAsync(Fixtures.Snapshot(Fixtures.Names[0]), Token);
        await Gen.Select(Gen.Int[0, genuine.Length - 1], Gen.Int[0, 7]).SampleAsync(
            async (position, bit) =>
            {
                byte[] bytes = [.. genuine];
                bytes[position] ^= (byte)(1 << bit);
                CorruptionException damage = await Assert.ThrowsAsync<CorruptionException>(
                    () => OpenAsync(bytes, SnapshotIntegrity.VerifyHash));
                Assert.Equal("snapshot-hash-mismatch", damage.Id);
            },
            iter: 40);
    }

    [Fact]
    public async Task Flipped_bits_in_a_file_that_is_trusted_give_records_or_a_corruption_and_never_another_failure()
    {
        byte[] genuine = await File.ReadAllBytesAsync(Fixtures.Snapshot(Fixtures.Names[0]), Token);
        int pages = genuine.Length / PageSize;

        // Half of the positions hit the first bytes of a page, where all of its structure is.
        Gen<int> position = Gen.OneOf(
            Gen.Int[0, genuine.Length - 1],
            Gen.Select(Gen.Int[0, pages - 1], Gen.Int[0, 300]).Select((page, offset) => (page * PageSize) + offset));
        int corrupt = 0;
        await Gen.Select(position, Gen.Byte[1, 255]).Array[1, 4].SampleAsync(
            async flips =>
            {
                byte[] bytes = [.. genuine];
                foreach ((int at, byte mask) in flips)
                {
                    bytes[at] ^= mask;
                }

                try
                {
                    await ReadEverythingAsync(bytes, SnapshotIntegrity.Trust);
                }
                catch (CorruptionException)
                {
                    Interlocked.Increment(ref corrupt);
                }
            },
            iter: 400);
        Assert.True(corrupt > 40, $"only {corrupt} of 400 damages were noticed");
    }

    [Fact]
    public async Task A_file_that_was_cut_short_is_refused()
    {
        byte[] genuine = await File.ReadAllBytesAsync(Fixtures.Snapshot(Fixtures.Names[0]), Token);
        int whole = genuine.Length;
        foreach (int length in new[] { 1, 31, 32, 33, 4096, 8192 + 32, 8192, whole - 512, whole - 33, whole - 32, whole - 1 })
        {
            await Assert.ThrowsAsync<CorruptionException>(() => OpenAsync(genuine[..length], SnapshotIntegrity.VerifyHash));
        }

        foreach (int length in new[] { 1, 4096, 8192, 9000, genuine.Length / 2 })
        {
            await Assert.ThrowsAsync<CorruptionException>(() => ReadEverythingAsync(genuine[..length], SnapshotIntegrity.RawDatabase));
        }
    }

    [Fact]
    public async Task A_database_without_a_hash_is_read_only_when_asked_for()
    {
        byte[] genuine = await File.ReadAllBytesAsync(Fixtures.Snapshot(Fixtures.Names[0]), Token);
        byte[] raw = genuine[..^32];

        CorruptionException refused = await Assert.ThrowsAsync<CorruptionException>(() => OpenAsync(raw, SnapshotIntegrity.VerifyHash));
        using EtcdSnapshotFile opened = await OpenAsync(raw, SnapshotIntegrity.RawDatabase);

        Assert.Equal("snapshot-without-hash", refused.Id);
        Assert.Contains("etcdctl snapshot save", refused.Message, StringComparison.Ordinal);
        Assert.Equal(Fixtures.Listing(Fixtures.Names[0]).Count, opened.LiveRecordCount);
        Assert.Null(opened.Sha256);
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_refused()
    {
        byte[] noise = new byte[8192];
        new Random(3).NextBytes(noise);

        Assert.Equal("snapshot-damaged", (await RefusedAsync([])).Id);
        Assert.Equal("snapshot-not-bolt", (await RefusedAsync(Seal(noise))).Id);
        Assert.Equal("snapshot-not-bolt", (await RefusedAsync(Seal(new byte[8192]))).Id);
        OperatorException missing = await Assert.ThrowsAsync<OperatorException>(
            () => EtcdSnapshotFile.OpenAsync(_directory["absent"], SnapshotIntegrity.VerifyHash, Token));
        Assert.Equal("snapshot-not-found", missing.Id);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task One_valid_meta_page_is_enough(int damaged)
    {
        byte[] bytes = await File.ReadAllBytesAsync(Fixtures.Snapshot(Fixtures.Names[0]), Token);
        bytes[(damaged * PageSize) + 40] ^= 1;
        int newer = Transaction(bytes, 0) > Transaction(bytes, 1) ? 0 : 1;

        // The older root was overwritten in part by the newer transaction, so that only a loss of the older page leaves all intact.
        if (damaged == newer)
        {
            await ReadOrCorruptAsync(Seal(bytes[..^32]));
        }
        else
        {
            using EtcdSnapshotFile snapshot = await OpenAsync(Seal(bytes[..^32]), SnapshotIntegrity.VerifyHash);
            Assert.Equal(Fixtures.Listing(Fixtures.Names[0]).Count, (await snapshot.ReadAllAsync()).Count);
        }
    }

    [Fact]
    public async Task Branch_pages_in_a_circle_are_refused()
    {
        byte[] bytes = Skeleton();
        WriteBranch(bytes, 4, 5);
        WriteBranch(bytes, 5, 4);

        CorruptionException damage = await RefusedAsync(Seal(bytes));

        Assert.Contains("circle", damage.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Branch_pages_that_multiply_are_refused_before_they_fill_the_memory()
    {
        byte[] bytes = Skeleton();
        WriteBranch(bytes, 4, [.. Enumerable.Repeat(4UL, 200)]);

        await RefusedAsync(Seal(bytes));
    }

    [Fact]
    public async Task Pages_beyond_the_file_and_enormous_overflows_are_refused()
    {
        byte[] beyond = Skeleton();
        WriteBranch(beyond, 4, ulong.MaxValue - 3);
        byte[] overflow = Skeleton();
        BoltFormat.WritePageHeader(overflow.AsSpan(4 * PageSize), 4, BoltFormat.LeafFlag, 0, -1);
        byte[] crowded = Skeleton();
        BoltFormat.WritePageHeader(crowded.AsSpan(4 * PageSize), 4, BoltFormat.LeafFlag, ushort.MaxValue, 0);
        byte[] twice = Skeleton();
        WriteBranch(twice, 4, 5, 5);
        LeafPacker packer = SnapshotImage.CreatePacker();
        SnapshotImage.Pack(packer, 7, 0, new StoredRecord("k"u8.ToArray(), "v"u8.ToArray(), 7, 7, 1, 0));
        packer.Finish();
        BinaryPrimitives.WriteUInt64LittleEndian(packer.Bytes, 5);
        packer.Bytes.CopyTo(twice.AsSpan(5 * PageSize));

        byte[] shared = Skeleton();
        packer.Clear();
        SnapshotImage.Pack(packer, 7, 0, new StoredRecord("k"u8.ToArray(), new byte[3000], 7, 7, 1, 0));
        SnapshotImage.Pack(packer, 8, 0, new StoredRecord("l"u8.ToArray(), new byte[900], 8, 8, 1, 0));
        packer.Finish();
        BinaryPrimitives.WriteUInt64LittleEndian(packer.Bytes, 4);
        packer.Bytes.CopyTo(shared.AsSpan(4 * PageSize));
        Assert.Equal(2, (await OpenAndCloseAsync(Seal(shared))).LiveRecordCount);
        BinaryPrimitives.WriteInt32LittleEndian(
            shared.AsSpan((4 * PageSize) + BoltFormat.PageHeaderSize + 12), 3900);

        foreach (byte[] bytes in new[] { beyond, overflow, crowded, twice, shared })
        {
            await RefusedAsync(Seal(bytes));
        }
    }

    [Fact]
    public async Task An_inline_bucket_of_keys_is_read()
    {
        byte[] bytes = Skeleton();
        LeafPacker packer = SnapshotImage.CreatePacker();
        SnapshotImage.Pack(packer, 7, 0, new StoredRecord("k"u8.ToArray(), "old"u8.ToArray(), 7, 7, 1, 0));
        SnapshotImage.Pack(packer, 8, 3, new StoredRecord("k"u8.ToArray(), "new"u8.ToArray(), 7, 8, 2, 9));
        packer.Finish();
        LeafPacker root = SnapshotImage.CreatePacker();
        root.Add("key"u8, [.. new byte[BoltFormat.BucketHeaderSize], .. packer.Bytes[..300]]);
        root.Finish(BoltFormat.BucketElementFlag);
        BinaryPrimitives.WriteUInt64LittleEndian(root.Bytes, 3);
        root.Bytes.CopyTo(bytes.AsSpan(3 * PageSize));

        using EtcdSnapshotFile snapshot = await OpenAsync(Seal(bytes), SnapshotIntegrity.VerifyHash);

        StoredRecord record = Assert.Single(await snapshot.ReadAllAsync());
        Assert.Equal(Fixtures.Line(new StoredRecord("k"u8.ToArray(), "new"u8.ToArray(), 7, 8, 2, 9)), Fixtures.Line(record));
        Assert.Equal(8, snapshot.Revision);
        SnapshotRewriteResult rewritten = await SnapshotRewriter.RewriteAsync(
            snapshot, _directory["new.snap"], _ => RecordRewrite.Keep, null, null, Token);
        Assert.Equal(1, rewritten.Kept);
    }

    /// <summary>Eight pages: meta, meta, free list, a root with the bucket <c>key</c> whose root is page 4, and four more.</summary>
    private static byte[] Skeleton()
    {
        byte[] bytes = new byte[8 * PageSize];
        LeafPacker root = SnapshotImage.CreatePacker();
        byte[] bucket = new byte[BoltFormat.BucketHeaderSize];
        bucket[0] = 4;
        root.Add("key"u8, bucket);
        root.Finish(BoltFormat.BucketElementFlag);
        BinaryPrimitives.WriteUInt64LittleEndian(root.Bytes, 3);
        root.Bytes.CopyTo(bytes.AsSpan(3 * PageSize));
        for (int id = 0; id < 2; id++)
        {
            Span<byte> page = bytes.AsSpan(id * PageSize, PageSize);
            BoltFormat.WritePageHeader(page, (ulong)id, BoltFormat.MetaFlag, 0, 0);
            Span<byte> meta = page.Slice(BoltFormat.PageHeaderSize, BoltFormat.MetaSize);
            BinaryPrimitives.WriteUInt32LittleEndian(meta, BoltFormat.Magic);
            BinaryPrimitives.WriteUInt32LittleEndian(meta[4..], BoltFormat.Version);
            BinaryPrimitives.WriteInt32LittleEndian(meta[8..], PageSize);
            BinaryPrimitives.WriteUInt64LittleEndian(meta[16..], 3);
            BinaryPrimitives.WriteUInt64LittleEndian(meta[32..], 2);
            BinaryPrimitives.WriteUInt64LittleEndian(meta[40..], 8);
            BinaryPrimitives.WriteUInt64LittleEndian(meta[48..], (ulong)id);
            BinaryPrimitives.WriteUInt64LittleEndian(meta[56..], BoltFormat.Checksum(meta[..56]));
        }

        return bytes;
    }

    private static void WriteBranch(byte[] bytes, int id, params ulong[] children)
    {
        Span<byte> page = bytes.AsSpan(id * PageSize, PageSize);
        BoltFormat.WritePageHeader(page, (ulong)id, BoltFormat.BranchFlag, children.Length, 0);
        for (int index = 0; index < children.Length; index++)
        {
            int element = BoltFormat.PageHeaderSize + (index * BoltFormat.ElementSize);
            BinaryPrimitives.WriteUInt64LittleEndian(page[(element + 8)..], children[index]);
        }
    }

    private static ulong Transaction(byte[] bytes, int meta) =>
        BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan((meta * PageSize) + 16 + 48));

    private static byte[] Seal(byte[] database) => [.. database, .. SHA256.HashData(database)];

    private async Task<EtcdSnapshotFile> OpenAsync(byte[] bytes, SnapshotIntegrity integrity)
    {
        string path = _directory[Guid.NewGuid().ToString("N")];
        await File.WriteAllBytesAsync(path, bytes, Token);
        try
        {
            return await EtcdSnapshotFile.OpenAsync(path, integrity, Token);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private async Task<EtcdSnapshotFile> OpenAndCloseAsync(byte[] bytes)
    {
        using EtcdSnapshotFile snapshot = await OpenAsync(bytes, SnapshotIntegrity.VerifyHash);
        return snapshot;
    }

    private Task<CorruptionException> RefusedAsync(byte[] bytes) =>
        Assert.ThrowsAsync<CorruptionException>(() => OpenAsync(bytes, SnapshotIntegrity.VerifyHash));

    private async Task ReadEverythingAsync(byte[] bytes, SnapshotIntegrity integrity)
    {
        using EtcdSnapshotFile snapshot = await OpenAsync(bytes, integrity);
        Assert.Equal(snapshot.LiveRecordCount, (await snapshot.ReadAllAsync()).Count);
        string output = _directory[Guid.NewGuid().ToString("N")];
        await SnapshotRewriter.RewriteAsync(snapshot, output, _ => RecordRewrite.Keep, null, null, Token);
        File.Delete(output);
    }

    private async Task ReadOrCorruptAsync(byte[] bytes)
    {
        Exception? failure = await Record.ExceptionAsync(() => ReadEverythingAsync(bytes, SnapshotIntegrity.VerifyHash));
        Assert.True(failure is null or CorruptionException, failure?.ToString());
    }
}
