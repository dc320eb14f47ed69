using static Pachyderm.Pfs.Tests.TestFileSystem;

namespace Pachyderm.Pfs.Tests;

public sealed class MaintenanceTests : IAsyncLifetime
{
    private TestFileSystem pfs = null!;

    public async ValueTask InitializeAsync()
    {
        pfs = await OpenAsync();
        await pfs.CreateRepoAsync("data");
    }

    public ValueTask DisposeAsync() => pfs.DisposeAsync();

    [Fact]
    public async Task A_check_of_a_sound_store_finds_nothing_and_counts_what_it_saw()
    {
        await pfs.CommitAsync("data", "master", ("f", "1"), ("d/g", "2"));
        CommitName open = await pfs.StartAsync("data", "master");
        await pfs.PutAsync(open, "lines", "a\nb\n", new PutOptions { Delimiter = SplitDelimiter.Line });
        await pfs.Files.Objects.PutAsync(Pieces("object"u8.ToArray()), () => [], Token);
        (List<string> findings, CheckSummary summary) = await CheckAsync();
        Assert.Empty(findings);
        Assert.Equal(0, summary.Findings);
        Assert.True(summary.Roots >= 3);
        Assert.True(summary.Chunks >= 6);
    }

    [Fact]
    public async Task Content_that_is_gone_is_found_with_the_commits_that_need_it()
    {
        CommitName first = await pfs.CommitAsync("data", "master", ("f", "lost"));
        CommitName second = await pfs.CommitAsync("data", "master", ("g", "kept"));
        await pfs.Chunks.SealAsync(Token);
        string pack = Assert.Single(Directory.EnumerateFiles(pfs.Directory["objects"], "*", SearchOption.AllDirectories));
        await File.WriteAllBytesAsync(pack, [1, 2, 3], Token);
        (List<string> findings, CheckSummary summary) = await CheckAsync(fix: true);
        Assert.Contains(findings, finding => finding.StartsWith("pack-length-wrong", StringComparison.Ordinal));
        Assert.Contains(findings, finding => finding.Contains($"commit {first}", StringComparison.Ordinal));
        Assert.Contains(findings, finding => finding.Contains($"commit {second}", StringComparison.Ordinal));
        Assert.Equal(findings.Count, summary.Findings);
    }

    [Fact]
    public async Task Objects_become_the_files_of_a_built_commit()
    {
        string one = (await pfs.Files.Objects.PutAsync(Pieces("one "u8.ToArray()), () => [], Token)).Hash;
        string two = (await pfs.Files.Objects.PutAsync(Pieces("two"u8.ToArray()), () => [], Token)).Hash;
        CommitOrigin origin = new(new RepoName("data"), null, new BranchName("master"), []);
        ObjectFile[] files = [new("/a", [one, two]), new("/d/b", [two]), new("/empty", [])];
        CommitName built = await pfs.Files.TreeBuilder.BuildAsync(origin, files, Token);
        Assert.Equal(
            [("/a", "one two"), ("/d/b", "two"), ("/empty", "")], (await pfs.ReadAllAsync(built)).Select(file => (file.Key, file.Value)));
        CommitName copy = await pfs.Files.TreeBuilder.CopyAsync(origin, (await pfs.InspectAsync(built)).Tree!.Value.Node, Token);
        Assert.Equal(built.Id, (await pfs.InspectAsync(copy)).Parent);
        Assert.Equal(await pfs.ReadAllAsync(built), await pfs.ReadAllAsync(copy));
        await RefusedAsync(
            () =>
                pfs.Files.TreeBuilder.BuildAsync(
                    origin, [new ObjectFile("/x", ["gone"])], Token), PfsErrorKind.NotFound, "object gone not found");
        await RefusedAsync(
            () => pfs.Files.TreeBuilder.CopyAsync(origin, Storage.Content.ChunkId.Of("x"u8), Token), PfsErrorKind.NotFound, "not found");
    }

    private async Task<(List<string> Findings, CheckSummary Summary)> CheckAsync(bool fix = false)
    {
        List<string> findings = [];
        CheckSummary? summary = null;
        await foreach (CheckEvent step in pfs.Maintenance.CheckAsync(fix, readData: true, Token))
        {
            if (step.Finding is { } found)
            {
                findings.Add($"{found.Id}: {found.Thing}: {found.Problem}");
            }
            summary = step.Summary ?? summary;
        }
        return (findings, summary!);
    }
}
