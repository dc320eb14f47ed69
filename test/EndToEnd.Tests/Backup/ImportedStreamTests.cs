using Pachyderm.EndToEnd.Tests.Support;
using Pachyderm.Tests;

namespace Pachyderm.EndToEnd.Tests.Backup;

/// <summary>A genuine 1.5 cluster, imported with its content where it is, as a stream.</summary>
public class ImportedStreamTests(StreamCluster cluster) : IClassFixture<StreamCluster>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_imported_cluster_goes_elsewhere_without_its_older_store()
    {
        IReadOnlyList<string> answers;
        using (FixtureContent content = new("pachyderm-1.5.3-small", "object-store.tar.gz"))
        {
            string snapshot = Path.Combine(FixtureContent.FixtureDirectory("pachyderm-1.5.3-small"), "etcd.snap");
            (await cluster.TryAsync(
                "migrate", "--from", "1.5.3", "--to", "3.0.0", "--snapshot", snapshot, "--storage", content.Root, "--data", cluster["imported"],
                "--accept", "registered-master")).MustExitWith(0);
            (await cluster.TryAsync("backup", "create", "--data", cluster["imported"], "--backup", cluster["imports"]))
                .MustRefuse(1, "lie in the older store", "--without-adopted");
            await using PachdProcess imported = await PachdProcess.StartAsync(cluster["imported"]);
            answers = await ClusterAnswers.ReadAsync(imported.Address, Cancel);
            Assert.NotEmpty(answers);
            await cluster.RunAtAsync(imported.Address, "extract", "-f", cluster["imported-stream"]);
        }

        await using PachdProcess other = await PachdProcess.StartAsync(cluster["imported-elsewhere"]);
        await cluster.RunAtAsync(other.Address, "restore", "-f", cluster["imported-stream"]);
        Assert.Equal(answers, await ClusterAnswers.ReadAsync(other.Address, Cancel), StringComparer.Ordinal);
        await cluster.RunAtAsync(other.Address, "fsck", "--read-data");
    }
}
