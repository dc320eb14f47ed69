using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Targets;
using Pachyderm.Migration.Tests.Support;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Tests.Verification;

/// <summary>
/// Applies a conversion to a snapshot and verifies the outcome as the engine does. The one place of these tests that calls the verifier.
/// </summary>
internal static class VerifiedMigration
{
    /// <summary>Converts and verifies with one and the same conversion, right or wrong.</summary>
    public static Task RunAsync(SyntheticCluster cluster, Func<IRecordConversion, IRecordConversion> wrap, string to = "1.5.3") =>
        RunAsync(cluster, wrap, wrap, to);

    /// <summary>Converts with one conversion and verifies with another: what was written is not what should have been.</summary>
    public static async Task RunAsync(
        SyntheticCluster cluster, Func<IRecordConversion, IRecordConversion> wrapApplied, Func<IRecordConversion, IRecordConversion> wrapVerified, string to)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        using PreparedCluster prepared = await PreparedCluster.FromAsync(cluster);
        MigrationSteps.Register();
        MigrationRequest request = new()
        {
            To = PreparedCluster.Version(to),
            PfsPrefix = cluster.PfsPrefix,
            PpsPrefix = cluster.PpsPrefix,
            BackupDirectory = prepared.Directory["backup"],
        };
        MigrationPlan plan = MigrationPlan.Make(prepared.Inventory, request, "the test");
        MigrationStamp stamp = new()
        {
            Release = to,
            From = "1.4.8",
            MigrationId = "m",
            SourceDigest = prepared.Inventory.Digest.ToString(),
            At = DateTimeOffset.UnixEpoch,
            Program = "the test",
        };
        await using SnapshotTarget target = await SnapshotTarget.OpenAsync(
            prepared.File.Path, prepared.Directory["migrated.snap"], cluster.PfsPrefix, TimeProvider.System, cancellation);
        await target.AcquireFenceAsync("m", cancellation);
        using EtcdSnapshotFile source = await target.OpenSourceImageAsync("", cancellation);
        await target.ApplyAsync(
            new ApplyRequest(source, wrapApplied(plan.Conversion!), prepared.Inventory.Classifier, stamp, HasQuarantine: false, RateLimit: null),
            progress: null,
            cancellation);
        await using OpenedSource migrated = await ((IMigrationTarget)target).OpenMigratedAsync(cancellation);
        await Verifier.RunAsync(
            source, migrated, plan with { Conversion = wrapVerified(plan.Conversion!) }, request, "the test", progress: null, cancellation);
    }
}
