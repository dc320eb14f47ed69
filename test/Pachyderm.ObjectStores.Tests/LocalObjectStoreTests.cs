using Pachyderm.Errors;

namespace Pachyderm.ObjectStores.Tests;

public sealed class LocalObjectStoreTests : ObjectStoreConformance, IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly LocalObjectStore _store;

    public LocalObjectStoreTests() => _store = new LocalObjectStore(_directory["store"], listingWindow: 3);

    protected override IObjectStore Store => _store;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task An_object_is_the_file_of_its_key()
    {
        await _store.PutAsync("a/b", new MemoryStream([1, 2]), false, Token);
        Assert.Equal([1, 2], await File.ReadAllBytesAsync(_directory["store/a/b"], Token));
        Assert.Single(Directory.GetFiles(_directory["store"], "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_link_to_a_directory_is_neither_written_nor_read_through_nor_listed()
    {
        Directory.CreateDirectory(_directory["outside"]);
        await File.WriteAllTextAsync(_directory["outside/secret"], "secret", Token);
        Directory.CreateDirectory(_directory["store"]);
        Directory.CreateSymbolicLink(_directory["store/link"], _directory["outside"]);

        await AssertLinkAsync(() => _store.PutAsync("link/x", new MemoryStream([1]), true, Token));
        await AssertLinkAsync(() => _store.PutAsync("link/deep/x", new MemoryStream([1]), true, Token));
        await AssertLinkAsync(() => _store.OpenReadAsync("link/secret", 0, null, Token));
        await AssertLinkAsync(() => _store.DeleteAsync("link/secret", Token));
        Assert.Equal("secret", Path.GetFileName(Assert.Single(Directory.GetFiles(_directory["outside"]))));
        Assert.Empty(await _store.ListAsync("", Token).ToArrayAsync(Token));
    }

    [Fact]
    public async Task A_link_to_a_file_is_not_read_and_a_put_replaces_the_link_not_its_target()
    {
        await File.WriteAllTextAsync(_directory["secret"], "secret", Token);
        Directory.CreateDirectory(_directory["store"]);
        File.CreateSymbolicLink(_directory["store/k"], _directory["secret"]);

        await AssertLinkAsync(() => _store.OpenReadAsync("k", 0, null, Token));
        Assert.False(await _store.PutAsync("k", new MemoryStream([1]), false, Token));
        Assert.True(await _store.PutAsync("k", new MemoryStream([1]), true, Token));
        Assert.Equal("secret", await File.ReadAllTextAsync(_directory["secret"], Token));
        Assert.Equal([1], await File.ReadAllBytesAsync(_directory["store/k"], Token));
    }

    [Fact]
    public async Task A_dangling_link_counts_as_taken()
    {
        Directory.CreateDirectory(_directory["store"]);
        File.CreateSymbolicLink(_directory["store/k"], _directory["nowhere"]);
        Assert.False(await _store.PutAsync("k", new MemoryStream([1]), false, Token));
        Assert.False(File.Exists(_directory["nowhere"]));
    }

    [Fact]
    public async Task The_root_itself_may_be_a_link()
    {
        Directory.CreateDirectory(_directory["real"]);
        Directory.CreateSymbolicLink(_directory["alias"], _directory["real"]);
        LocalObjectStore store = new(_directory["alias"]);
        await store.PutAsync("a/b", new MemoryStream([1]), false, Token);
        Assert.True(File.Exists(_directory["real/a/b"]));
    }

    [Fact]
    public async Task A_key_below_an_object_or_above_others_is_a_conflict_that_is_named()
    {
        await _store.PutAsync("a/b", new MemoryStream([1]), false, Token);
        Assert.Equal("object-key-conflict", (await Assert.ThrowsAsync<OperatorException>(
            () => _store.PutAsync("a/b/c", new MemoryStream([1]), false, Token))).Id);
        Assert.Equal("object-key-conflict", (await Assert.ThrowsAsync<OperatorException>(
            () => _store.PutAsync("a", new MemoryStream([1]), true, Token))).Id);
        Assert.Equal("object-key-conflict", (await Assert.ThrowsAsync<OperatorException>(
            () => _store.PutAsync("a", new MemoryStream([1]), false, Token))).Id);
    }

    [Fact]
    public async Task What_a_killed_writer_left_is_not_listed_and_is_removed_once_it_is_old()
    {
        await _store.PutAsync("a/b", new MemoryStream([1]), false, Token);
        string left = _directory["store/a/" + ObjectKey.TemporaryPrefix + "1"];
        await File.WriteAllBytesAsync(left, [1], Token);
        Assert.Equal(["a/b"], await _store.ListAsync("", Token).Select(o => o.Key).ToArrayAsync(Token));

        Assert.Equal(0, await _store.RemoveAbandonedWritesAsync(TimeSpan.FromHours(1), Token));
        File.SetLastWriteTimeUtc(left, DateTime.UtcNow.AddHours(-2));
        Assert.Equal(1, await _store.RemoveAbandonedWritesAsync(TimeSpan.FromHours(1), Token));
        Assert.False(File.Exists(left));
        Assert.True(File.Exists(_directory["store/a/b"]));
    }

    [Fact]
    public async Task A_full_disk_is_said_so_and_leaves_nothing()
    {
        using TinyFileSystem? disk = TinyFileSystem.TryMount(_directory["tiny"], "size=1m");
        if (disk is null)
        {
            AssertTranslated(28, "storage-full");
            return;
        }

        LocalObjectStore store = new(disk.Path);
        await store.PutAsync("small", new MemoryStream(new byte[1000]), false, Token);
        OperatorException full = await Assert.ThrowsAsync<OperatorException>(
            () => store.PutAsync("dir/large", new MemoryStream(new byte[4_000_000]), false, Token));
        Assert.Equal("storage-full", full.Id);
        Assert.Contains("dir/large", full.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', full.Message);
        Assert.Equal(["small"], await store.ListAsync("", Token).Select(o => o.Key).ToArrayAsync(Token));
        Assert.Single(Directory.GetFiles(disk.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_read_only_file_system_is_said_so()
    {
        using TinyFileSystem? disk = TinyFileSystem.TryMount(_directory["tiny"], "size=1m,ro");
        if (disk is null)
        {
            AssertTranslated(30, "storage-read-only");
            return;
        }

        OperatorException failure = await Assert.ThrowsAsync<OperatorException>(
            () => new LocalObjectStore(disk.Path).PutAsync("k", new MemoryStream([1]), false, Token));
        Assert.Equal("storage-read-only", failure.Id);
    }

    // Where no file system may be mounted, what the runtime would throw is all there is to look at.
    private static void AssertTranslated(int errno, string id) =>
        Assert.Equal(id, StorageErrors.Translate(new IOException("failed", errno), "/disk/k").Id);

    private static async Task AssertLinkAsync(Func<Task> call) =>
        Assert.Equal("object-path-link", (await Assert.ThrowsAsync<OperatorException>(call)).Id);
}
