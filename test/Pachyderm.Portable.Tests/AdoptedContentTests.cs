using System.Security.Cryptography;
using Pachyderm.Metadata;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Portable.Tests;

/// <summary>Content that lies in the store of an older release goes into the stream, and needs that store no more.</summary>
public class AdoptedContentTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1_000, false)]
    [InlineData(1_000, true)]
    [InlineData(20_000_000, false)]
    [InlineData(20_000_000, true)]
    public async Task Adopted_objects_are_carried_under_their_names(int length, bool isConsolidated)
    {
        byte[] content = new byte[length];
        new Random(length).NextBytes(content);
        byte[] stream;
        string tree;
        await using (StoreHarness old = await StoreHarness.OpenAsync(isAdopting: true))
        {
            string hash = Convert.ToHexStringLower(SHA512.HashData(content));
            await old.Older!.PutAsync("object/" + hash, new MemoryStream(content), overwrite: false, Token);
            await old.Chunks.AdoptAsync("old", new[] { new AdoptedObject(hash, "object/" + hash, 0, length) }.ToAsyncEnumerable(), Token);
            if (isConsolidated)
            {
                await old.Chunks.ConsolidateAsync("old", null, Token);
            }

            tree = await CommitAsync(old, AdoptedChunks.Of(hash, length));
            stream = await old.ExtractAsync();
        }

        await using StoreHarness store = await StoreHarness.OpenAsync();
        await store.RestoreAsync(stream);

        Assert.Equal(content, await store.ReadBytesAsync("old", "master", "/file"));
        Assert.Equal(tree, await store.Metadata.ReadAsync(
            static reader => Convert.ToHexString(Assert.Single(reader.ListCommits("old", null, 10)).Tree!.Value.Span), Token));
        Assert.Equal(await StoreHarness.ReadFramesAsync(stream), await StoreHarness.ReadFramesAsync(await store.ExtractAsync()));
    }

    private static async Task<string> CommitAsync(StoreHarness store, IEnumerable<ChunkReference> chunks)
    {
        using IChunkWriter writer = store.Chunks.OpenWriter();
        FileContent file = await FileContents.FromChunksAsync(chunks, ChunkId.Of("hash"u8), writer, Token);
        TreeBuilder builder = new(writer);
        await builder.AddFileAsync(TreePath.Clean("/file")!.Value, file, Token);
        byte[] tree = DirectoryReferenceCodec.Encode(await builder.FinishAsync(Token));
        await writer.FlushAsync(Token);
        const string Id = "759b5f59d2a94d7d8047edb8f3fb6bd2";
        DateTimeOffset time = DateTimeOffset.UnixEpoch;
        await store.Metadata.WriteAsync(
            transaction =>
            {
                transaction.PutRepo(new RepoRecord("old", time, "", file.Size, []));
                transaction.PutCommit(new CommitRecord(new CommitKey("old", Id), null, time, time, file.Size, (ReadOnlyMemory<byte>?)tree, []));
                transaction.PutBranch(new BranchRecord("old", "master", Id));
                return 0;
            },
            Token);
        return Convert.ToHexString(tree);
    }
}
