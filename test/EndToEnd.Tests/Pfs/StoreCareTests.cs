using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests.Pfs;

/// <summary>Checking and cleaning a store, each test on a server of its own.</summary>
public sealed class StoreCareTests : IAsyncLifetime
{
    private readonly PfsCluster _cluster = new();

    private string Data => _cluster["data"];

    public ValueTask InitializeAsync() => _cluster.InitializeAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task A_store_without_damage_has_no_findings()
    {
        await PutAsync("whole", "/a", "one");

        string told = await _cluster.RunAsync("fsck", "--read-data");

        Assert.Matches("^1 commits, [0-9]+ chunks in [0-9]+ packs, [0-9.]+K?i?B checked: 0 findings, 0 repaired\n$", told);
        using var raw = System.Text.Json.JsonDocument.Parse(await _cluster.RunAsync("fsck", "--raw"));
        Assert.Equal("1", raw.RootElement.GetProperty("summary").GetProperty("commits").GetString());
    }

    [Fact]
    public async Task A_flipped_bit_is_found_and_named_and_nothing_else_is_lost()
    {
        await PutAsync("hurt", "/early", "early content");
        // Checking makes the pack whole.
        await _cluster.RunAsync("fsck");
        await _cluster.RunAsync("create-repo", "well");
        await PutAsync("well", "/late", "late content");
        await FlipAsync("early content"u8.ToArray());

        PachctlResult found = (await _cluster.TryAsync("fsck", "--read-data")).MustExitWith(1);

        Assert.Contains("damaged ", found.Output, StringComparison.Ordinal);
        Assert.Contains("pack ", found.Output, StringComparison.Ordinal);
        Assert.Equal("pachctl: the store: 1 findings are not repaired; see the list above; `pachctl fsck --fix` repairs what can be\n", found.Errors);
        Assert.Equal("late content", await _cluster.RunAsync("get-file", "well", "master", "/late"));
        Assert.Contains("/early", await _cluster.RunAsync("list-file", "hurt", "master"), StringComparison.Ordinal);
        (await _cluster.TryAsync("get-file", "hurt", "master", "/early")).MustExitWith(1);

        // What is intact moves to another pack; what is not has to be put again, and then everything is well.
        (await _cluster.TryAsync("fsck", "--read-data", "--fix")).MustExitWith(1);
        Assert.Single(Directory.GetFiles(Path.Combine(Data, "objects", "quarantine"), "*", SearchOption.AllDirectories));
        (await _cluster.TryAsync("fsck")).MustExitWith(1);
        await PutAsync("hurt", "/early", "early content", "-o");
        Assert.Contains(" 0 findings", await _cluster.RunAsync("fsck", "--read-data"), StringComparison.Ordinal);
        Assert.Equal("early content", await _cluster.RunAsync("get-file", "hurt", "master", "/early"));
    }

    [Fact]
    public async Task A_damaged_footer_is_repaired_without_loss()
    {
        await PutAsync("footer", "/f", "content");
        await _cluster.RunAsync("fsck");
        string pack = Assert.Single(Packs());
        byte[] bytes = await File.ReadAllBytesAsync(pack, TestContext.Current.CancellationToken);
        bytes[^70] ^= 1;
        await File.WriteAllBytesAsync(pack, bytes, TestContext.Current.CancellationToken);

        (await _cluster.TryAsync("fsck")).MustExitWith(1);
        PachctlResult repaired = (await _cluster.TryAsync("fsck", "--fix")).MustExitWith(0);

        Assert.Contains("repaired  pack-footer-damaged: ", repaired.Output, StringComparison.Ordinal);
        Assert.Contains(" 0 findings", await _cluster.RunAsync("fsck", "--read-data"), StringComparison.Ordinal);
        Assert.Equal("content", await _cluster.RunAsync("get-file", "footer", "master", "/f"));
    }

    [Fact]
    public async Task An_index_that_is_lost_is_built_again_from_the_packs()
    {
        await PutAsync("index", "/f", "content");
        await _cluster.RunAsync("fsck");
        await _cluster.RestartAsync(() => Directory.Delete(Path.Combine(Data, "index"), recursive: true));

        Assert.Equal("content", await _cluster.RunAsync("get-file", "index", "master", "/f"));
        Assert.Contains(" 0 findings", await _cluster.RunAsync("fsck", "--read-data"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Garbage_of_a_deleted_repo_is_removed_and_nothing_else()
    {
        await PutAsync("kept", "/f", "kept");
        await _cluster.RunAsync("create-repo", "gone");
        (await _cluster.ShellAsync("head -c 3000000 /dev/urandom | \"$@\"", "put-file", "gone", "master", "/f", "-c")).MustExitWith(0);
        Assert.StartsWith("0B freed: ", await _cluster.RunAsync("garbage-collect"), StringComparison.Ordinal);
        long before = Stored();

        await _cluster.RunAsync("delete-repo", "gone");
        string freed = await _cluster.RunAsync("garbage-collect");

        Assert.Matches("^2\\.[0-9]+MiB freed: [0-9]+ chunks are not needed and [0-9]+ are, 0 objects removed; [0-9]+ packs removed, [0-9]+ rewritten\n$", freed);
        Assert.InRange(before - Stored(), 2_900_000, long.MaxValue);
        Assert.Equal("kept", await _cluster.RunAsync("get-file", "kept", "master", "/f"));
        Assert.Contains(" 0 findings", await _cluster.RunAsync("fsck", "--read-data"), StringComparison.Ordinal);
    }

    private async Task PutAsync(string repo, string path, string content, params string[] flags)
    {
        await _cluster.TryAsync("create-repo", repo);
        (await _cluster.ShellAsync($"printf '{content}' | \"$@\"", ["put-file", repo, "master", path, "-c", .. flags])).MustExitWith(0);
    }

    private string[] Packs() => Directory.GetFiles(Path.Combine(Data, "objects", "packs"), "*", SearchOption.AllDirectories);

    private long Stored() => new DirectoryInfo(Data).EnumerateFiles("*", SearchOption.AllDirectories)
        .Where(static file => file.FullName.Contains("pack", StringComparison.Ordinal) || file.FullName.Contains("spool", StringComparison.Ordinal))
        .Sum(static file => file.Length);

    private async Task FlipAsync(byte[] content)
    {
        string pack = Packs().Single(file => File.ReadAllBytes(file).AsSpan().IndexOf(content) >= 0);
        byte[] bytes = await File.ReadAllBytesAsync(pack, TestContext.Current.CancellationToken);
        bytes[bytes.AsSpan().IndexOf(content)] ^= 1;
        await File.WriteAllBytesAsync(pack, bytes, TestContext.Current.CancellationToken);
    }
}
