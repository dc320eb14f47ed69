using System.Diagnostics;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Etcd;
using Pachyderm.RecordStores.Snapshot;
using Pachyderm.TestSupport;

namespace Pachyderm.Bench.Measuring;

/// <summary>Times the commands on a real etcd on loopback, beside the plain loop that they replace.</summary>
internal sealed class EtcdBench(PachctlProcess pachctl, BenchFolder folder, long records, long changed)
{
    private const string Store = "etcd";
    private const int SampledKeys = 20_000;
    private const long QuotaBytes = 8L << 30;

    /// <summary>Measures all commands, each migration on an etcd that was restored anew, and the plain loop before them.</summary>
    /// <returns>The commands, and the records a second of the plain loop.</returns>
    public async Task<(IReadOnlyList<Measurement> Commands, PlainLoop Loop)> RunAsync(CancellationToken cancellationToken)
    {
        EtcdProcess etcd = await RestoreAsync(cancellationToken);
        try
        {
            PlainLoop loop = await MeasureLoopAsync(etcd.Endpoint, cancellationToken);
            await etcd.DisposeAsync();
            etcd = await RestoreAsync(cancellationToken);
            List<Measurement> commands = [];
            foreach ((string name, string option) in ((string, string)[])[("check", "--check"), ("dry run", "--dry-run")])
            {
                commands.Add(await Measurement.TakeAsync(Store, name, records, changed, () =>
                {
                    folder.Clear();
                    return pachctl.RunAsync(["migrate", option, "--etcd", etcd.Endpoint, "--backup", folder.Backup], cancellationToken);
                }));
            }

            bool isFresh = true;
            commands.Add(await Measurement.TakeAsync(Store, "migrate", records, changed, async () =>
            {
                if (!isFresh)
                {
                    await etcd.DisposeAsync();
                    etcd = await RestoreAsync(cancellationToken);
                }

                isFresh = false;
                folder.Clear();
                return await pachctl.RunAsync(["migrate", "--yes", "--etcd", etcd.Endpoint, "--backup", folder.Backup], cancellationToken);
            }));
            commands.Add(await Measurement.TakeAsync(Store, "verify", records, changed, () =>
                pachctl.RunAsync(["migrate", "verify", "--etcd", etcd.Endpoint, "--backup", folder.Backup], cancellationToken)));
            return (commands, loop);
        }
        finally
        {
            await etcd.DisposeAsync();
        }
    }

    private Task<EtcdProcess> RestoreAsync(CancellationToken cancellationToken) =>
        EtcdProcess.StartAsync(new EtcdProcessOptions { Snapshot = folder.Snapshot, QuotaBytes = QuotaBytes }, cancellationToken);

    /// <summary>
    /// What a script would do: for one key after the other, get it and put the migrated value. The keys are spread evenly over the
    /// migrated snapshot that the folder holds from the commands before.
    /// </summary>
    private async Task<PlainLoop> MeasureLoopAsync(string endpoint, CancellationToken cancellationToken)
    {
        List<StoredRecord> sample = [];
        using (EtcdSnapshotFile migrated = await EtcdSnapshotFile.OpenAsync(folder.Output, SnapshotIntegrity.Trust, cancellationToken))
        {
            long step = Math.Max(1, migrated.LiveRecordCount / SampledKeys);
            long number = 0;
            await foreach (IReadOnlyList<StoredRecord> page in migrated.ReadByRevisionAsync(KeyRange.All, cancellationToken))
            {
                foreach (StoredRecord record in page)
                {
                    if (number++ % step == 0)
                    {
                        // A page stays in memory as long as one of its records does.
                        sample.Add(record with { Key = record.Key.ToArray(), Value = record.Value.ToArray() });
                    }
                }
            }
        }

        await using EtcdRecordStore store = await EtcdRecordStore.ConnectAsync(endpoint, options: null, cancellationToken);
        long started = Stopwatch.GetTimestamp();
        foreach (StoredRecord record in sample)
        {
            await store.GetAsync(record.Key, cancellationToken);
            await store.CommitAsync(new RecordTransaction([], [RecordWrite.Put(record.Key, record.Value)]), cancellationToken);
        }

        return new PlainLoop(sample.Count, Stopwatch.GetElapsedTime(started).TotalSeconds);
    }
}

/// <summary>The plain loop: one Get and one Put a record, one after the other.</summary>
/// <param name="Records">Records that it carried.</param>
/// <param name="Seconds">How long it took.</param>
internal sealed record PlainLoop(long Records, double Seconds)
{
    public double RecordsPerSecond => Records / Seconds;
}
