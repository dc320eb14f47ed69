using Google.Protobuf;
using Pachyderm.Errors;
using Pachyderm.Formats.V1_5;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Survey;
using Pachyderm.Migration.Tests.Support;

namespace Pachyderm.Migration.Tests.Survey;

public sealed class DetectionTests
{
    private static readonly string Id = SyntheticCluster.Id(1);

    public static TheoryData<string, StoreKind, string, string, string> Stores => new()
    {
        { "late 1.4", StoreKind.Cluster, "1.4.0", "1.4.8", "records are protobuf text" },
        { "1.4 with inputs", StoreKind.Cluster, "1.4.0", "1.4.8", "first written by 1.4.5 or earlier" },
        { "1.4 with gc_policy", StoreKind.Cluster, "1.4.0", "1.4.8", "first written by 1.4.3 or earlier" },
        { "1.4 with a job's error", StoreKind.Cluster, "1.4.0", "1.4.8", "first written by 1.4.3 or earlier" },
        { "1.5.0", StoreKind.Cluster, "1.5.0", "1.5.0", "without salts" },
        { "1.5.0 by its jobs", StoreKind.Cluster, "1.5.0", "1.5.0", "without salts" },
        { "1.5 without pipelines", StoreKind.Cluster, "1.5.0", "1.5.3", "records are protobuf binary" },
        { "1.5.3", StoreKind.Cluster, "1.5.1", "1.5.3", "with salts" },
        { "1.5.3 by its jobs", StoreKind.Cluster, "1.5.1", "1.5.3", "with salts" },
        { "mixed", StoreKind.Mixed, "1.4.0", "1.4.8", "2 records are text of 1.4 and 1 binary of 1.5" },
        { "only counts", StoreKind.Cluster, "1.4.0", "1.5.3", "no record tells its release" },
    };

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task The_data_shows_its_release(string store, StoreKind kind, string earliest, string latest, string why)
    {
        using PreparedCluster prepared = await PreparedCluster.FromAsync(Make(store));
        DetectedRelease release = prepared.Inventory.Release;

        Assert.Equal((kind, earliest, latest), (release.Kind, release.Earliest.ToString(), release.Latest.ToString()));
        Assert.Contains(why, release.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_store_and_one_of_somebody_else_are_told_apart()
    {
        using PreparedCluster empty = await PreparedCluster.FromAsync(new SyntheticCluster());
        using PreparedCluster foreign = await PreparedCluster.FromAsync(new SyntheticCluster().Put("registry/pods/default/x", "{}").Put("gc-generation", "1"));

        Assert.Equal(StoreKind.Empty, empty.Inventory.Release.Kind);
        Assert.Equal(StoreKind.Foreign, foreign.Inventory.Release.Kind);
        Assert.Equal("store-empty", Refusal(empty, null, "1.5.3").Id);
        Assert.Equal("store-foreign", Refusal(foreign, null, "1.5.3").Id);
    }

    [Theory]
    [InlineData("late 1.4", "1.5.0")]
    [InlineData("mixed", "1.5.0")]
    [InlineData("1.5.0", "1.4.8")]
    [InlineData("1.5.0", "1.5.3")]
    [InlineData("1.5.3", "1.5.0")]
    [InlineData("1.5.3", "1.4.8-RC1")]
    public async Task A_wrong_source_release_is_refused(string store, string from)
    {
        using PreparedCluster prepared = await PreparedCluster.FromAsync(Make(store));

        OperatorException refused = Refusal(prepared, from, "1.5.3");
        Assert.Equal("wrong-from", refused.Id);
        Assert.Contains(from, refused.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("late 1.4", "1.4.0", "1.4.x-1.5.x")]
    [InlineData("late 1.4", "1.4.8-RC1", "1.4.x-1.5.x")]
    [InlineData("late 1.4", null, "1.4.x-1.5.x")]
    [InlineData("mixed", "1.4.7", "1.4.x-1.5.x")]
    [InlineData("1.5.0", "1.5.0", "1.5.x-1.5.x")]
    [InlineData("1.5.3", "1.5.2", "1.5.x-1.5.x")]
    [InlineData("1.5.3", null, null)]
    public async Task A_right_source_release_or_none_leads_to_its_step(string store, string? from, string? folder)
    {
        using PreparedCluster prepared = await PreparedCluster.FromAsync(Make(store));

        Assert.Equal(folder, Plan(prepared, from, "1.5.3").Step?.Folder);
    }

    [Fact]
    public async Task A_stamp_decides_where_the_data_leaves_it_open()
    {
        MigrationStamp stamp = new()
        {
            Release = "1.5.3",
            From = "1.4.8",
            MigrationId = "m",
            SourceDigest = new string('0', 64),
            At = DateTimeOffset.UnixEpoch,
            Program = "pachctl 3.0.0",
        };
        byte[] key = new MigrationKeys("pachyderm_pfs").Stamp;
        byte[] value = JournalJson.Encode(stamp, JournalJson.Default.MigrationStamp);
        using PreparedCluster open = await PreparedCluster.FromAsync(Make("1.5 without pipelines").Put(key, value));
        using PreparedCluster contradicted = await PreparedCluster.FromAsync(Make("late 1.4").Put(key, value));

        Assert.Equal(stamp, open.Inventory.Stamp);
        Assert.Equal("1.5.3", Plan(open, null, "1.5.3").From.ToString());
        Assert.Null(Plan(open, null, "1.5.3").Step);

        // Whatever a stamp says, text is of 1.4.
        Assert.Equal("1.4.8", Plan(contradicted, null, "1.5.3").From.ToString());
    }

    private static MigrationPlan Plan(PreparedCluster prepared, string? from, string to)
    {
        MigrationSteps.Register();
        return MigrationPlan.Make(
            prepared.Inventory,
            new MigrationRequest
            {
                From = from is null ? null : PreparedCluster.Version(from),
                To = PreparedCluster.Version(to),
                BackupDirectory = prepared.Directory["backup"],
            },
            "the test");
    }

    private static OperatorException Refusal(PreparedCluster prepared, string? from, string to) =>
        Assert.Throws<OperatorException>(() => Plan(prepared, from, to));

    private static SyntheticCluster Make(string store)
    {
        SyntheticCluster cluster = new();
        PipelineInfo salted = new() { Pipeline = new Pipeline { Name = Text("p") }, Salt = Text("s"), Input = new Input { Atom = new AtomInput() } };
        JobInfo measured = new() { Job = new Job { Id = Text(Id) }, Stats = new ProcessStats() };
        return store switch
        {
            "late 1.4" => cluster.Repo("a").Pipeline("p").Job(Id, "p"),
            "1.4 with inputs" => cluster.Repo("a").Pipeline("p", "inputs:<repo:<name:\"a\" > glob:\"/\" > "),
            "1.4 with gc_policy" => cluster.Repo("a").Pipeline("p", "gc_policy:<success:<seconds:1 > > " + SyntheticCluster.PlainInput),
            "1.4 with a job's error" => cluster.Repo("a").Job(Id, "p", "error:\"x\" "),
            "1.5.0" => cluster.InBinary().Repo("a").Pipeline("p"),
            "1.5.0 by its jobs" => cluster.InBinary().Repo("a").Job(Id, "p", "pipeline_id:\"i\" "),
            "1.5 without pipelines" => cluster.InBinary().Repo("a").Commit("a", Id),
            "1.5.3" => cluster.InBinary().Repo("a").Message15(cluster.Keys.Pipeline("p"u8), salted),
            "1.5.3 by its jobs" => cluster.InBinary().Repo("a").Message15(cluster.Keys.Job(SyntheticCluster.Bytes(Id)), measured),
            "mixed" => cluster.Repo("a").Repo("b").InBinary().Repo("c"),
            "only counts" => cluster.Put(cluster.Keys.RepoRefCount("a"u8), "0"),
            _ => throw new ArgumentOutOfRangeException(nameof(store), store, "no such store"),
        };
    }

    private static ByteString Text(string text) => ByteString.CopyFromUtf8(text);
}
