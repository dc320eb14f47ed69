namespace Pachyderm.ObjectStores.Tests;

/// <summary>Renames that must not replace: locks and claims rest on them.</summary>
public sealed class DurableFilesTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public void Of_threads_that_want_one_free_name_at_the_same_moment_exactly_one_gets_it()
    {
        const int Threads = 2;
        const int Rounds = 5000;
        int[] winners = new int[Rounds];
        int arrived = 0;
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(thread => new Thread(() =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                string mine = PathOf($"{round}-{thread}");
                File.WriteAllText(mine, "mine");
                // Both are awake when both have arrived: a barrier would wake one after the other.
                Interlocked.Increment(ref arrived);
                SpinWait spin = new();
                while (Volatile.Read(ref arrived) < Threads * (round + 1))
                {
                    spin.SpinOnce(sleep1Threshold: -1);
                }

                if (DurableFiles.TryRenameToNew(mine, PathOf($"wanted-{round}")))
                {
                    Interlocked.Increment(ref winners[round]);
                    Assert.False(File.Exists(mine));
                }
                else
                {
                    Assert.True(File.Exists(mine));
                }
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.All(winners, count => Assert.Equal(1, count));
    }

    [Theory]
    [InlineData("file")]
    [InlineData("directory")]
    [InlineData("link to nowhere")]
    public void A_name_that_is_taken_stays_what_it_is(string kind)
    {
        string target = PathOf("target");
        switch (kind)
        {
            case "file":
                File.WriteAllText(target, "theirs");
                break;
            case "directory":
                Directory.CreateDirectory(target);
                break;
            default:
                File.CreateSymbolicLink(target, PathOf("nowhere"));
                break;
        }

        File.WriteAllText(PathOf("mine"), "mine");
        Assert.False(DurableFiles.TryRenameToNew(PathOf("mine"), target));
        Assert.Equal("mine", File.ReadAllText(PathOf("mine")));
        Assert.Equal(kind == "link to nowhere", new FileInfo(target).LinkTarget is not null);
        Assert.Equal(kind == "directory", Directory.Exists(target));
        Assert.Equal(kind == "file" ? "theirs" : null, kind == "file" ? File.ReadAllText(target) : null);
    }

    [Fact]
    public void What_does_not_exist_cannot_be_renamed() =>
        Assert.ThrowsAny<IOException>(() => DurableFiles.TryRenameToNew(PathOf("absent"), PathOf("target")));

    public void Dispose() => _directory.Dispose();

    private string PathOf(string name) => Path.Combine(_directory.Path, name);
}
