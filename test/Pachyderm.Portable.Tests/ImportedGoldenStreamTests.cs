using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using Pachyderm.Pfs;
using Pachyderm.Storage.Content;
using Pachyderm.Tests;
using Pachyderm.TestSupport;

namespace Pachyderm.Portable.Tests;

/// <summary>
/// A stream of format 1 that pachctl extracted from the imported genuine cluster <c>pachyderm-1.5.3-small</c>: objects, tags, pipelines and
/// jobs of a release before, and content that lay in its store. It must be readable for ever, and without that store.
/// </summary>
public class ImportedGoldenStreamTests
{
    private const string Cluster = "pachyderm-1.5.3-small";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_file_of_every_commit_is_what_the_old_cluster_said_without_its_store()
    {
        await using StoreHarness store = await RestoreAsync();
        using JsonDocument expected = FixtureContent.Expected(Cluster);
        int files = 0;
        foreach ((string repo, string id, _, JsonElement entries) in FixtureContent.Commits(expected))
        {
            foreach (JsonElement file in entries.EnumerateArray().Where(static file => file.GetProperty("type").GetString() == "FILE"))
            {
                byte[] content = await store.ReadBytesAsync(repo, id, file.GetProperty("path").GetString()!);
                Assert.Equal(file.GetProperty("sha256").GetString(), Convert.ToHexStringLower(SHA256.HashData(content)));
                files++;
            }
        }

        Assert.True(files > 100, $"{files} files were compared");
    }

    [Fact]
    public async Task Objects_and_tags_are_there_and_every_object_has_the_content_of_its_name()
    {
        await using StoreHarness store = await RestoreAsync();
        int objects = 0;
        await foreach (string hash in store.Files.Objects.ListAsync(Token))
        {
            using IncrementalHash digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
            await foreach (ChunkBuffer piece in store.Files.Objects.ReadAsync([hash], 0, null, Token))
            {
                using (piece)
                {
                    digest.AppendData(piece.Memory.Span);
                }
            }

            Assert.Equal(hash, Convert.ToHexStringLower(digest.GetHashAndReset()));
            objects++;
        }

        ObjectTag[] tags = await store.Files.Objects.ListTagsAsync("", Token).ToArrayAsync(Token);
        Assert.Equal((177, 48), (objects, tags.Length));
        Assert.All(tags, static tag => Assert.Equal(128, tag.ObjectHash.Length));
        Assert.All(
            await Task.WhenAll(tags.Select(tag => store.Files.Objects.ExistsAsync(tag.ObjectHash, Token))),
            static exists => Assert.True(exists));
    }

    [Fact]
    public async Task What_was_restored_is_extracted_as_the_same_frames_by_this_release()
    {
        byte[] golden = await UnpackAsync();
        List<string> frames = await StoreHarness.ReadFramesAsync(golden);
        Assert.Contains(frames, static frame => frame.StartsWith(nameof(FrameKind.NamedChunk), StringComparison.Ordinal));
        await using StoreHarness store = await RestoreAsync();

        Assert.Equal(frames, await StoreHarness.ReadFramesAsync(await store.ExtractAsync()));
    }

    private static async Task<StoreHarness> RestoreAsync()
    {
        StoreHarness store = await StoreHarness.OpenAsync();
        RestoreSummary summary = await store.RestoreAsync(await UnpackAsync());
        Assert.Equal((0, 19), (summary.Present, summary.Pipelines.Count));
        return store;
    }

    private static async Task<byte[]> UnpackAsync()
    {
        string path = Path.Combine(RepositoryPaths.Root, "test", "Pachyderm.Portable.Tests", "Golden", "format-1-imported.pachyderm.gz");
        await using FileStream packed = File.OpenRead(path);
        await using GZipStream unpacked = new(packed, CompressionMode.Decompress);
        using MemoryStream stream = new();
        await unpacked.CopyToAsync(stream, Token);
        return stream.ToArray();
    }
}
