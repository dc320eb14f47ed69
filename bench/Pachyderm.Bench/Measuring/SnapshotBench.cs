using Pachyderm.Migration.Reports;

namespace Pachyderm.Bench.Measuring;

/// <summary>Times the commands from a snapshot file to a snapshot file.</summary>
internal sealed class SnapshotBench(PachctlProcess pachctl, BenchFolder folder, long records)
{
    private const string Store = "snapshot";

    /// <summary>Measures all commands. The migrated snapshot stays in the folder.</summary>
    public async Task<IReadOnlyList<Measurement>> RunAsync(CancellationToken cancellationToken)
    {
        string[] files = ["--snapshot", folder.Snapshot, "--out", folder.Output, "--backup", folder.Backup];
        folder.Clear();
        await pachctl.RunAsync(["migrate", "--check", .. files, "--report", folder.Report], cancellationToken);
        long changed = CountChanged(await MigrationReport.ReadAsync(folder.Report, cancellationToken));
        return
        [
            await MeasureAsync("check", ["migrate", "--check", .. files], keepOutput: false),
            await MeasureAsync("dry run", ["migrate", "--dry-run", .. files], keepOutput: false),
            await MeasureAsync("migrate", ["migrate", .. files], keepOutput: false),
            await MeasureAsync("verify", ["migrate", "verify", .. files], keepOutput: true),
        ];

        Task<Measurement> MeasureAsync(string name, string[] arguments, bool keepOutput) =>
            Measurement.TakeAsync(Store, name, records, changed, () =>
            {
                if (!keepOutput)
                {
                    folder.Clear();
                }

                return pachctl.RunAsync(arguments, cancellationToken);
            });
    }

    /// <summary>All records of the kinds whose digest changes: the generated cluster has no message that is binary already.</summary>
    private static long CountChanged(MigrationReport report) => report.Before!.Kinds
        .Where(kind => report.After!.Kinds.GetValueOrDefault(kind.Key)?.Digest != kind.Value.Digest)
        .Sum(kind => kind.Value.Count);
}
