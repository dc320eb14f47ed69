using System.Text;
using Pachyderm.Formats.V1_5;
using Pachyderm.Migration.Survey;
using Pachyderm.Migration.Tests.Support;

namespace Pachyderm.Migration.Tests.Survey;

public sealed class FindingTests
{
    private static readonly string Finished = SyntheticCluster.Id(1);
    private static readonly string Open = SyntheticCluster.Id(2);
    private static readonly string Unknown = SyntheticCluster.Id(3);

    [Fact]
    public async Task Every_one_of_two_dozen_defects_gives_its_own_finding_with_key_reason_and_remedy()
    {
        (string Id, string Thing)[] expected =
        [
            ("open-commit", $"a/{Open}"),
            ("repo-missing", "ghost"),
            ("reference-count", "pachyderm_pfs/repoRefCounts/a"),
            ("reference-count", "pachyderm_pfs/repoRefCounts/b"),
            ("dangling-provenance", "b"),
            ("dangling-commit", "pachyderm_pfs/branches/a/master"),
            ("branch-name-length", $"pachyderm_pfs/branches/a/{new string('n', 32)}"),
            ("running-job", $"pachyderm_pps/jobs/{SyntheticCluster.Id(10)}"),
            ("running-job", $"pachyderm_pps/jobs/{SyntheticCluster.Id(11)}"),
            ("registered-worker", "pachyderm_pps/workers/pipeline-p-v1/10.0.0.1"),
            ("registered-master", "pachyderm_pps/_master_lock/1234"),
            ("registered-master", "pachyderm_pps/_master_worker_lock/p/salt/1234"),
            ("unknown-key", "pachyderm_pfs/something/else"),
            ("unknown-fields", "pachyderm_pfs/repos/future"),
            ("pipeline-without-input", "blind"),
            ("environment-tags", "env"),
            ("no-coefficient", "nothing"),
            ("stop-in-progress", "stopping"),
            ("late-write", $"a/{Finished}"),
            ("orphaned-write", $"a/{Unknown}"),
            ("bad-record", "pachyderm_pfs/repos/cut"),
            ("bad-record", "pachyderm_pfs/repos/empty"),
            ("bad-record", "pachyderm_pfs/repos/misnamed"),
            ("bad-record", $"pachyderm_pfs/commits/a/{SyntheticCluster.Id(20)}"),
            ("bad-record", "pachyderm_pfs/branches/a/headless"),
            ("bad-record", "pachyderm_pps/pipelines/unstated"),
            ("bad-record", $"pachyderm_pps/jobs/{SyntheticCluster.Id(21)}"),
        ];
        using PreparedCluster prepared = await PreparedCluster.FromAsync(Damaged());
        IReadOnlyList<Finding> findings = prepared.Findings();

        Assert.All(findings, finding => Assert.True(
            finding.Id.Length > 0 && finding.Thing.Length > 0 && finding.Problem.Length > 0 && finding.Remedy.Length > 0, finding.ToString()));
        Assert.Equal(
            string.Join('\n', expected.Select(finding => $"{finding.Id} {finding.Thing}").Order(StringComparer.Ordinal)),
            string.Join('\n', findings.Select(finding => $"{finding.Id} {finding.Thing}").Order(StringComparer.Ordinal)));
        Assert.Equal(expected.Length, findings.Select(finding => finding.ToString()).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task A_cluster_in_order_gives_no_finding()
    {
        using PreparedCluster prepared = await PreparedCluster.FromAsync(new SyntheticCluster()
            .Repo("in").Commit("in", Finished).Branch("in", "master", Finished)
            .Pipeline("p").Repo("p", "in").Commit("p", Unknown, provenance: ("in", Finished)).Job(SyntheticCluster.Id(9), "p"));

        Assert.Empty(prepared.Findings());
    }

    [Fact]
    public async Task Findings_of_one_kind_are_counted_beyond_what_is_kept_of_them()
    {
        SyntheticCluster cluster = new();
        for (int number = 0; number < FindingList.DetailLimit + 5; number++)
        {
            cluster.Put($"pachyderm_pfs/unknown/{number}", "x");
        }

        using PreparedCluster prepared = await PreparedCluster.FromAsync(cluster);

        Assert.Equal(FindingList.DetailLimit + 5, prepared.Inventory.Findings.Counts["unknown-key"].Count);
        Assert.Equal(FindingList.DetailLimit, prepared.Inventory.Findings.Details.Count);
    }

    private static SyntheticCluster Damaged()
    {
        SyntheticCluster cluster = new SyntheticCluster()
            .Repo("a").Commit("a", Finished).Commit("a", Open, finished: false)
            .Repo("b", "a", "gone")
            .Repo("cut").Repo("empty").Repo("misnamed").Repo("future")
            .Branch("a", "master", SyntheticCluster.Id(40))
            .Branch("a", new string('n', 32), Finished)
            .Put("pachyderm_pfs/repoRefCounts/ghost", "1")
            .Put("pachyderm_pfs/something/else", "?")
            .Put("pachyderm_pps/workers/pipeline-p-v1/10.0.0.1", "", lease: 5)
            .Put("pachyderm_pps/_master_lock/1234", "", lease: 5)
            .Put("pachyderm_pps/_master_worker_lock/p/salt/1234", "", lease: 5)
            .Job(SyntheticCluster.Id(10), "p", "state:JOB_RUNNING ").Job(SyntheticCluster.Id(11), "p", "")
            .Pipeline("blind", "state:PIPELINE_RUNNING ")
            .Pipeline("env", "transform:<env:<key:\"A\" value:\"1\" > > " + SyntheticCluster.PlainInput)
            .Pipeline("nothing", "parallelism_spec:<strategy:COEFFICIENT > " + SyntheticCluster.PlainInput)
            .Pipeline("stopping", "state:PIPELINE_RUNNING stopped:true " + SyntheticCluster.PlainInput)
            .Commit("a", SyntheticCluster.Id(20))
            .Put("pachyderm_pfs/branches/a/headless", "repo:<name:\"a\" > ")
            .Put("pachyderm_pps/pipelines/unstated", "pipeline:<name:\"unstated\" > state:9 ")
            .Job(SyntheticCluster.Id(21), "p");
        cluster.Put(cluster.Keys.Scratch("a"u8, Text(Finished), "f"u8, "u1"u8), "delete");
        cluster.Put(cluster.Keys.Scratch("a"u8, Text(Unknown), "f"u8, "u2"u8), "delete");
        cluster.Replace(cluster.Keys.RepoRefCount("a"u8), "7").Replace(cluster.Keys.RepoRefCount("b"u8), "none");
        cluster.Replace(cluster.Keys.Repo("cut"u8), "repo:<name:\"cut\"").Replace(cluster.Keys.Repo("empty"u8), "");
        cluster.Replace(cluster.Keys.Repo("misnamed"u8), "repo:<name:\"other\" > ");
        cluster.Replace(
            cluster.Keys.Commit("a"u8, Text(SyntheticCluster.Id(20))),
            $"commit:<repo:<name:\"a\" > id:\"{SyntheticCluster.Id(20)}\" > finished:<seconds:1 > tree:<hash:\"short\" > ");
        cluster.Replace(cluster.Keys.Job(Text(SyntheticCluster.Id(21))), $"job:<id:\"{SyntheticCluster.Id(22)}\" > ");
        foreach (string unreadable in (string[])["cut", "empty", "misnamed"])
        {
            cluster.Remove(cluster.Keys.RepoRefCount(Text(unreadable)));
        }

        RepoInfo future = new() { Repo = new Repo { Name = Google.Protobuf.ByteString.CopyFromUtf8("future") } };
        return cluster.Replace(cluster.Keys.Repo("future"u8), [.. Google.Protobuf.MessageExtensions.ToByteArray(future), 0xc2, 0x0c, 0x01, (byte)'x']);
    }

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);
}
