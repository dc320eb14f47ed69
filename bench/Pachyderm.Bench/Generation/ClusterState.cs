namespace Pachyderm.Bench.Generation;

/// <summary>What the generator remembers of a repo: its newest commit and what that came from.</summary>
internal sealed class RepoState(string name)
{
    public string Name { get; } = name;

    public Moment Created { get; set; }

    public long CreateRevision { get; set; }

    /// <summary>Repos that its commits come from, the indirect ones too.</summary>
    public List<RepoState> Provenance { get; } = [];

    public List<PipelineState> Subscribers { get; } = [];

    public CommitReference? Head { get; set; }

    /// <summary>Provenance of <see cref="Head"/>.</summary>
    public IReadOnlyList<CommitReference> HeadProvenance { get; set; } = [];

    public long FirstCommitRevision { get; set; }

    public long HeadRevision { get; set; }

    public long Commits { get; set; }

    public long Bytes { get; set; }

    public int RefCount { get; set; }
}

/// <summary>What the generator remembers of a pipeline.</summary>
internal sealed class PipelineState(string name)
{
    public string Name { get; } = name;

    public required string Id { get; init; }

    public required int Workers { get; init; }

    public Moment Created { get; set; }

    public long CreateRevision { get; set; }

    public required IReadOnlyList<RepoState> Inputs { get; init; }

    public required RepoState Output { get; init; }

    public long Jobs { get; set; }

    public string? LastJob { get; set; }
}

/// <summary>A job that has not finished yet.</summary>
internal sealed class JobState
{
    public required string Id { get; init; }

    public required PipelineState Pipeline { get; init; }

    public required string? Parent { get; init; }

    public required Moment Started { get; init; }

    public Moment Finished { get; set; }

    public required CommitReference Output { get; init; }

    public required CommitReference Trigger { get; init; }

    public required string Input { get; init; }

    public required int Datums { get; init; }

    public required long CreateRevision { get; init; }
}
