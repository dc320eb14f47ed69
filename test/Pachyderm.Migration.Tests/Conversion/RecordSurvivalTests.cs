using System.IO.Compression;
using System.Text.Json;
using Google.Protobuf;
using Pachyderm.Formats;
using Pachyderm.Formats.V1_5;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Survey;
using Pachyderm.Migration.Tests.Support;
using Pachyderm.TestSupport;

namespace Pachyderm.Migration.Tests.Conversion;

/// <summary>What conversions must leave alone.</summary>
public sealed class RecordSurvivalTests
{
    private static readonly string Id = SyntheticCluster.Id(1);
    private static readonly string Other = SyntheticCluster.Id(2);

    // Field 200, a string.
    private static readonly byte[] FutureField = [0xc2, 0x0c, 0x05, .. "later"u8];

    [Fact]
    public async Task Fields_that_a_later_release_may_add_survive_in_every_kind_of_binary_record()
    {
        SyntheticCluster cluster = new SyntheticCluster().InBinary()
            .Repo("a").Commit("a", Id).Branch("a", "master", Id).Pipeline("p", "stopped:true " + SyntheticCluster.PlainInput).Job(Other, "p");
        ClusterKeys keys = cluster.Keys;
        byte[][] messages =
        [
            keys.Repo("a"u8), keys.Commit("a"u8, SyntheticCluster.Bytes(Id)), keys.Branch("a"u8, "master"u8), keys.Pipeline("p"u8),
            keys.Job(SyntheticCluster.Bytes(Other)),
        ];
        foreach (byte[] key in messages)
        {
            cluster.Replace(key, [.. cluster.ValueOf(key), .. FutureField]);
        }

        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster);

        Assert.All(messages, key => Assert.True(converted.Value(key).AsSpan().IndexOf(FutureField) >= 0));
        Assert.Equal(PipelineState.PipelinePaused, converted.Pipeline("p").State);
    }

    [Fact]
    public async Task Bytes_that_are_no_UTF_8_survive()
    {
        byte[] bytes = [0xff, 0xc0, 0x80, (byte)'x', 0xed, 0xa0, 0x80];
        string escaped = string.Concat(bytes.Select(value => $"\\{Convert.ToString(value, 8).PadLeft(3, '0')}"));
        SyntheticCluster cluster = new SyntheticCluster().Pipeline("p", SyntheticCluster.PlainInput + $"description:\"{escaped}\" ");
        cluster.Repo("a");
        RepoInfo repo = RepoInfo.Parser.ParseFrom(new SyntheticCluster().InBinary().Repo("a").ValueOf(cluster.Keys.Repo("a"u8)));
        repo.Description = ByteString.CopyFrom(bytes);
        cluster.Replace(cluster.Keys.Repo("a"u8), ProtoTextFormatter.Format(Pachyderm.Formats.V1_4.RepoInfo.Parser.ParseFrom(repo.ToByteArray())));

        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster);

        Assert.Equal(bytes, converted.Pipeline("p").Description.ToByteArray());
        Assert.Equal(bytes, RepoInfo.Parser.ParseFrom(converted.Value(cluster.Keys.Repo("a"u8))).Description.ToByteArray());
    }

    [Fact]
    public async Task A_branch_whose_name_has_slashes_keeps_its_key_and_head()
    {
        SyntheticCluster cluster = new SyntheticCluster().Repo("a").Commit("a", Id).Branch("a", "rel/1.0/x", Id);
        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster);

        Assert.Equal(SyntheticCluster.NewCommit("a", Id).ToByteArray(), converted.Value(SyntheticCluster.Bytes("pachyderm_pfs/branches/a/rel/1.0/x")));
    }

    [Theory]
    [InlineData("alpha/pfs", "alpha/pps")]
    [InlineData("x", "y")]
    [InlineData("same", "same")]
    public async Task A_cluster_under_other_prefixes_is_converted_and_the_neighbour_under_the_usual_ones_is_not(string pfs, string pps)
    {
        SyntheticCluster cluster = new SyntheticCluster(pfs, pps)
            .Repo("a").Commit("a", Id).Commit("a", Other, finished: false).Pipeline("p").Job(Id, "p")
            .Put("pachyderm_pfs/repos/a", "repo:<name:\"a\" > ")
            .Put("gc-generation", "3");
        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster);

        Assert.Equal([$"{pfs}/openCommits/{Other}"], converted.Added);
        Assert.Equal("p", converted.Pipeline("p").Pipeline.Name.ToStringUtf8());
        Assert.Equal(Id, converted.Job(Id).Job.Id.ToStringUtf8());
        Assert.Equal("repo:<name:\"a\" > ", converted.ValueText("pachyderm_pfs/repos/a"u8.ToArray()));
        Assert.Equal("3", converted.ValueText("gc-generation"u8.ToArray()));
    }

    [Fact]
    public async Task Records_on_a_lease_are_not_the_migrations_business()
    {
        SyntheticCluster cluster = new SyntheticCluster().Repo("a");
        byte[] job = cluster.Keys.Job(SyntheticCluster.Bytes(Id));
        cluster.Put(job, $"job:<id:\"{Id}\" > ", lease: 77);
        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster);

        Assert.Equal($"job:<id:\"{Id}\" > ", converted.ValueText(job));
    }

    [Fact]
    public async Task A_store_that_is_right_already_is_kept_byte_for_byte()
    {
        SyntheticCluster cluster = new SyntheticCluster().InBinary()
            .Repo("a").Commit("a", Id).Branch("a", "master", Id).Commit("a", Other, finished: false)
            .Pipeline("p").Job(SyntheticCluster.Id(3), "p");
        cluster.Message15(cluster.Keys.OpenCommit(SyntheticCluster.Bytes(Other)), SyntheticCluster.NewCommit("a", Other));
        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster, "1.5.0");

        Assert.Empty(converted.Added);
        Assert.Empty(converted.Changes);
        Assert.All(cluster.Records, record => Assert.Equal(record.Value.ToArray(), converted.Value(record.Key.ToArray())));
    }

    [Fact]
    public async Task In_a_mixed_store_text_is_converted_and_binary_is_kept()
    {
        SyntheticCluster cluster = new SyntheticCluster().Repo("old").Commit("old", Id).InBinary().Repo("new").Commit("new", Other);
        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster);

        Assert.Equal(RecordChangeKind.Replace, converted.ChangeOf(cluster.Keys.Repo("old"u8)));
        Assert.Equal(RecordChangeKind.Keep, converted.ChangeOf(cluster.Keys.Repo("new"u8)));
        Assert.Equal(2, converted.Changes["re-encoded from text to binary"]);
        Assert.Equal("old", RepoInfo.Parser.ParseFrom(converted.Value(cluster.Keys.Repo("old"u8))).Repo.Name.ToStringUtf8());
    }

    [Fact]
    public async Task An_unreadable_record_is_set_aside_only_if_it_was_asked_for()
    {
        SyntheticCluster cluster = new SyntheticCluster().Repo("a").Repo("b");
        byte[] bad = cluster.Keys.Repo("a"u8);
        cluster.Replace(bad, "repo:<name:");
        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster, quarantine: true);

        Assert.Equal(RecordChangeKind.Quarantine, converted.ChangeOf(bad));
        Assert.Equal(RecordChangeKind.Replace, converted.ChangeOf(cluster.Keys.Repo("b"u8)));
        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(() => ConvertedCluster.FromAsync(cluster));
        Assert.Contains("pachyderm_pfs/repos/a", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_upstreams_own_migration_made_is_carried_from_1_5_0_to_1_5_3()
    {
        SyntheticCluster cluster = UpstreamMigrated("pachyderm-1.4.8-small");
        using PreparedCluster prepared = await PreparedCluster.FromAsync(cluster);
        Assert.True(prepared.Inventory.Release.Allows(PreparedCluster.Version("1.5.0")), prepared.Inventory.Release.ToString());
        Assert.Equal(StoreKind.Cluster, prepared.Inventory.Release.Kind);

        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster);

        ClusterKeys keys = cluster.Keys;
        foreach (byte[] key in cluster.Records.Select(record => record.Key.ToArray()))
        {
            switch (keys.Parse(key).Kind)
            {
                case RecordKind.Pipeline:
                    PipelineInfo pipeline = PipelineInfo.Parser.ParseFrom(converted.Value(key));
                    Assert.Equal(pipeline.Id, pipeline.Salt);
                    Assert.NotNull(pipeline.Input);
                    Assert.False(pipeline.StoppedOf14);
                    Assert.True((pipeline.ParallelismSpec?.Constant ?? 0) == 0 || pipeline.ParallelismSpec!.Coefficient == 0);
                    break;
                case RecordKind.Job:
                    JobInfo job = JobInfo.Parser.ParseFrom(converted.Value(key));
                    Assert.NotNull(job.Stats);
                    Assert.NotNull(job.Input);
                    Assert.True(job.PipelineId.IsEmpty);
                    break;
                case RecordKind.PipelineStoppedIndex or RecordKind.JobStoppedIndex or RecordKind.JobInputsIndex:
                    Assert.False(converted.Has(key));
                    break;
                case RecordKind.Repo or RecordKind.Commit or RecordKind.Branch:
                    Assert.Equal(cluster.ValueOf(key), converted.Value(key));
                    break;
            }
        }
    }

    private static SyntheticCluster UpstreamMigrated(string set)
    {
        SyntheticCluster cluster = new();
        using StreamReader lines = new(new GZipStream(
            System.IO.File.OpenRead(Path.Combine(RepositoryPaths.Fixture(set), "migrated-by-upstream", "etcd.jsonl.gz")), CompressionMode.Decompress));
        while (lines.ReadLine() is { } line)
        {
            using JsonDocument record = JsonDocument.Parse(line);
            if (record.RootElement.GetProperty("lease").GetInt64() == 0)
            {
                cluster.Put(record.RootElement.GetProperty("key").GetBytesFromBase64(), record.RootElement.GetProperty("value").GetBytesFromBase64());
            }
        }

        return cluster;
    }
}
