using System.Text;
using Pachyderm.Formats;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Tests.Support;

namespace Pachyderm.Migration.Tests.Conversion;

public sealed class IndexRuleTests
{
    private static readonly string Id = SyntheticCluster.Id(1);
    private static readonly string Other = SyntheticCluster.Id(2);

    [Fact]
    public async Task Stopped_indexes_go()
    {
        ConvertedCluster converted = await ConvertedCluster.FromAsync(new SyntheticCluster()
            .Pipeline("p")
            .Put("pachyderm_pps/pipelines__index_{Stopped %!s(bool=false)}/%!s(bool=false)/p", "p")
            .Job(Id, "p")
            .Put($"pachyderm_pps/jobs__index_{{Stopped %!s(bool=false)}}/%!s(bool=true)/{Id}", Id));

        Assert.False(converted.Has("pachyderm_pps/pipelines__index_{Stopped %!s(bool=false)}/%!s(bool=false)/p"));
        Assert.False(converted.Has($"pachyderm_pps/jobs__index_{{Stopped %!s(bool=false)}}/%!s(bool=true)/{Id}"));
        Assert.Equal(2, converted.Changes["orphaned Stopped index entry removed"]);
    }

    [Fact]
    public async Task A_folded_job_moves_from_the_Inputs_index_to_the_Input_index_under_the_text_of_its_input()
    {
        const string Inputs = """[commit:<repo:<name:"a" > id:"c1" > glob:"/*" ]""";
        string old = $"pachyderm_pps/jobs__index_{{Inputs %!s(bool=false)}}/{Inputs}/{Id}";
        ConvertedCluster converted = await ConvertedCluster.FromAsync(new SyntheticCluster()
            .Pipeline("p", """inputs:<repo:<name:"a" > branch:"dev" glob:"/*" > """)
            .Job(Id, "p", """inputs:<commit:<repo:<name:"a" > id:"c1" > glob:"/*" > """)
            .Put(old, Id));

        Assert.False(converted.Has(old));
        string added = Assert.Single(converted.Added);
        Assert.Equal(
            "pachyderm_pps/jobs__index_{Input %!s(bool=false)}/"
            + $"""cross:<atom:<name:"a" repo:"a" branch:"dev" commit:"c1" glob:"/*" > > /{Id}""",
            added);
        Assert.Equal(Id, converted.ValueText(SyntheticCluster.Bytes(added)));
    }

    [Fact]
    public async Task A_folded_job_that_upstreams_migration_left_behind_gets_its_Input_index_entry_too()
    {
        ConvertedCluster converted = await ConvertedCluster.FromAsync(new SyntheticCluster()
            .InBinary()
            .Job(Id, "p", """inputs:<commit:<repo:<name:"a" > id:"c1" > glob:"/*" > """));

        Assert.Contains("jobs__index_{Input %!s(bool=false)}/cross:<atom:<", Assert.Single(converted.Added), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_Input_index_entry_that_exists_is_not_added_again()
    {
        const string Input = """cross:<atom:<name:"a" repo:"a" branch:"master" commit:"c1" glob:"/*" > > """;
        SyntheticCluster cluster = new();
        cluster.Job(Id, "p", """inputs:<commit:<repo:<name:"a" > id:"c1" > glob:"/*" > """)
            .Put(cluster.Keys.JobInputIndex(SyntheticCluster.Bytes(Input), SyntheticCluster.Bytes(Id)), Id);
        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster);

        Assert.Empty(converted.Added);
    }

    [Fact]
    public async Task Missing_Pipeline_index_entries_are_rebuilt()
    {
        SyntheticCluster cluster = new SyntheticCluster().Job(Id, "p").Job(Other, "p");
        byte[] lost = cluster.Keys.JobPipelineIndex("p"u8, SyntheticCluster.Bytes(Other));
        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster.Remove(lost));

        Assert.Equal([Encoding.UTF8.GetString(lost)], converted.Added);
        Assert.Equal(Other, converted.ValueText(lost));
    }

    [Fact]
    public async Task Missing_provenance_index_entries_of_repos_are_rebuilt()
    {
        SyntheticCluster cluster = new SyntheticCluster().Repo("a").Repo("b").Repo("c", "a", "b");
        byte[] lost = cluster.Keys.RepoProvenanceIndex("b"u8, "c"u8);
        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster.Remove(lost));

        Assert.Equal(["pachyderm_pfs/repos__index_{Provenance %!s(bool=true)}/name:\"b\" /c"], converted.Added);
        Assert.Equal("c", converted.ValueText(lost));
    }

    [Fact]
    public async Task Missing_provenance_index_entries_of_commits_are_rebuilt()
    {
        SyntheticCluster cluster = new SyntheticCluster()
            .Repo("a").Commit("a", Id)
            .Repo("b", "a").Commit("b", Other, provenance: ("a", Id));
        byte[] lost = cluster.Keys.CommitProvenanceIndex("b"u8, SyntheticCluster.Bytes(Other), "a"u8, SyntheticCluster.Bytes(Id));
        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster.Remove(lost));

        Assert.Equal(
            [$"pachyderm_pfs/commits/b__index_{{Provenance %!s(bool=true)}}/repo:<name:\"a\" > id:\"{Id}\" /{Other}"], converted.Added);
        Assert.Equal(Other, converted.ValueText(lost));
    }

    [Fact]
    public async Task Index_entries_that_exist_stay_and_nothing_is_added()
    {
        SyntheticCluster cluster = new SyntheticCluster()
            .Repo("a").Commit("a", Id).Repo("b", "a").Commit("b", Other, provenance: ("a", Id)).Pipeline("b").Job(SyntheticCluster.Id(3), "b");
        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster);

        Assert.Empty(converted.Added);
        ClusterKeys keys = cluster.Keys;
        foreach (byte[] key in cluster.Records.Select(record => record.Key.ToArray())
            .Where(key => keys.Classify(key) is RecordKind.RepoProvenanceIndex or RecordKind.CommitProvenanceIndex or RecordKind.JobPipelineIndex))
        {
            Assert.Equal(RecordChangeKind.Keep, converted.ChangeOf(key));
        }
    }

    [Theory]
    [InlineData("7", "1")]
    [InlineData("-1", "1")]
    [InlineData("two", "1")]
    [InlineData("", "1")]
    [InlineData("01", "1")]
    public async Task Wrong_reference_counts_are_corrected(string stored, string expected)
    {
        SyntheticCluster cluster = new SyntheticCluster().Repo("a").Repo("b", "a");
        byte[] count = cluster.Keys.RepoRefCount("a"u8);
        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster.Replace(count, stored));

        Assert.Equal(expected, converted.ValueText(count));
        Assert.Equal(1, converted.Changes["reference count corrected"]);
    }

    [Fact]
    public async Task Missing_reference_counts_are_added()
    {
        SyntheticCluster cluster = new SyntheticCluster().Repo("a").Repo("b", "a").Repo("c", "a");
        byte[] count = cluster.Keys.RepoRefCount("a"u8);
        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster.Remove(count));

        Assert.Equal("2", converted.ValueText(count));
        Assert.Equal(1, converted.Changes["reference count added"]);
    }

    [Fact]
    public async Task The_reference_count_of_a_repo_that_is_gone_is_kept()
    {
        SyntheticCluster cluster = new SyntheticCluster().Repo("a");
        byte[] count = cluster.Keys.RepoRefCount("gone"u8);
        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster.Put(count, "3"));

        Assert.Equal(RecordChangeKind.Keep, converted.ChangeOf(count));
    }

    [Fact]
    public async Task Open_commits_get_their_entries_oldest_first()
    {
        SyntheticCluster cluster = new SyntheticCluster()
            .Repo("z").Repo("a").Commit("z", Other, finished: false).Commit("a", Id, finished: false).Commit("a", SyntheticCluster.Id(3));
        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster);

        Assert.Equal([$"pachyderm_pfs/openCommits/{Other}", $"pachyderm_pfs/openCommits/{Id}"], converted.Added);
        Assert.Equal(
            $"repo:<name:\"a\" > id:\"{Id}\" ",
            ConvertedCluster.Show(Pachyderm.Formats.V1_5.Commit.Parser.ParseFrom(converted.Value(cluster.Keys.OpenCommit(SyntheticCluster.Bytes(Id))))));
    }

    [Fact]
    public async Task Open_commit_entries_of_finished_commits_go_and_those_of_open_ones_stay()
    {
        SyntheticCluster cluster = new SyntheticCluster().InBinary()
            .Repo("a").Commit("a", Id).Commit("a", Other, finished: false);
        byte[] stale = cluster.Keys.OpenCommit(SyntheticCluster.Bytes(Id));
        byte[] open = cluster.Keys.OpenCommit(SyntheticCluster.Bytes(Other));
        cluster.Message15(stale, SyntheticCluster.NewCommit("a", Id)).Message15(open, SyntheticCluster.NewCommit("a", Other));
        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster);

        Assert.False(converted.Has(stale));
        Assert.Equal(RecordChangeKind.Keep, converted.ChangeOf(open));
        Assert.Empty(converted.Added);
    }

    [Fact]
    public async Task Writes_to_finished_commits_go_and_those_to_open_or_unknown_commits_stay()
    {
        SyntheticCluster cluster = new SyntheticCluster().Repo("a").Commit("a", Id).Commit("a", Other, finished: false);
        byte[] Scratch(string commit) => cluster.Keys.Scratch("a"u8, SyntheticCluster.Bytes(commit), "dir/file"u8, SyntheticCluster.Bytes(SyntheticCluster.Id(99)));
        cluster.Put(Scratch(Id), "delete").Put(Scratch(Other), "delete").Put(Scratch(SyntheticCluster.Id(7)), "delete");
        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster);

        Assert.Equal(RecordChangeKind.Drop, converted.ChangeOf(Scratch(Id)));
        Assert.Equal(RecordChangeKind.Keep, converted.ChangeOf(Scratch(Other)));
        Assert.Equal(RecordChangeKind.Keep, converted.ChangeOf(Scratch(SyntheticCluster.Id(7))));
    }
}
