using Pachyderm.Pps.Schedules;

namespace Pachyderm.Pps.Specs;

/// <summary>How datums are processed: what a job takes over from its pipeline when it is created.</summary>
/// <param name="Transform">What runs.</param>
/// <param name="OutputBranch">The branch that jobs commit to.</param>
public sealed record Workload(Transform Transform, string OutputBranch)
{
    /// <summary>How many workers; null for one for each node.</summary>
    public ParallelismSpec? Parallelism { get; init; }

    /// <summary>What a worker asks for.</summary>
    public ResourceSpec? Resources { get; init; }

    /// <summary>Where output goes besides the output repo.</summary>
    public Egress? Egress { get; init; }

    /// <summary>After this time without work, workers are given up; null for never.</summary>
    public TimeSpan? ScaleDownThreshold { get; init; }

    /// <summary>Whether programs see what changed only, and their last output.</summary>
    public bool Incremental { get; init; }

    /// <summary>Size of the cache of blocks, as a quantity.</summary>
    public string CacheSize { get; init; } = PipelineSpec.DefaultCacheSize;

    /// <summary>Whether jobs commit statistics.</summary>
    public bool EnableStats { get; init; }

    /// <summary>Stored only.</summary>
    public bool Batch { get; init; }

    /// <summary>The workload of a spec that was completed and checked.</summary>
    internal static Workload Of(PipelineSpec spec) => new(spec.Transform!, spec.OutputBranch)
    {
        Parallelism = spec.Parallelism,
        Resources = spec.Resources,
        Egress = spec.Egress,
        ScaleDownThreshold = spec.ScaleDownThreshold,
        Incremental = spec.Incremental,
        CacheSize = spec.CacheSize,
        EnableStats = spec.EnableStats,
        Batch = spec.Batch,
    };

    /// <summary>
    /// What a worker is given: a memory that cannot be read is replaced by the size of the cache, and one below it is raised to it.
    /// </summary>
    /// <returns>Thousandths of a core, bytes, number of GPUs.</returns>
    public (long MilliCpu, long MemoryBytes, long Gpu) Requests()
    {
        long cache = Quantity.TryParse(CacheSize, out Quantity size, out _) ? size.Value : 0;
        long memory = Quantity.TryParse(Resources?.Memory ?? "", out Quantity wanted, out _) ? wanted.Value : cache;
        float cpu = Resources is { Cpu: > 0 } ? Resources.Cpu : 0;
        const int Milli = 1000;
        return ((long)Math.Ceiling(Math.Round((decimal)cpu, 6) * Milli), Math.Max(memory, cache), Resources?.Gpu ?? 0);
    }
}
