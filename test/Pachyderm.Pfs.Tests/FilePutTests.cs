using System.Security.Cryptography;
using CsCheck;
using Pachyderm.Chunking;
using Pachyderm.Storage.Content;
using static Pachyderm.Pfs.Tests.TestFileSystem;

namespace Pachyderm.Pfs.Tests;

public sealed class FilePutTests : IAsyncLifetime
{
    private TestFileSystem pfs = null!;

    public async ValueTask InitializeAsync()
    {
        pfs = await OpenAsync();
        await pfs.CreateRepoAsync("data");
    }

    public ValueTask DisposeAsync() => pfs.DisposeAsync();

    [Fact]
    public async Task However_much_is_known_and_asked_for_the_file_is_the_one_that_plain_puts_make() => await Gen.Select(
        Gen.Int[0, 6_000_000], Gen.Int[0, 6_000_000], Gen.Int[1, 40], Gen.Int[0, int.MaxValue], Gen.Int[0, 100_000]).SampleAsync(
        async (length, edit, asks, seed, skew) =>
        {
            byte[] old = new byte[length];
            new Random(seed).NextBytes(old);
            byte[] bytes = [.. old.AsSpan(0, Math.Min(edit, length)), 7, 7, 7, .. old.AsSpan(Math.Min(edit, length))];
            CommitName commit = await pfs.StartAsync("data");
            await PutPlainAsync(commit, "/old", old);
            await PutPlainAsync(commit, "/plain", bytes);

            await using (FilePut put = await pfs.Files.Writer.OpenAsync(new CommitReference(commit), "/asked", overwrite: true, Token))
            {
                // Some bytes before the first question put it out of step with where the file is cut.
                int begun = Math.Min(skew, bytes.Length);
                await put.AppendAsync(bytes.AsMemory(0, begun), Token);
                await AskAndSendAsync(put, bytes.AsMemory(begun), asks);
                await put.CompleteAsync(Token);
            }

            using CommitView view = await pfs.Files.Reader.OpenAsync(new CommitReference(commit), Token);
            CommitFile plain = await view.FindFileAsync("/plain", Token);
            CommitFile asked = await view.FindFileAsync("/asked", Token);
            Assert.Equal(plain.Entry.File!.Size, asked.Entry.File!.Size);
            Assert.Equal(plain.Entry.File.Hash, asked.Entry.File.Hash);
            Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(await BytesAsync(view, asked)));
        },
        iter: 12, threads: 1);

    [Fact]
    public async Task What_is_known_need_not_be_sent()
    {
        byte[] bytes = new byte[10_000_000];
        new Random(1).NextBytes(bytes);
        CommitName commit = await pfs.CommitAsync("data", "master");
        commit = await pfs.StartAsync("data", "master");
        await PutPlainAsync(commit, "/old", bytes);

        await using FilePut put = await pfs.Files.Writer.OpenAsync(new CommitReference(commit), "/new", overwrite: false, Token);
        int sent = await AskAndSendAsync(put, bytes, asks: 100);
        await put.CompleteAsync(Token);

        Assert.Equal(0, sent);
        using CommitView view = await pfs.Files.Reader.OpenAsync(new CommitReference(commit), Token);
        Assert.Equal(bytes, await BytesAsync(view, await view.FindFileAsync("/new", Token)));
    }

    [Fact]
    public async Task A_chunk_of_another_length_is_not_the_one_that_is_stored()
    {
        CommitName commit = await pfs.StartAsync("data");
        await PutPlainAsync(commit, "/old", [1, 2, 3]);
        await using FilePut put = await pfs.Files.Writer.OpenAsync(new CommitReference(commit), "/new", overwrite: false, Token);
        ChunkId id = ChunkId.Of([1, 2, 3]);
        Assert.Equal([true, false], await put.AskAsync([new ChunkReference(id, 3), new ChunkReference(id, 4)], Token));
    }

    [Fact]
    public async Task A_file_that_ends_before_its_chunks_have_come_is_refused_and_not_recorded()
    {
        CommitName commit = await pfs.StartAsync("data");
        await using (FilePut put = await pfs.Files.Writer.OpenAsync(new CommitReference(commit), "/f", overwrite: false, Token))
        {
            await put.AskAsync([new ChunkReference(ChunkId.Of([9]), 5)], Token);
            await put.AppendAsync(new byte[4], Token);
            PfsException refusal = await Assert.ThrowsAsync<PfsException>(() => put.CompleteAsync(Token));
            Assert.Equal((PfsErrorKind.InvalidArgument, "\"/f\" ends before all of the chunks have come that were asked for"), (refusal.Kind, refusal.Message));
        }
        Assert.Empty(await pfs.ListAsync(commit));
    }

    [Fact]
    public async Task Questions_that_cannot_be_meant_are_refused()
    {
        CommitName commit = await pfs.StartAsync("data");
        await using FilePut put = await pfs.Files.Writer.OpenAsync(new CommitReference(commit), "/f", overwrite: false, Token);
        await Assert.ThrowsAsync<PfsException>(() => put.AskAsync([new ChunkReference(ChunkId.Of([9]), 0)], Token));
        await Assert.ThrowsAsync<PfsException>(() => put.AskAsync([new ChunkReference(ChunkId.Of([9]), IChunkStore.MaximumLength + 1)], Token));
        ChunkReference[] many = [.. Enumerable.Repeat(new ChunkReference(ChunkId.Of([9]), 1), FilePut.MaximumAsked + 1)];
        await Assert.ThrowsAsync<PfsException>(() => put.AskAsync(many, Token));
    }

    [Fact]
    public async Task What_was_found_is_kept_from_being_collected_until_the_file_is_recorded()
    {
        byte[] bytes = new byte[3_000_000];
        new Random(2).NextBytes(bytes);
        CommitName gone = await pfs.StartAsync("data");
        await PutPlainAsync(gone, "/old", bytes);
        CommitName commit = await pfs.StartAsync("data");
        await using (FilePut put = await pfs.Files.Writer.OpenAsync(new CommitReference(commit), "/new", overwrite: false, Token))
        {
            Assert.Equal(0, await AskAndSendAsync(put, bytes, asks: 100));
            await pfs.Files.Commits.DeleteAsync(new CommitReference(gone), Token);
            await pfs.Maintenance.CollectGarbageAsync(progress: null, Token);
            await put.CompleteAsync(Token);
        }
        await pfs.Maintenance.CollectGarbageAsync(progress: null, Token);
        using CommitView view = await pfs.Files.Reader.OpenAsync(new CommitReference(commit), Token);
        Assert.Equal(bytes, await BytesAsync(view, await view.FindFileAsync("/new", Token)));
    }

    private static async Task<int> AskAndSendAsync(FilePut put, ReadOnlyMemory<byte> bytes, int asks)
    {
        List<ReadOnlyMemory<byte>> chunks = [];
        int start = 0;
        Chunker chunker = default;
        for (int position = 0; position < bytes.Length;)
        {
            position += chunker.Take(bytes.Span[position..], out bool isEnd);
            if (isEnd || position == bytes.Length)
            {
                chunks.Add(bytes[start..position]);
                start = position;
            }
        }
        int sent = 0;
        foreach (ReadOnlyMemory<byte>[] group in chunks.Chunk(asks))
        {
            IReadOnlyList<bool> known = await put.AskAsync(
                [.. group.Select(chunk => new ChunkReference(ChunkId.Of(chunk.Span), chunk.Length))], Token);
            foreach ((ReadOnlyMemory<byte> chunk, bool isKnown) in group.Zip(known))
            {
                if (!isKnown)
                {
                    await put.AppendAsync(chunk, Token);
                    sent += chunk.Length;
                }
            }
        }
        return sent;
    }

    private Task PutPlainAsync(CommitName commit, string path, byte[] bytes) => pfs.Files.Writer.PutAsync(
        new CommitReference(commit), path, new[] { (ReadOnlyMemory<byte>)bytes }.ToAsyncEnumerable(), new PutOptions { Overwrite = true }, Token);

    private static async Task<byte[]> BytesAsync(CommitView view, CommitFile file)
    {
        using MemoryStream bytes = new();
        await foreach (ChunkBuffer piece in view.ReadAsync(file, 0, null, Token))
        {
            using (piece)
            {
                bytes.Write(piece.Memory.Span);
            }
        }
        return bytes.ToArray();
    }
}
