using System.Security.Cryptography;
using System.Text;
using static Pachyderm.Pfs.Tests.TestFileSystem;

namespace Pachyderm.Pfs.Tests;

public sealed class ObjectTests : IAsyncLifetime
{
    private TestFileSystem pfs = null!;

    public async ValueTask InitializeAsync() => pfs = await OpenAsync();

    public ValueTask DisposeAsync() => pfs.DisposeAsync();

    [Theory]
    [InlineData("")]
    [InlineData("some bytes")]
    public async Task An_object_is_named_by_the_sha512_of_its_bytes(string content)
    {
        ObjectInfo stored = await PutAsync(content);
        Assert.Equal(Convert.ToHexStringLower(SHA512.HashData(Encoding.UTF8.GetBytes(content))), stored.Hash);
        Assert.Equal(content.Length, stored.Size);
        Assert.Equal(stored, await PutAsync(content));
        Assert.Equal(stored, await pfs.Files.Objects.InspectAsync(stored.Hash, Token));
        Assert.Equal(content, await ReadAsync(0, null, stored.Hash));
        Assert.True(await pfs.Files.Objects.ExistsAsync(stored.Hash, Token));
    }

    [Theory]
    [InlineData(0, null, "onetwothree")]
    [InlineData(2, 3, "etw")]
    [InlineData(3, null, "twothree")]
    [InlineData(7, 100, "hree")]
    [InlineData(11, null, "")]
    [InlineData(0, 3, "one")]
    public async Task Several_objects_are_read_as_one_sequence(int offset, int? count, string expected)
    {
        string[] hashes = [(await PutAsync("one")).Hash, (await PutAsync("two")).Hash, (await PutAsync("three")).Hash];
        Assert.Equal(expected, await ReadAsync(offset, count, hashes));
    }

    [Fact]
    public async Task A_tag_names_the_last_object_that_it_was_given()
    {
        ObjectInfo first = await PutAsync("one", "t", "t2");
        ObjectInfo second = await PutAsync("two", "t");
        Assert.Equal(second, await pfs.Files.Objects.InspectTagAsync("t", Token));
        await pfs.Files.Objects.TagAsync(first.Hash, ["t", "x"], Token);
        Assert.Equal(first, await pfs.Files.Objects.InspectTagAsync("t", Token));
        Assert.Equal(["t", "t2"], await pfs.Files.Objects.ListTagsAsync("t", Token).Select(tag => tag.Tag).ToListAsync(Token));
        await pfs.Files.Objects.DeleteTagsAsync(["t", "never"], Token);
        await RefusedAsync(() => pfs.Files.Objects.InspectTagAsync("t", Token), PfsErrorKind.NotFound, "tagGetter: tag t not found");
        await RefusedAsync(() => pfs.Files.Objects.TagAsync("abc", ["t"], Token), PfsErrorKind.NotFound, "object abc does not exist");
    }

    [Fact]
    public async Task A_deleted_object_is_gone()
    {
        ObjectInfo stored = await PutAsync("one");
        Assert.Equal([stored.Hash], await pfs.Files.Objects.ListAsync(Token).ToListAsync(Token));
        await pfs.Files.Objects.DeleteAsync([stored.Hash, "never"], Token);
        Assert.False(await pfs.Files.Objects.ExistsAsync(stored.Hash, Token));
        await RefusedAsync(
            () => pfs.Files.Objects.InspectAsync(stored.Hash, Token), PfsErrorKind.NotFound, $"objectInfoGetter: object {stored.Hash} not found");
        await RefusedAsync(() => ReadAsync(0, null, stored.Hash), PfsErrorKind.NotFound, "not found");
    }

    [Fact]
    public async Task The_chunks_of_a_file_can_be_read_as_objects()
    {
        await pfs.CreateRepoAsync("data");
        string content = string.Concat(Enumerable.Range(0, 500_000).Select(number => $"{number} "));
        CommitName commit = await pfs.StartAsync("data", "master");
        await pfs.Files.Writer.PutAsync(new CommitReference(commit), "f", Pieces(Encoding.UTF8.GetBytes(content), 100_000), new PutOptions(), Token);
        using CommitView view = await pfs.Files.Reader.OpenAsync(new CommitReference(commit), Token);
        string[] chunks = await ChunkNamesAsync(view);
        Assert.True(chunks.Length > 1);
        Assert.Equal(content, await ReadAsync(0, null, chunks));
        Assert.False(await pfs.Files.Objects.ExistsAsync(new string('0', 64), Token));
    }

    private static async Task<string[]> ChunkNamesAsync(CommitView view)
    {
        CommitFile file = await view.FindFileAsync("f", Token);
        return await view.ListChunksAsync(file, Token).Select(chunk => chunk.Id.ToString()).ToArrayAsync(Token);
    }

    private Task<ObjectInfo> PutAsync(string content, params string[] tags) =>
        pfs.Files.Objects.PutAsync(Pieces(Encoding.UTF8.GetBytes(content)), () => tags, Token);

    private Task<string> ReadAsync(int offset, int? count, params string[] hashes) => TextAsync(pfs.Files.Objects.ReadAsync(hashes, offset, count, Token));
}
