using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Pachyderm.Chunking;
using Pachyderm.Errors;
using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Tests.Content;

public sealed class FileContentsTests : IDisposable
{
    private readonly DictionaryChunkStore store = new();
    private readonly FileContents contents;

    public FileContentsTests() => contents = new FileContents(store);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => store.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(128 << 10)]
    [InlineData((128 << 10) + 1)]
    [InlineData(9_000_001)]
    public async Task What_is_written_is_read_back(int length)
    {
        byte[] bytes = RandomBytes(length, seed: length);
        FileContent fromMemory = await FileContents.WriteAsync(bytes, store, Cancel);
        FileContent fromStream = await FileContents.WriteAsync(new MemoryStream(bytes), store, Cancel);

        Assert.Equal(bytes, await ReadAsync(fromMemory, 0, null));
        Assert.Equal(length, fromMemory.Size);
        Assert.Equal(Describe(fromMemory), Describe(fromStream));
    }

    [Fact]
    public async Task A_small_file_has_the_hash_that_1_5_gives_it()
    {
        FileContent file = await FileContents.WriteAsync("foo\n"u8.ToArray(), store, Cancel);
        FileContent empty = await FileContents.WriteAsync(ReadOnlyMemory<byte>.Empty, store, Cancel);

        Assert.Equal("19fdf57bdf9eb5a9602bfa9c0e6dd7ed3835f8fd431d915003ea82747707be66", file.Hash.ToString());
        Assert.Equal(SHA256.HashData(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA512.HashData([])))), empty.Hash.ToArray());
    }

    [Theory]
    [InlineData(200 << 10)]
    [InlineData(2 << 20)]
    public async Task A_file_of_one_chunk_has_the_hash_of_its_bytes_however_it_came(int length)
    {
        byte[] bytes = new byte[length];
        FileContent whole = await FileContents.WriteAsync(bytes, store, Cancel);
        FileContent first = await FileContents.WriteAsync(bytes.AsMemory(0, length / 3), store, Cancel);
        FileContent second = await FileContents.WriteAsync(bytes.AsMemory(length / 3), store, Cancel);

        Assert.Equal(SHA256.HashData(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA512.HashData(bytes)))), whole.Hash.ToArray());
        Assert.Equal(Describe(whole), Describe(await contents.ConcatAsync([first, second], store, Cancel)));
    }

    // Equal data must be cut alike by every later release, or it is stored twice.
    [Fact]
    public async Task The_cuts_are_those_of_format_1()
    {
        FileContent content = await FileContents.WriteAsync(RandomBytes(8 << 20, seed: 1), store, Cancel);

        Assert.Equal($"{GoldenCuts} {GoldenHash}", string.Join(' ', content.Chunks.Select(chunk => chunk.Length)) + $" {content.Hash}");
    }

    [Fact]
    public async Task Chunks_keep_to_their_limits()
    {
        FileContent random = await FileContents.WriteAsync(RandomBytes(64 << 20, seed: 2), store, Cancel);
        FileContent zeros = await FileContents.WriteAsync(new byte[16 << 20], store, Cancel);

        long[] lengths = await LengthsAsync(random);
        Assert.All(lengths[..^1], length => Assert.InRange(length, Chunker.Minimum, Chunker.Maximum));
        Assert.InRange(lengths.Average(), Chunker.Average * 0.7, Chunker.Average * 1.4);
        Assert.All(await LengthsAsync(zeros), length => Assert.Equal(Chunker.Maximum, length));
        Assert.InRange(store.StoredBytes, 66L << 20, (66L << 20) + 40_000);
    }

    [Fact]
    public async Task An_insertion_stores_little_more_than_itself()
    {
        byte[] bytes = RandomBytes(32 << 20, seed: 3);
        await FileContents.WriteAsync(bytes, store, Cancel);
        long before = store.StoredBytes;

        byte[] edited = [.. bytes[..12_345_678], .. "inserted"u8, .. bytes[12_345_678..]];
        FileContent content = await FileContents.WriteAsync(edited, store, Cancel);

        Assert.Equal(edited, await ReadAsync(content, 0, null));
        Assert.InRange(store.StoredBytes - before, 1, 3 * Chunker.Maximum);
    }

    [Fact]
    public async Task Parts_put_together_are_the_file_written_at_once()
    {
        byte[] bytes = RandomBytes(6 << 20, seed: 4);
        await Gen.Int[0, bytes.Length].Array[0, 12].SampleAsync(
            async cuts =>
            {
                Array.Sort(cuts);
                List<FileContent> parts = [];
                int from = 0;
                foreach (int to in cuts.Append(bytes.Length))
                {
                    parts.Add(await FileContents.WriteAsync(bytes.AsMemory(from..to), store, Cancel));
                    from = to;
                }
                FileContent whole = await FileContents.WriteAsync(bytes, store, Cancel);
                FileContent joined = await contents.ConcatAsync(parts, store, Cancel);
                Assert.Equal(Describe(whole), Describe(joined));
            },
            iter: 60, threads: 1);
    }

    [Fact]
    public async Task Putting_together_reads_only_around_the_seams()
    {
        FileContent large = await FileContents.WriteAsync(RandomBytes(24 << 20, seed: 5), store, Cancel);
        FileContent small = await FileContents.WriteAsync("tail"u8.ToArray(), store, Cancel);
        int nodes = large.Depth == 0 ? 0 : large.Chunks.Length;
        long before = store.Reads;

        await contents.ConcatAsync([large, small], store, Cancel);

        Assert.InRange(store.Reads - before, 1, 2 + nodes);
    }

    [Fact]
    public async Task Any_range_is_read()
    {
        byte[] bytes = RandomBytes(20 << 20, seed: 6);
        FileContent content = await FileContents.WriteAsync(bytes, store, Cancel);
        Assert.True(content.Depth > 0);
        await Gen.Select(Gen.Int[0, bytes.Length + 10], Gen.Int[0, 3 << 20]).SampleAsync(
            async (offset, count) =>
            {
                byte[] expected = offset >= bytes.Length ? [] : bytes[offset..Math.Min(bytes.Length, offset + count)];
                Assert.Equal(expected, await ReadAsync(content, offset, count));
            },
            iter: 200, threads: 1);
    }

    [Fact]
    public async Task Reading_the_end_of_a_file_reads_one_chunk_and_the_nodes_above()
    {
        FileContent content = await FileContents.WriteAsync(RandomBytes(40 << 20, seed: 7), store, Cancel);
        long before = store.Reads;

        await ReadAsync(content, content.Size - 1, null);

        Assert.Equal(1 + content.Depth, store.Reads - before);
    }

    [Fact]
    public async Task Everything_a_file_needs_is_visited_once_and_known_nodes_are_not_entered()
    {
        FileContent content = await FileContents.WriteAsync(RandomBytes(30 << 20, seed: 8), store, Cancel);
        HashSet<ChunkId> seen = [];
        await contents.VisitAsync(content, reference => seen.Add(reference.Id), Cancel);
        int chunks = (await LengthsAsync(content)).Length;
        Assert.Equal(chunks + content.Chunks.Length, seen.Count);

        int asked = 0;
        await contents.VisitAsync(content, reference => { asked++; return seen.Add(reference.Id); }, Cancel);
        Assert.Equal(content.Chunks.Length, asked);
    }

    [Fact]
    public async Task A_long_list_has_levels_that_do_not_depend_on_how_it_came_about()
    {
        ChunkReference[] chunks =
            [.. Enumerable.Range(0, 100_000).Select(index => new ChunkReference(new ChunkId(SHA256.HashData(BitConverter.GetBytes(index))), 1 + index % 1000))];
        ChunkListBuilder builder = new(store);
        foreach (ChunkReference chunk in chunks)
        {
            await builder.AddAsync(chunk, Cancel);
        }
        FileContent content = await builder.CompleteAsync(default, Cancel);

        Assert.Equal(2, content.Depth);
        Assert.Equal(chunks.Sum(chunk => chunk.Length), content.Size);
        Assert.Equal(chunks, await contents.ListChunksAsync(content, Cancel).ToArrayAsync(Cancel));
    }

    [Fact]
    public void A_damaged_list_is_named_and_never_anything_else_happens()
    {
        ChunkReference[] entries = [.. Enumerable.Range(1, 20).Select(index => new ChunkReference(ChunkId.Of([(byte)index]), index))];
        byte[] node = ChunkList.Encode(entries);
        ChunkReference reference = new(ChunkId.Of(node), entries.Sum(entry => entry.Length));
        Assert.Equal(entries, ChunkList.Decode(node, reference));

        Gen.Select(Gen.Int[0, node.Length - 1], Gen.Byte[1, 255], Gen.Int[0, node.Length]).Sample((position, flip, length) =>
        {
            byte[] damaged = [.. node];
            damaged[position] ^= flip;
            Decode(damaged);
            Decode(node[..length]);
        });

        void Decode(byte[] bytes)
        {
            try
            {
                ChunkList.Decode(bytes, reference);
            }
            catch (CorruptionException error)
            {
                Assert.Contains(reference.Id.ToString(), error.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task A_chunk_of_another_length_is_corruption()
    {
        FileContent content = await FileContents.WriteAsync("twelve bytes"u8.ToArray(), store, Cancel);
        store.Replace(content.Chunks[0].Id, [1, 2, 3]);

        await Assert.ThrowsAsync<CorruptionException>(() => ReadAsync(content, 0, null));
    }

    internal static byte[] RandomBytes(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static string Describe(FileContent content) => $"{content.Size} {content.Hash} {content.Depth} {string.Join(' ', content.Chunks)}";

    private async Task<long[]> LengthsAsync(FileContent content) =>
        await contents.ListChunksAsync(content, Cancel).Select(chunk => chunk.Length).ToArrayAsync(Cancel);

    private async Task<byte[]> ReadAsync(FileContent content, long offset, long? count)
    {
        using MemoryStream read = new();
        await foreach (ChunkBuffer piece in contents.ReadAsync(content, offset, count, Cancel))
        {
            using (piece)
            {
                read.Write(piece.Memory.Span);
            }
        }
        return read.ToArray();
    }

    private const string GoldenCuts = "580782 877012 552705 199188 179492 551461 207220 771633 715533 728852 585771 860126 860979 717854";
    private const string GoldenHash = "5fa63e9013d55917dd5c02bb5f264e8b4e3274030f69c78d1ff0e5e465ba37bd";
}
