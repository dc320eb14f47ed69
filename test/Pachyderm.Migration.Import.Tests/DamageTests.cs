using System.Text.Json;
using Pachyderm.Errors;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Import.Tests.Support;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Steps.Native;
using Pachyderm.Migration.Survey;
using Pachyderm.Pfs;
using Pachyderm.Tests;

namespace Pachyderm.Migration.Import.Tests;

/// <summary>Sources in which something is missing or wrong: it is named, and when it is put right the same command goes on.</summary>
public sealed class DamageTests
{
    private const string Small = "pachyderm-1.5.3-small";
    private const string Cloud = "pachyderm-1.4.8-objstore";

    [Fact]
    public async Task Content_that_is_used_in_place_is_not_read()
    {
        using ImportBed bed = new(Small);
        using JsonDocument expected = FixtureContent.Expected(Small);
        HashSet<string> trees = [.. FixtureContent.Commits(expected).Where(static commit => commit.Tree is not null).Select(static commit => commit.Tree!)];
        foreach (string path in Directory.GetFiles(Path.Combine(bed.Content.Root, "object")).Where(path => !trees.Contains(Path.GetFileName(path))))
        {
            await File.WriteAllBytesAsync(path, new byte[new FileInfo(path).Length], ImportBed.Token);
        }

        bed.Request = bed.Request with { Verification = new ImportVerification(0) };
        MigrationReport report = await bed.RunAsync();

        Assert.Equal("done", report.Result);
        Assert.Equal((0, 0), (report.Import!.FilesCompared, report.Import.BytesCompared));
        // Whoever reads it is told; it is never taken for what it was.
        await using ServedCluster cluster = await ServedCluster.OpenAsync(bed);
        (string repo, string id, _, _) = FixtureContent.Commits(expected).First(static commit => commit.Files.EnumerateArray().Any(static file => file.GetProperty("size").GetInt64() > 0 && file.GetProperty("type").GetString() == "FILE"));
        Assert.Equal("adopted-object-damaged", (await Assert.ThrowsAsync<CorruptionException>(
            () => cluster.ReadAsync(new CommitName(new RepoName(repo), new CommitId(id))))).Id);
    }

    [Fact]
    public async Task A_missing_tree_is_named_with_its_commit_and_the_same_command_goes_on_when_it_is_back()
    {
        using ImportBed bed = new(Small);
        using JsonDocument expected = FixtureContent.Expected(Small);
        (string repo, string id, string? tree, _) = FixtureContent.Commits(expected).First(static commit => commit.Tree is not null && commit.Files.GetArrayLength() > 3);
        string path = Path.Combine(bed.Content.Root, "object", tree!);
        File.Move(path, bed["tree"]);

        MigrationReport check = await bed.Import().CheckAsync(ImportBed.Token);
        Assert.Contains(check.Findings, finding => finding.Id == "object-missing" && finding.Severity == FindingSeverity.Blocker
            && finding.Thing.Contains(id, StringComparison.Ordinal) && finding.Problem.Contains(tree!, StringComparison.Ordinal));
        MigrationFailedException failed = await Assert.ThrowsAsync<MigrationFailedException>(bed.RunAsync);
        Assert.Equal(("object-missing", $"commit {repo}/{id}"), (failed.Id, failed.Thing));
        Assert.Equal("import-unfinished", (await Assert.ThrowsAsync<OperatorException>(bed.OpenAsync)).Id);

        File.Move(bed["tree"], path);
        Assert.Equal("done", (await bed.RunAsync()).Result);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_missing_object_of_a_file_is_named_with_the_commit_and_may_be_put_back(bool copy)
    {
        using ImportBed bed = new(Small);
        bed.Request = bed.Request with { Copy = copy };
        (string repo, string id, string name) = await FindObjectAsync(bed);
        string path = Path.Combine(bed.Content.Root, "object", name);
        File.Move(path, bed["object"]);

        MigrationFailedException failed = await Assert.ThrowsAsync<MigrationFailedException>(bed.RunAsync);

        Assert.Equal("object-missing", failed.Id);
        Assert.Contains(failed.Report.Findings, finding => finding.Thing == $"commit {repo}/{id}" && finding.Problem.Contains(name, StringComparison.Ordinal));
        File.Move(bed["object"], path);
        Assert.Equal("done", (await bed.RunAsync()).Result);
    }

    [Fact]
    public async Task A_damaged_object_that_is_copied_is_named_and_so_is_the_commit_that_needs_it()
    {
        using ImportBed bed = new(Small);
        bed.Request = bed.Request with { Copy = true };
        (string repo, string id, string name) = await FindObjectAsync(bed);
        await FlipAsync(Path.Combine(bed.Content.Root, "object", name));

        MigrationFailedException failed = await Assert.ThrowsAsync<MigrationFailedException>(bed.RunAsync);

        Assert.Contains(failed.Report.Findings, finding => finding.Id == "object-left-out" && finding.Thing == $"object {name}");
        Assert.Contains(failed.Report.Findings, finding => finding.Thing == $"commit {repo}/{id}" && finding.Problem.Contains(name, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_full_verification_finds_an_object_that_is_damaged_in_place()
    {
        using ImportBed bed = new(Small);
        (_, _, string name) = await FindObjectAsync(bed);
        await FlipAsync(Path.Combine(bed.Content.Root, "object", name));

        MigrationFailedException failed = await Assert.ThrowsAsync<MigrationFailedException>(bed.RunAsync);

        Assert.Contains(name, $"{failed.Thing} {failed.Message}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_tree_is_named_with_its_commit()
    {
        using ImportBed bed = new(Small);
        using JsonDocument expected = FixtureContent.Expected(Small);
        (string repo, string id, string? tree, _) = FixtureContent.Commits(expected).First(static commit => commit.Tree is not null && commit.Files.GetArrayLength() > 3);
        await FlipAsync(Path.Combine(bed.Content.Root, "object", tree!));

        MigrationFailedException failed = await Assert.ThrowsAsync<MigrationFailedException>(bed.RunAsync);

        Assert.Equal(("object-damaged", $"commit {repo}/{id}"), (failed.Id, failed.Thing));
    }

    [Theory]
    [InlineData("object-store.tar.gz")]
    [InlineData("object-store-before-compaction.tar.gz")]
    public async Task A_missing_block_is_named_with_the_objects_in_it(string archive)
    {
        using ImportBed bed = new(Cloud, archive);
        string block = Directory.GetFiles(Path.Combine(bed.Content.Root, "block")).OrderByDescending(static path => new FileInfo(path).Length).First();
        File.Delete(block);

        MigrationFailedException failed = await Assert.ThrowsAsync<MigrationFailedException>(bed.RunAsync);

        Assert.Contains(failed.Report.Findings, finding => finding.Id == "object-left-out" && finding.Problem.Contains(Path.GetFileName(block), StringComparison.Ordinal));
        Assert.Contains(failed.Report.Findings, static finding => finding.Severity == FindingSeverity.Blocker && finding.Thing.StartsWith("commit ", StringComparison.Ordinal));
    }

    /// <summary>An object that is part of a file, and the first commit that has it.</summary>
    private static async Task<(string Repo, string Id, string Object)> FindObjectAsync(ImportBed bed)
    {
        using JsonDocument expected = FixtureContent.Expected(bed.Content.Set);
        Formats.Content.LegacyContentStore store = await Formats.Content.LegacyContentStore.OpenAsync(bed.Content.Root, ImportBed.Token);
        foreach ((string repo, string id, string? tree, _) in FixtureContent.Commits(expected).Where(static commit => commit.Tree is not null))
        {
            Formats.Content.HashTree read = await store.ReadHashTreeAsync(tree!, ImportBed.Token);
            if (read.Walk().FirstOrDefault(static node => node.Objects.Count > 0 && node.SizeBytes > 0) is { } file)
            {
                return (repo, id, file.Objects[0]);
            }
        }
        throw new InvalidOperationException("No commit of the set has a file.");
    }

    private static async Task FlipAsync(string path)
    {
        byte[] bytes = await File.ReadAllBytesAsync(path, ImportBed.Token);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(path, bytes, ImportBed.Token);
    }
}
