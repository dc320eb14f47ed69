namespace Pachyderm.Workers;

/// <summary>One datum to process. Who needs to know more of it in <see cref="DatumFlow"/> derives from this.</summary>
public record DatumWork
{
    /// <summary>Identifies the datum in log lines.</summary>
    public required string Id { get; init; }

    /// <summary>The job, which user code finds in <c>PACH_JOB_ID</c>.</summary>
    public required string JobId { get; init; }

    /// <summary>What appears below <c>/pfs</c>, one directory for each input. Names are unique.</summary>
    public required IReadOnlyList<IInputTree> Inputs { get; init; }

    /// <summary>What <c>/pfs/out</c> starts with, for incremental pipelines; its name and laziness do not matter.</summary>
    public IInputTree? PreviousOutput { get; init; }

    /// <summary>More environment variables, which win over the pipeline's.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);
}
