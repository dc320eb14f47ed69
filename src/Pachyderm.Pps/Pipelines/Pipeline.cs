using System.Globalization;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Pps.Pipelines;

/// <summary>What a pipeline does at present. The numbers are those of the API.</summary>
public enum PipelineState
{
    /// <summary>Created; its workers do not run yet.</summary>
    Starting = 0,

    /// <summary>Waits for commits or processes one.</summary>
    Running = 1,

    /// <summary>Its workers are started again after a failure.</summary>
    Restarting = 2,

    /// <summary>Its workers cannot be started.</summary>
    Failure = 3,

    /// <summary>Stopped: no new jobs.</summary>
    Paused = 4,
}

/// <summary>A pipeline: what was specified, and how it stands.</summary>
/// <param name="Name">Its name, and that of its output repo.</param>
/// <param name="Version">1 when created, one more after each update.</param>
/// <param name="Salt">Part of the identity of its datums.</param>
/// <param name="Created">When it was created or updated last, UTC.</param>
/// <param name="Input">Where its datums come from.</param>
/// <param name="Workload">How they are processed.</param>
public sealed record Pipeline(PipelineName Name, ulong Version, Salt Salt, DateTimeOffset Created, Input Input, Workload Workload)
{
    /// <summary>Free text.</summary>
    public string Description { get; init; } = "";

    /// <summary>How it stands.</summary>
    public PipelineState State { get; init; }

    /// <summary>How many jobs of this version are in each state.</summary>
    public JobCounts JobCounts { get; init; }

    /// <summary>Why it is in <see cref="PipelineState.Failure"/> or <see cref="PipelineState.Restarting"/>; else empty.</summary>
    public string RecentError { get; init; } = "";

    /// <summary>The identifier that releases before 1.5.1 gave it and hashed into tags; empty if it is younger.</summary>
    public string LegacyId { get; init; } = "";

    /// <summary>Whether commits make jobs.</summary>
    public bool IsActive => State is not (PipelineState.Paused or PipelineState.Failure);

    /// <summary>The branch that keeps the output of this version when the next one begins.</summary>
    public string RetiredBranch => string.Create(CultureInfo.InvariantCulture, $"{Workload.OutputBranch}-v{Version}");

    /// <summary>Name of its workers in a cluster.</summary>
    public string WorkerName =>
        string.Create(CultureInfo.InvariantCulture, $"pipeline-{Name.Value.ToLowerInvariant().Replace('_', '-')}-v{Version}");

    /// <summary>A new pipeline.</summary>
    /// <param name="spec">Completed and checked.</param>
    /// <param name="input">What <see cref="SpecValidation.Check"/> returned for it.</param>
    /// <param name="now">The present.</param>
    public static Pipeline Create(PipelineSpec spec, Input input, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return new Pipeline(new PipelineName(spec.Name), 1, Salt.New(), now.ToUniversalTime(), input, Workload.Of(spec))
        {
            Description = spec.Description,
        };
    }

    /// <summary>
    /// The next version. It begins with fresh counters; its salt is a new one only if everything is to be processed again. An old
    /// identifier goes with the version that it was made for: 1.5.1 and later hash the present version with it, and so find nothing after
    /// an update.
    /// </summary>
    /// <param name="spec">Completed and checked.</param>
    /// <param name="input">What <see cref="SpecValidation.Check"/> returned for it.</param>
    /// <param name="now">The present.</param>
    public Pipeline Update(PipelineSpec spec, Input input, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return Create(spec, input, now) with
        {
            Name = Name,
            Version = Version + 1,
            Salt = spec.Reprocess ? Salt.New() : Salt,
        };
    }
}
