namespace Pachyderm.Workers;

/// <summary>What the workers of one pipeline run, the same for each of its datums.</summary>
public sealed record WorkerSpec
{
    /// <summary>Name of the pipeline; it names scratch directories and control groups.</summary>
    public required string Name { get; init; }

    /// <summary>The command and its arguments; no shell reads them.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Lines for standard input. They are joined with newlines, and one more follows; no lines give a single newline, as 1.5 did.</summary>
    public IReadOnlyList<string> Stdin { get; init; } = [];

    /// <summary>Environment variables. Nothing of the server's own environment reaches user code.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Exit codes besides 0 that mean success. A process that a signal N ended counts as 128 + N.</summary>
    public IReadOnlyCollection<long> AcceptReturnCodes { get; init; } = [];

    /// <summary>Image for backends that run containers; others ignore it and say so.</summary>
    public string? Image { get; init; }

    /// <summary>Limits for user code.</summary>
    public ResourceLimits Limits { get; init; } = ResourceLimits.None;

    /// <summary>Files and directories of this machine that user code may read, such as secrets and its own program.</summary>
    public IReadOnlyList<ReadOnlyMount> Mounts { get; init; } = [];
}

/// <summary>Limits for all processes of one worker together. <see langword="null"/> is no limit.</summary>
/// <param name="MemoryBytes">Most memory in bytes.</param>
/// <param name="Cpus">Most processor time, in cores: 0.5 is half of one.</param>
public sealed record ResourceLimits(long? MemoryBytes, double? Cpus)
{
    /// <summary>No limits.</summary>
    public static ResourceLimits None { get; } = new(MemoryBytes: null, Cpus: null);
}

/// <summary>Something of this machine that user code sees and cannot change.</summary>
/// <param name="Source">Absolute path on this machine.</param>
/// <param name="Target">Absolute path that user code sees.</param>
public sealed record ReadOnlyMount(string Source, string Target);
