namespace Pachyderm.Bench.Measuring;

/// <summary>One command, measured several times.</summary>
/// <param name="Store">What it ran on.</param>
/// <param name="Command">The command.</param>
/// <param name="Records">Records of the store, changed or not.</param>
/// <param name="Changed">Those of them that the migration changes or removes.</param>
/// <param name="Costs">What each run took.</param>
internal sealed record Measurement(string Store, string Command, long Records, long Changed, IReadOnlyList<ProcessCost> Costs)
{
    /// <summary>A command that takes longer is measured once.</summary>
    private static readonly TimeSpan LongestRepeated = TimeSpan.FromMinutes(1);

    private const int Repetitions = 3;

    public double Seconds => Median(Costs.Select(cost => cost.Elapsed.TotalSeconds));

    public double ProcessorSeconds => Median(Costs.Select(cost => cost.Processor.TotalSeconds));

    public double RecordsPerSecond => Records / Seconds;

    public long PeakBytes => Costs.Max(cost => cost.PeakBytes);

    /// <summary>Measures a command three times, or once if it takes more than a minute.</summary>
    /// <param name="store">What it runs on.</param>
    /// <param name="command">Its name.</param>
    /// <param name="records">Records of the store.</param>
    /// <param name="changed">Records that change.</param>
    /// <param name="run">Makes everything ready and runs it.</param>
    public static async Task<Measurement> TakeAsync(string store, string command, long records, long changed, Func<Task<ProcessCost>> run)
    {
        List<ProcessCost> costs = [];
        do
        {
            costs.Add(await run());
            Console.Error.WriteLine($"{store}, {command}: {costs[^1].Elapsed.TotalSeconds:n1} s");
        }
        while (costs.Count < Repetitions && costs[0].Elapsed < LongestRepeated);

        return new Measurement(store, command, records, changed, costs);
    }

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
