using Pachyderm.Errors;
using Pachyderm.Metadata;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Import.Tests.Support;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Steps.Native;
using Pachyderm.Pfs;

namespace Pachyderm.Migration.Import.Tests;

/// <summary>What an import refuses, how it goes on, and how it ends.</summary>
public sealed class LifecycleTests
{
    private const string Small = "pachyderm-1.5.3-small";
    private const string Dirty = "pachyderm-1.4.8-dirty";

    [Fact]
    public async Task A_check_makes_nothing_and_says_what_is_in_the_way()
    {
        using ImportBed bed = new(Dirty);
        bed.Request = bed.Request with { Accepted = new HashSet<string>(StringComparer.Ordinal) };

        MigrationReport report = await bed.Import().CheckAsync(ImportBed.Token);

        Assert.Equal("blocked", report.Result);
        Assert.Equal(["open-commit", "registered-worker", "running-job"], report.FindingCounts
            .Where(static count => count.Severity == Survey.FindingSeverity.Blocker).Select(static count => count.Id).Order(StringComparer.Ordinal).ToArray());
        Assert.Equal(["1.4.8 -> 1.5.3 (step 1.4.x-1.5.x)", "1.5.3 -> 3.0.0 (step 1.5.x-3.0.0)"], report.Path);
        Assert.False(Directory.Exists(bed.Data));
        Assert.Equal("blocked", (await Assert.ThrowsAsync<MigrationBlockedException>(bed.RunAsync)).Id);
        Assert.False(Directory.Exists(bed.Data));
    }

    [Fact]
    public async Task A_second_run_changes_nothing_and_another_source_is_refused()
    {
        using ImportBed bed = new(Small);
        await bed.RunAsync();
        byte[] journal = await File.ReadAllBytesAsync(Path.Combine(bed.Data, "import.json"), ImportBed.Token);

        Assert.Equal("nothing-to-do", (await bed.RunAsync()).Result);
        Assert.Equal(journal, await File.ReadAllBytesAsync(Path.Combine(bed.Data, "import.json"), ImportBed.Token));

        using ImportBed other = new(Dirty);
        other.Request = other.Request with { Data = bed.Data };
        Assert.Equal("other-import", (await Assert.ThrowsAsync<OperatorException>(other.RunAsync)).Id);
    }

    [Fact]
    public async Task A_directory_that_holds_anything_else_is_left_alone()
    {
        using ImportBed bed = new(Small);
        Directory.CreateDirectory(bed.Data);
        string file = Path.Combine(bed.Data, "letter.txt");
        await File.WriteAllTextAsync(file, "mine", ImportBed.Token);

        MigrationBlockedException blocked = await Assert.ThrowsAsync<MigrationBlockedException>(bed.RunAsync);

        Assert.Contains(blocked.Report.Findings, static finding => finding.Id == "data-not-empty");
        Assert.Equal([file], Directory.GetFileSystemEntries(bed.Data));
    }

    [Fact]
    public async Task The_data_of_a_pachd_is_left_alone()
    {
        using ImportBed bed = new(Small);
        await using (DataStores stores = await bed.OpenAsync())
        {
            Assert.Null(stores.WriteRefusal);
        }

        MigrationBlockedException blocked = await Assert.ThrowsAsync<MigrationBlockedException>(bed.RunAsync);

        Assert.Contains(blocked.Report.Findings, static finding => finding.Id == "data-not-empty");
    }

    [Fact]
    public async Task Two_imports_into_one_directory_exclude_each_other()
    {
        using ImportBed bed = new(Small);
        using DirectoryFence fence = DirectoryFence.Acquire(bed.Data);

        Assert.Equal("fence-held", (await Assert.ThrowsAsync<OperatorException>(bed.RunAsync)).Id);
    }

    [Fact]
    public async Task Undo_drops_everything_but_not_what_was_written_since_unless_told()
    {
        using ImportBed bed = new(Small);
        await bed.RunAsync();
        await using (ServedCluster cluster = await ServedCluster.OpenAsync(bed))
        {
            await cluster.Files.Repos.CreateAsync(new RepoName("later"), [], "", ImportBed.Token);
        }

        List<string> said = [];
        Assert.Equal("later-writes", (await Assert.ThrowsAsync<OperatorException>(() => bed.Import(said.Add).UndoAsync(ImportBed.Token))).Id);
        Assert.Equal(["written since the import: repo later"], said);

        bed.Request = bed.Request with { DiscardLaterWrites = true };
        await bed.Import().UndoAsync(ImportBed.Token);
        Assert.Empty(Directory.GetFileSystemEntries(bed.Data));
        Assert.Equal("done", (await bed.RunAsync()).Result);
    }

    [Fact]
    public async Task Undo_notices_objects_tags_descriptions_and_writes_to_open_commits_which_the_feed_does_not_tell_of()
    {
        using ImportBed bed = new(Dirty);
        await bed.RunAsync();
        CommitName open = new(new RepoName("images"), new CommitId("1fe58fc0830f48ec80abc9ea905af2c7"));
        string known;
        await using (ServedCluster cluster = await ServedCluster.OpenAsync(bed))
        {
            Assert.NotEmpty(await cluster.ReadAsync(open));
            known = (await cluster.Stores.Metadata.ReadAsync(static reader => reader.ListObjects(null, 1), ImportBed.Token))[0].Hash;
        }
        Assert.Empty(await RefusedAsync(bed));

        await using (ServedCluster cluster = await ServedCluster.OpenAsync(bed))
        {
            await cluster.Stores.Metadata.WriteAsync(
                writer =>
                {
                    writer.PutTag(new TagRecord("a-new-tag", known));
                    return true;
                },
                ImportBed.Token);
        }
        Assert.Matches("^written since the import: tags of objects, which are [0-9]+ and were [0-9]+$", Assert.Single(await RefusedAsync(bed)));

        await using (ServedCluster cluster = await ServedCluster.OpenAsync(bed))
        {
            await cluster.Stores.Metadata.WriteAsync(
                static writer =>
                {
                    // As many as before: one that moved.
                    writer.DeleteTag("a-new-tag");
                    TagRecord moved = writer.ListTags("", null, 1)[0];
                    writer.PutTag(moved with { ObjectHash = writer.ListObjects(null, 2).First(other => other.Hash != moved.ObjectHash).Hash });
                    RepoRecord described = writer.ListRepos()[0];
                    writer.PutRepo(described with { Description = described.Description + "!" });
                    return true;
                },
                ImportBed.Token);
        }
        Assert.Equal(
            [
                "written since the import: tags of objects, which are as many as before but not the same",
                "written since the import: descriptions of repos",
            ],
            await RefusedAsync(bed),
            StringComparer.Ordinal);

        await using (ServedCluster cluster = await ServedCluster.OpenAsync(bed))
        {
            await cluster.Files.Writer.DeleteAsync(new CommitReference(open), "/open.txt", ImportBed.Token);
            await cluster.Files.Objects.PutAsync(Pieces(), static () => [], ImportBed.Token);
        }
        Assert.Equal(
            ["written since the import: 1 write of files in open commits", "written since the import: 1 object by the object API"],
            (await RefusedAsync(bed)).SkipLast(2),
            StringComparer.Ordinal);

        static async IAsyncEnumerable<ReadOnlyMemory<byte>> Pieces()
        {
            await Task.CompletedTask;
            yield return new byte[] { 1, 2, 3 };
        }
    }

    [Fact]
    public async Task A_final_import_is_not_undone_and_leaves_no_traces_in_the_records()
    {
        using ImportBed bed = new(Small);
        await bed.RunAsync();

        Assert.True((await bed.Import().FinalizeAsync(ImportBed.Token)).Final);

        Assert.Equal("finalized", (await Assert.ThrowsAsync<OperatorException>(() => bed.Import().UndoAsync(ImportBed.Token))).Id);
        await using ServedCluster cluster = await ServedCluster.OpenAsync(bed);
        Assert.Empty(await cluster.Stores.Metadata.ReadAsync(static reader => reader.ListRows(ImportProgress.Roots, [], null, 1), ImportBed.Token));
        Assert.Empty(await cluster.Stores.Metadata.ReadAsync(static reader => reader.ListRows(ImportProgress.Cursors, [], null, 1), ImportBed.Token));
        Assert.True(cluster.Stores.Chunks.GetStatistics().AdoptedChunks > 0);
    }

    [Fact]
    public async Task Open_commits_go_on_with_what_was_written_to_them()
    {
        using ImportBed bed = new(Dirty);
        await bed.RunAsync();
        await using ServedCluster cluster = await ServedCluster.OpenAsync(bed);
        CommitName open = new(new RepoName("images"), new CommitId("1fe58fc0830f48ec80abc9ea905af2c7"));
        IReadOnlyList<string> before = await cluster.ReadAsync(new CommitName(open.Repo, await ParentAsync(cluster, open)));

        IReadOnlyList<string> after = await cluster.ReadAsync(open);

        Assert.Equal(["/a.txt"], Names(before).Except(Names(after), StringComparer.Ordinal).ToArray());
        Assert.Equal(
            ["/open.txt", "/opensplit", .. Enumerable.Range(0, 5).Select(static i => $"/opensplit/{i:x16}")],
            Names(after).Except(Names(before), StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray());
        await cluster.Files.Commits.FinishAsync(new CommitReference(open), ImportBed.Token);
        Assert.Equal(after, await cluster.ReadAsync(open));
    }

    // What an undo says that it would lose; nothing is undone here.
    private static async Task<IReadOnlyList<string>> RefusedAsync(ImportBed bed)
    {
        await using (DataStores stores = await bed.OpenAsync())
        {
            ImportJournal journal = (await ImportJournal.ReadAsync(bed.Data, ImportBed.Token))!;
            if ((await LaterWrites.FindAsync(stores.Metadata, journal, ImportBed.Token)).Names.Count == 0)
            {
                return [];
            }
        }
        List<string> said = [];
        Assert.Equal("later-writes", (await Assert.ThrowsAsync<OperatorException>(() => bed.Import(said.Add).UndoAsync(ImportBed.Token))).Id);
        return said;
    }

    private static IEnumerable<string> Names(IEnumerable<string> files) => files.Select(static file => file.Split(' ')[0]);

    private static async Task<CommitId> ParentAsync(ServedCluster cluster, CommitName commit)
    {
        CommitRecord? record = await cluster.Stores.Metadata.ReadAsync(
            reader => reader.FindCommit(new CommitKey(commit.Repo.Value, commit.Id.Value)), ImportBed.Token);
        return new CommitId(record!.Parent!);
    }
}
