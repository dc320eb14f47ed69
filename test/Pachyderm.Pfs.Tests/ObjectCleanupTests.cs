using System.Security.Cryptography;
using System.Text;
using Pachyderm.Metadata;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;
using static Pachyderm.Pfs.Tests.TestFileSystem;

namespace Pachyderm.Pfs.Tests;

public sealed class ObjectCleanupTests : IAsyncLifetime
{
    private readonly Clock clock = new();
    private TestFileSystem pfs = null!;

    private Objects Objects => pfs.Files.Objects;

    public async ValueTask InitializeAsync() => pfs = await OpenAsync(clock);

    public ValueTask DisposeAsync() => pfs.DisposeAsync();

    [Fact]
    public async Task An_object_without_a_tag_goes_a_day_after_it_was_put()
    {
        ObjectInfo loose = await PutAsync("loose");
        ObjectInfo tagged = await PutAsync("tagged", "t");
        clock.Now += TimeSpan.FromHours(23);
        Assert.Equal(0, await CollectAsync());

        clock.Now += TimeSpan.FromHours(1);
        Assert.Equal(1, await CollectAsync());

        Assert.False(await Objects.ExistsAsync(loose.Hash, Token));
        Assert.Equal("tagged", await TextAsync(Objects.ReadAsync([tagged.Hash], 0, null, Token)));
        Assert.Equal([tagged.Hash], await Objects.ListAsync(Token).ToListAsync(Token));
        Assert.Equal(0, await CollectAsync());
    }

    [Fact]
    public async Task An_object_that_is_used_again_or_loses_its_tag_stays_for_another_day()
    {
        ObjectInfo[] objects = [await PutAsync("again"), await PutAsync("untagged", "t"), await PutAsync("renamed", "u")];
        clock.Now += TimeSpan.FromDays(30);
        await PutAsync("again");
        await Objects.DeleteTagsAsync(["t"], Token);
        ObjectInfo other = await PutAsync("other", "u");

        Assert.Equal(0, await CollectAsync());
        clock.Now += TimeSpan.FromDays(1);
        Assert.Equal(3, await CollectAsync());

        Assert.Equal([other.Hash], await Objects.ListAsync(Token).ToListAsync(Token));
        Assert.All(objects, gone => Assert.NotEqual(other.Hash, gone.Hash));
    }

    [Fact]
    public async Task Thousands_of_objects_are_gone_through()
    {
        List<FileContent> files = [];
        for (int number = 0; number < 2_500; number++)
        {
            files.Add(await StoreAsync($"content {number}"));
        }
        await pfs.Metadata.WriteAsync(
            writer =>
            {
                for (int number = 0; number < 2_500; number++)
                {
                    string hash = Convert.ToHexStringLower(SHA512.HashData(BitConverter.GetBytes(number)));
                    writer.PutObject(new ObjectRecord(hash, files[number].Size, FileContentCodec.Encode(files[number]), DateTimeOffset.UnixEpoch));
                    if (number % 5 == 0)
                    {
                        writer.PutTag(new TagRecord($"tag {number}", hash));
                    }
                }

                return true;
            },
            Token);

        Assert.Equal(2_000, await CollectAsync());
        Assert.Equal(500, await Objects.ListAsync(Token).CountAsync(Token));
    }

    [Fact]
    public async Task A_commit_that_is_made_of_objects_keeps_their_content()
    {
        await pfs.CreateRepoAsync("r");
        ObjectInfo stored = await PutAsync("content");
        clock.Now += TimeSpan.FromDays(2);
        CommitName commit = await pfs.Files.TreeBuilder.BuildAsync(
            new CommitOrigin(new RepoName("r"), null, new BranchName("master"), []), [new ObjectFile("/f", [stored.Hash])], Token);

        Assert.Equal(0, await CollectAsync());
        clock.Now += TimeSpan.FromDays(1);
        // As in 1.5, an object whose content is needed keeps its name.
        Assert.Equal(0, await CollectAsync());

        Assert.Equal("content", await pfs.ReadAsync(commit, "/f"));
    }

    [Fact]
    public async Task The_content_of_a_removed_object_goes_too()
    {
        byte[] content = new byte[3_000_000];
        new Random(1).NextBytes(content);
        await Objects.PutAsync(Pieces(content, 1 << 20), static () => [], Token);
        clock.Now += TimeSpan.FromDays(1);

        CollectionSummary summary = await pfs.Maintenance.CollectGarbageAsync(progress: null, Token);

        Assert.Equal((1, 0), (summary.Objects, summary.Content.Live));
        Assert.InRange(summary.Content.BytesFreed, content.Length, long.MaxValue);
    }

    private async Task<long> CollectAsync() => (await pfs.Maintenance.CollectGarbageAsync(progress: null, Token)).Objects;

    private async Task<FileContent> StoreAsync(string content)
    {
        using IChunkWriter writer = pfs.Chunks.OpenWriter();
        FileContent file = await FileContents.WriteAsync(Encoding.UTF8.GetBytes(content), writer, Token);
        await writer.FlushAsync(Token);
        return file;
    }

    private Task<ObjectInfo> PutAsync(string content, params string[] tags) =>
        Objects.PutAsync(Pieces(Encoding.UTF8.GetBytes(content)), () => tags, Token);

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2017, 8, 17, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
