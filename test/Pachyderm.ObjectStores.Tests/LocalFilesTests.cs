namespace Pachyderm.ObjectStores.Tests;

public sealed class LocalFilesTests : IDisposable
{
    private readonly string _root = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    public LocalFilesTests() => Directory.CreateDirectory(_root);

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task A_finished_file_becomes_an_object_without_a_copy()
    {
        LocalObjectStore store = new(Path.Combine(_root, "objects"));
        string path = Path.Combine(_root, "file");
        await File.WriteAllTextAsync(path, "content", TestContext.Current.CancellationToken);
        Assert.True(store.TryAdopt("a/b", path));
        Assert.False(File.Exists(path));
        Assert.Equal("content", await File.ReadAllTextAsync(store.GetPath("a/b"), TestContext.Current.CancellationToken));

        // A second call after one that failed behind its renaming.
        Assert.True(store.TryAdopt("a/b", path));
        await File.WriteAllTextAsync(path, "newer", TestContext.Current.CancellationToken);
        Assert.True(store.TryAdopt("a/b", path));
        Assert.Equal("newer", await File.ReadAllTextAsync(store.GetPath("a/b"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public void A_file_that_is_not_there_is_named()
    {
        LocalObjectStore store = new(Path.Combine(_root, "objects"));
        Errors.OperatorException exception = Assert.Throws<Errors.OperatorException>(
            () => store.TryAdopt("a/b", Path.Combine(_root, "nothing")));
        Assert.Contains("nothing", exception.Message, StringComparison.Ordinal);
    }
}
