namespace Pachyderm.Pps.Specs;

/// <summary>A pipeline as a request describes it (spec/pps.md section 1).</summary>
public sealed record PipelineSpec
{
    /// <summary>Cache of a pipeline whose spec names none.</summary>
    public const string DefaultCacheSize = "64M";

    /// <summary>The branch that jobs commit to, and that atoms read, if a spec names none.</summary>
    public const string DefaultBranch = "master";

    /// <summary>Name of the pipeline and its output repo.</summary>
    public string Name { get; init; } = "";

    /// <summary>Free text.</summary>
    public string Description { get; init; } = "";

    /// <summary>What runs; required.</summary>
    public Transform? Transform { get; init; }

    /// <summary>How many workers.</summary>
    public ParallelismSpec? Parallelism { get; init; }

    /// <summary>What a worker asks for.</summary>
    public ResourceSpec? Resources { get; init; }

    /// <summary>Where datums come from; required, unless <see cref="LegacyInputs"/> are given.</summary>
    public InputSpec? Input { get; init; }

    /// <summary>The deprecated form of <see cref="Input"/>.</summary>
    public ValueList<LegacyInput> LegacyInputs { get; init; }

    /// <summary>The branch that jobs commit to.</summary>
    public string OutputBranch { get; init; } = "";

    /// <summary>Where output goes besides the output repo.</summary>
    public Egress? Egress { get; init; }

    /// <summary>After this time without work, workers are given up; null for never.</summary>
    public TimeSpan? ScaleDownThreshold { get; init; }

    /// <summary>Whether programs see what changed only, and their last output.</summary>
    public bool Incremental { get; init; }

    /// <summary>Size of the cache of blocks, as a quantity.</summary>
    public string CacheSize { get; init; } = "";

    /// <summary>Whether jobs commit statistics.</summary>
    public bool EnableStats { get; init; }

    /// <summary>Stored only.</summary>
    public bool Batch { get; init; }

    /// <summary>Whether a pipeline that exists is replaced.</summary>
    public bool Update { get; init; }

    /// <summary>With <see cref="Update"/>: whether everything is processed again.</summary>
    public bool Reprocess { get; init; }
}

/// <summary>How many workers a pipeline has. At most one of the two is not 0; if both are, there is a worker for each node.</summary>
/// <param name="Constant">So many.</param>
/// <param name="Coefficient">So many for each node.</param>
public sealed record ParallelismSpec(ulong Constant, double Coefficient = 0)
{
    /// <summary>The number of workers.</summary>
    /// <param name="spec">The pipeline's, or null.</param>
    /// <param name="nodes">Number of nodes; on a single machine its processors.</param>
    /// <returns>At least 1.</returns>
    /// <exception cref="PpsException">There are no nodes.</exception>
    public static int Workers(ParallelismSpec? spec, int nodes)
    {
        if (spec is { Constant: > 0 })
        {
            return (int)Math.Min(spec.Constant, int.MaxValue);
        }
        if (nodes <= 0)
        {
            throw new PpsException(PpsErrorKind.FailedPrecondition, "pachyderm.pps.jobserver: no k8s nodes found");
        }
        return spec is { Coefficient: > 0 } ? (int)Math.Clamp(Math.Floor(spec.Coefficient * nodes), 1, int.MaxValue) : nodes;
    }
}

/// <summary>What a worker asks for.</summary>
/// <param name="Cpu">Cores.</param>
/// <param name="Memory">A quantity of bytes.</param>
/// <param name="Gpu">Number of GPUs.</param>
public sealed record ResourceSpec(float Cpu, string Memory, long Gpu = 0);

/// <summary>Where output goes besides the output repo.</summary>
/// <param name="Url">An address with the scheme of an object store.</param>
public sealed record Egress(string Url);

/// <summary>An input of releases before 1.5: an atom.</summary>
/// <param name="Name">Name below <c>/pfs</c>; empty for that of the repo.</param>
/// <param name="Repo">The repo.</param>
/// <param name="Branch">The branch; empty for the default.</param>
/// <param name="Glob">The pattern.</param>
/// <param name="Lazy">Whether files are fetched only when they are opened.</param>
/// <param name="FromCommit">Commits up to and with this one are not processed; empty for none.</param>
/// <param name="Commit">The commit, in the input of a job; else empty.</param>
public sealed record LegacyInput(
    string Name, string Repo, string Branch, string Glob, bool Lazy = false, string FromCommit = "", string Commit = "");
