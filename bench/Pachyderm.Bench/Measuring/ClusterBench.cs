using Pachyderm.Bench.Generation;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Bench.Measuring;

/// <summary>Generates a cluster, times the commands on it, and prints a Markdown table.</summary>
internal static class ClusterBench
{
    private const int StartUps = 20;

    /// <summary>Runs it all.</summary>
    /// <param name="records">Records of the cluster.</param>
    /// <param name="seed">Seed of the cluster.</param>
    /// <param name="withEtcd">Whether to measure on an etcd, too.</param>
    /// <param name="directory">Where the files go meanwhile.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    public static async Task RunAsync(long records, ulong seed, bool withEtcd, string directory, CancellationToken cancellationToken)
    {
        PachctlProcess pachctl = await PachctlProcess.PrepareAsync(cancellationToken);
        using BenchFolder folder = new(directory);
        IReadOnlyList<string> facts = await MachineFacts.DescribeAsync(folder.Root, cancellationToken);
        WrittenSnapshot cluster = await ClusterGenerator.WriteAsync(folder.Snapshot, records, seed, cancellationToken);

        double startUp = await MeasureStartUpAsync(pachctl, cancellationToken);
        List<Measurement> measurements = [.. await new SnapshotBench(pachctl, folder, records).RunAsync(cancellationToken)];
        PlainLoop? loop = null;
        if (withEtcd)
        {
            (IReadOnlyList<Measurement> commands, loop) =
                await new EtcdBench(pachctl, folder, records, measurements[0].Changed).RunAsync(cancellationToken);
            measurements.AddRange(commands);
        }

        foreach (string fact in facts)
        {
            Console.Out.WriteLine(fact);
        }

        Console.Out.WriteLine($"- cluster: {records:n0} records, {measurements[0].Changed:n0} of which change; snapshot of {cluster.SizeBytes / 1e6:n0} MB");
        Console.Out.WriteLine($"- `pachctl version --client-only`: {startUp * 1000:n0} ms (median of {StartUps})");
        Console.Out.WriteLine();
        Print(measurements, loop);
    }

    private static async Task<double> MeasureStartUpAsync(PachctlProcess pachctl, CancellationToken cancellationToken)
    {
        List<double> times = [];
        for (int index = 0; index < StartUps; index++)
        {
            times.Add((await pachctl.RunAsync(["version", "--client-only"], cancellationToken)).Elapsed.TotalSeconds);
        }

        return Measurement.Median(times);
    }

    private static void Print(IReadOnlyList<Measurement> measurements, PlainLoop? loop)
    {
        Console.Out.WriteLine("| store | command | seconds | records/s | changing records/s | times the plain loop | processor s | peak memory | runs |");
        Console.Out.WriteLine("|---|---|---:|---:|---:|---:|---:|---:|---|");
        if (loop is not null)
        {
            Console.Out.WriteLine($"| etcd | plain Get and Put, {loop.Records:n0} keys | {loop.Seconds:n1} | {loop.RecordsPerSecond:n0} | | 1 | | | 1 |");
        }

        foreach (Measurement measured in measurements)
        {
            string ratio = loop is null || measured.Store != "etcd" ? "" : $"{measured.RecordsPerSecond / loop.RecordsPerSecond:n1}";
            string runs = string.Join(", ", measured.Costs.Select(cost => $"{cost.Elapsed.TotalSeconds:n1}"));
            Console.Out.WriteLine(
                $"| {measured.Store} | {measured.Command} | {measured.Seconds:n1} | {measured.RecordsPerSecond:n0} | {measured.Changed / measured.Seconds:n0} | {ratio} "
                + $"| {measured.ProcessorSeconds:n1} | {measured.PeakBytes / (1 << 20):n0} MiB | {runs} |");
        }
    }
}
