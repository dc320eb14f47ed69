using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Tests.Packs;

namespace Pachyderm.Storage.Tests.Adoption;

public sealed class AdoptionTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("pachyderm-1.5.3-small", "object-store.tar.gz")]
    [InlineData("pachyderm-1.4.8-objstore", "object-store-before-compaction.tar.gz")]
    [InlineData("pachyderm-1.4.8-objstore", "object-store.tar.gz")]
    public async Task A_genuine_store_is_adopted_without_reading_a_byte_and_then_reads_as_it_was(string fixture, string archive)
    {
        using OldStore old = OldStore.Unpack(fixture, archive);
        await using (PackChunkStore store = await OpenAsync(old))
        {
            AdoptionResult result = await old.AdoptAsync(store);
            Assert.Empty(old.Objects.Calls);
            Assert.Equal(old.Listed.Count, result.Objects);
            Assert.Equal(old.Listed.Sum(static item => item.Length), result.Bytes);
            Assert.Equal(old.Chunks.Count, result.NewChunks);
            await old.AssertReadableAsync(store);
        }

        Directory.Delete(_folder.Index, recursive: true);
        await using PackChunkStore again = await OpenAsync(old);
        await old.AssertReadableAsync(again);
        Assert.Equal((1, old.Chunks.Count), (again.GetStatistics().AdoptedPacks, again.GetStatistics().AdoptedChunks));
        Assert.Equal(old.Chunks.Sum(static chunk => chunk.Length), again.GetStatistics().AdoptedBytes);
    }

    [Fact]
    public async Task What_is_adopted_already_is_passed_over_and_a_stopped_adoption_goes_on()
    {
        using OldStore old = OldStore.Of(Enumerable.Range(0, 30).Select(static i => StoreExtensions.Random(i, 100 + i)));
        PackStoreOptions options = Options(old) with { AdoptedPackChunks = 10 };
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        PackChunkStore store = await StoreFolder.OpenAsync(options);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => store.AdoptAsync("old", StopAfterAsync(old.Listed, 25, stop), stop.Token));
        Assert.Equal(20, store.GetStatistics().AdoptedChunks);
        await store.AbandonAsync();
        await using PackChunkStore again = await StoreFolder.OpenAsync(options);
        AdoptionResult rest = await old.AdoptAsync(again);
        Assert.Equal((30, 10, 1), (rest.Objects, rest.NewChunks, rest.Packs));
        Assert.Equal(0, (await old.AdoptAsync(again)).NewChunks);
        await old.AssertReadableAsync(again);
    }

    [Fact]
    public async Task Killed_at_any_point_an_adoption_goes_on()
    {
        using OldStore old = OldStore.Of(Enumerable.Range(0, 12).Select(static i => StoreExtensions.Random(i, 50)));
        for (int strike = 1; strike <= 12; strike++)
        {
            using StoreFolder folder = new();
            int count = 0;
            PackStoreOptions options = folder.Options with
            {
                AdoptedFrom = [old.Source],
                AdoptedPackChunks = 3,
                FaultPoint = _ =>
                {
                    if (++count == strike)
                    {
                        throw new OperatorException("killed", "process", "killed here", "start again");
                    }
                },
            };
            PackChunkStore store = await StoreFolder.OpenAsync(options);
            Assert.Equal("killed", (await Assert.ThrowsAsync<OperatorException>(() => old.AdoptAsync(store))).Id);
            await store.AbandonAsync();
            await using PackChunkStore again = await StoreFolder.OpenAsync(options);
            await old.AdoptAsync(again);
            await old.AssertReadableAsync(again);
            Assert.Equal(12, again.GetStatistics().AdoptedChunks);
        }
    }

    [Fact]
    public async Task A_file_of_adopted_chunks_keeps_its_hash_and_reads_in_ranges()
    {
        using OldStore old = OldStore.Unpack("pachyderm-1.4.8-objstore");
        await using PackChunkStore store = await OpenAsync(old);
        await old.AdoptAsync(store);
        AdoptedObject large = old.Listed.MaxBy(static item => item.Length);
        Assert.Equal(26_000_000, large.Length);
        ChunkId hash = ChunkId.Of(System.Text.Encoding.ASCII.GetBytes(large.Hash));
        using IChunkWriter writer = store.OpenWriter();
        FileContent file = await FileContents.FromChunksAsync(AdoptedChunks.Of(large.Hash, large.Length), hash, writer, Token);
        Assert.Equal((26_000_000, hash), (file.Size, file.Hash));
        byte[] expected = old.BytesOf(large);
        FileContents contents = new(store);
        foreach ((int offset, int count) in new[] { (0, 10), (AdoptedChunks.SliceLength - 5, 10), (25_999_990, 10), (1_000, 9_000_000) })
        {
            List<byte> read = [];
            await foreach (ChunkBuffer piece in contents.ReadAsync(file, offset, count, Token))
            {
                read.AddRange(piece.Memory.Span);
                piece.Dispose();
            }

            Assert.Equal(expected[offset..(offset + count)], read.ToArray());
        }
    }

    [Fact]
    public async Task A_source_that_is_not_there_is_told_with_its_place_and_is_no_damage()
    {
        using OldStore old = OldStore.Of(StoreExtensions.Random(1, 100), StoreExtensions.Random(2, 17 << 20));
        await using (PackChunkStore store = await OpenAsync(old))
        {
            await old.AdoptAsync(store);
            string elsewhere = old.Root + "-elsewhere";
            Directory.Move(old.Root, elsewhere);
            foreach (bool emptied in new[] { false, true })
            {
                if (emptied)
                {
                    Directory.CreateDirectory(old.Root);
                }

                foreach (ChunkReference chunk in old.Chunks)
                {
                    OperatorException exception = await Assert.ThrowsAsync<OperatorException>(() => store.ReadBytesAsync(chunk.Id));
                    Assert.Equal("adopted-source-missing", exception.Id);
                    Assert.Contains("'old'", exception.Thing, StringComparison.Ordinal);
                    Assert.Contains(old.Root, exception.Thing, StringComparison.Ordinal);
                }
            }

            Directory.Delete(old.Root);
            Directory.Move(elsewhere, old.Root);
            await old.AssertReadableAsync(store);
        }

        await using PackChunkStore without = await _folder.OpenAsync();
        OperatorException unknown = await Assert.ThrowsAsync<OperatorException>(() => without.ReadBytesAsync(old.Chunks[0].Id));
        Assert.Equal("adopted-source-unknown", unknown.Id);
        Assert.Contains("'old'", unknown.Thing, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_object_that_was_lost_changed_or_cut_is_named_and_the_others_are_read()
    {
        using OldStore old = OldStore.Of(Enumerable.Range(0, 4).Select(static i => StoreExtensions.Random(i, 1000)));
        await using PackChunkStore store = await OpenAsync(old);
        await old.AdoptAsync(store);
        File.Delete(old.PathOf(old.Listed[0]));
        Overwrite(old.PathOf(old.Listed[1]), 500);
        using (FileStream file = File.OpenWrite(old.PathOf(old.Listed[2])))
        {
            file.SetLength(999);
        }

        foreach ((int i, string id) in new[] { (0, "adopted-block-missing"), (1, "adopted-object-damaged"), (2, "adopted-block-short") })
        {
            ChunkReference chunk = AdoptedChunks.Of(old.Listed[i].Hash, old.Listed[i].Length).Single();
            CorruptionException exception = await Assert.ThrowsAsync<CorruptionException>(() => store.ReadBytesAsync(chunk.Id));
            Assert.Equal(id, exception.Id);
            Assert.Contains(old.Listed[i].Key, exception.Thing, StringComparison.Ordinal);
            Assert.Contains(old.Root, exception.Thing, StringComparison.Ordinal);
        }

        Assert.Equal(StoreExtensions.Random(3, 1000), await store.ReadBytesAsync(old.Chunks[3].Id));
    }

    [Theory]
    [InlineData(3, false)]
    [InlineData(AdoptedChunks.SliceLength * 3L, false)]
    [InlineData(3, true)]
    public async Task A_change_anywhere_in_a_long_object_fails_its_reads(long place, bool digestsAreKnown)
    {
        using OldStore old = OldStore.Of(StoreExtensions.Random(1, 17 << 20));
        await using PackChunkStore store = await OpenAsync(old);
        await old.AdoptAsync(store);
        ChunkReference first = old.Chunks[0];
        if (digestsAreKnown)
        {
            Assert.Equal(old.BytesOf(old.Listed[0])[..AdoptedChunks.SliceLength], await store.ReadBytesAsync(first.Id));
        }

        Overwrite(old.PathOf(old.Listed[0]), place);
        CorruptionException exception = await Assert.ThrowsAsync<CorruptionException>(() => store.ReadBytesAsync(first.Id));
        Assert.Equal("adopted-object-damaged", exception.Id);
    }

    [Fact]
    public async Task The_first_read_of_a_long_object_reads_it_whole_and_later_ones_a_slice_even_after_a_restart()
    {
        using OldStore old = OldStore.Of(StoreExtensions.Random(1, 40 << 20));
        await using (PackChunkStore store = await OpenAsync(old))
        {
            await old.AdoptAsync(store);
            await store.ReadBytesAsync(old.Chunks[4].Id);
            Assert.Equal(2, OpenedReads(old));
            await store.ReadBytesAsync(old.Chunks[5].Id);
            Assert.Equal(3, OpenedReads(old));
        }

        await using PackChunkStore again = await OpenAsync(old);
        await again.ReadBytesAsync(old.Chunks[9].Id);
        Assert.Equal(4, OpenedReads(old));
    }

    [Theory]
    [InlineData("short", "object/x", 0, 5)]
    [InlineData(null, "../x", 0, 5)]
    [InlineData(null, "object/x", -1, 5)]
    [InlineData(null, "object/x", 0, -5)]
    [InlineData(null, "object/x", long.MaxValue, 5)]
    [InlineData(null, "object/x", 0, AdoptedChunks.MaximumObjectLength + 1)]
    public async Task An_object_that_cannot_be_one_is_refused(string? hash, string key, long offset, long length)
    {
        using OldStore old = OldStore.Of(StoreExtensions.Random(1, 10));
        await using PackChunkStore store = await OpenAsync(old);
        AdoptedObject item = new(hash ?? old.Listed[0].Hash, key, offset, length);
        OperatorException exception = await Assert.ThrowsAsync<OperatorException>(() =>
            store.AdoptAsync("old", new[] { item }.ToAsyncEnumerable(), Token));
        Assert.Equal("adopted-object-refused", exception.Id);
    }

    [Fact]
    public async Task Nothing_is_adopted_from_a_source_that_is_unknown_or_released()
    {
        using OldStore old = OldStore.Of(StoreExtensions.Random(1, 10));
        await using (PackChunkStore without = await _folder.OpenAsync())
        {
            Assert.Equal("adopted-source-unknown", (await Assert.ThrowsAsync<OperatorException>(() => old.AdoptAsync(without))).Id);
        }

        await using PackChunkStore released = await StoreFolder.OpenAsync(
            _folder.Options with { AdoptedFrom = [old.Source with { Released = true }] });
        Assert.Equal("adopted-source-released", (await Assert.ThrowsAsync<OperatorException>(() => old.AdoptAsync(released))).Id);
    }

    [Fact]
    public async Task A_source_that_fails_for_a_moment_fails_one_read()
    {
        using OldStore old = OldStore.Of(StoreExtensions.Random(1, 10_000), StoreExtensions.Random(2, 17 << 20));
        await using PackChunkStore store = await OpenAsync(old);
        await old.AdoptAsync(store);
        foreach (FaultMoment moment in new[] { FaultMoment.Before, FaultMoment.During })
        {
            int strikes = 0;
            old.Fault = call => call.Operation == ObjectStoreOperation.OpenRead && strikes++ == 0
                ? new ObjectStoreFault(moment, new OperatorException("network-down", "network", "it is down", "wait")) : null;
            foreach (ChunkReference chunk in old.Chunks.Take(2))
            {
                strikes = 0;
                Assert.Equal("network-down", (await Assert.ThrowsAsync<OperatorException>(() => store.ReadBytesAsync(chunk.Id))).Id);
                Assert.Equal(chunk.Length, (await store.ReadBytesAsync(chunk.Id)).Length);
            }
        }
    }

    private static async IAsyncEnumerable<AdoptedObject> StopAfterAsync(
        List<AdoptedObject> objects, int count, CancellationTokenSource stop)
    {
        for (int i = 0; i < objects.Count; i++)
        {
            if (i == count)
            {
                await stop.CancelAsync();
            }

            stop.Token.ThrowIfCancellationRequested();
            yield return objects[i];
        }
    }

    private static int OpenedReads(OldStore old) => old.Objects.Calls.Count(static call => call.Operation == ObjectStoreOperation.OpenRead);

    private static void Overwrite(string path, long place)
    {
        using FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = place;
        int value = file.ReadByte();
        file.Position = place;
        file.WriteByte((byte)~value);
    }

    private PackStoreOptions Options(OldStore old) => _folder.Options with { AdoptedFrom = [old.Source] };

    private Task<PackChunkStore> OpenAsync(OldStore old) => StoreFolder.OpenAsync(Options(old));
}
