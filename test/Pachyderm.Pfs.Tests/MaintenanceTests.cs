using System.Text;
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

    [Fact]
    public async Task Objects_without_a_tag_are_collected_when_they_are_a_day_old_unless_something_needs_their_content()
    {
        SettableClock clock = new() { Now = new DateTimeOffset(2021, 2, 3, 4, 5, 6, TimeSpan.Zero) };
        await using TestFileSystem dated = await TestFileSystem.OpenAsync(clock);
        string forgotten = await PutObjectAsync(dated, "forgotten");
        string tagged = await PutObjectAsync(dated, "tagged", "tag");
        string inFile = await PutObjectAsync(dated, "in a file");
        string again = await PutObjectAsync(dated, "put again");
        string untagged = await PutObjectAsync(dated, "untagged", "gone");
        await dated.CreateRepoAsync("data");
        CommitName commit = await dated.StartAsync("data", "master");
        await dated.PutAsync(commit, "f", "in a file");
        await dated.FinishAsync(commit);
        clock.Now += TimeSpan.FromHours(23);
        await dated.Maintenance.CollectGarbageAsync(progress: null, Token);
        Assert.True(await dated.Files.Objects.ExistsAsync(forgotten, Token));

        await PutObjectAsync(dated, "put again");
        await dated.Files.Objects.DeleteTagsAsync(["gone"], Token);
        string young = await PutObjectAsync(dated, "young");
        clock.Now += TimeSpan.FromHours(2);
        Assert.Equal(2, (await dated.Maintenance.CollectGarbageAsync(progress: null, Token)).Objects);

        Assert.False(await dated.Files.Objects.ExistsAsync(forgotten, Token));
        Assert.False(await dated.Files.Objects.ExistsAsync(untagged, Token));
        foreach ((string hash, string content) in ((string, string)[])[(tagged, "tagged"), (inFile, "in a file"), (again, "put again"), (young, "young")])
        {
            Assert.Equal(content, await TextAsync(dated.Files.Objects.ReadAsync([hash], 0, null, Token)));
        }
        await foreach (CheckEvent found in dated.Maintenance.CheckAsync(fix: false, readData: true, Token))
        {
            Assert.Null(found.Finding);
        }
    }

    private static async Task<string> PutObjectAsync(TestFileSystem files, string content, params string[] tags) =>
        (await files.Files.Objects.PutAsync(Pieces(Encoding.UTF8.GetBytes(content)), () => tags, Token)).Hash;

    private sealed class SettableClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; }

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
