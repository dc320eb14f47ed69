namespace Pachyderm.Migration.Steps.V15;

/// <summary>The changes that the steps to 1.5 make, one bit each.</summary>
[Flags]
internal enum RecordChanges : ulong
{
    None = 0,
    Reencoded = 1UL << 0,
    StoppedFolded = 1UL << 1,
    InputsFolded = 1UL << 2,
    StrategyApplied = 1UL << 3,
    SaltSet = 1UL << 4,
    CacheSizeSet = 1UL << 5,
    StatsFilled = 1UL << 6,
    PipelineIdDropped = 1UL << 7,
    LeftoversDropped = 1UL << 8,
    RefCountCorrected = 1UL << 9,
    StoppedIndexDropped = 1UL << 10,
    InputsIndexDropped = 1UL << 11,
    LateScratchDropped = 1UL << 12,
    StaleOpenCommitDropped = 1UL << 13,
    OpenCommitAdded = 1UL << 14,
    InputIndexAdded = 1UL << 15,
    PipelineIndexAdded = 1UL << 16,
    ProvenanceIndexAdded = 1UL << 17,
    RefCountAdded = 1UL << 18,
}

/// <summary>What <see cref="RecordChanges"/> are called in reports.</summary>
internal static class RecordChangeNames
{
    /// <summary>Names by bit.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "re-encoded from text to binary",
        "`stopped` removed",
        "`inputs` folded into `input`",
        "`strategy` applied to parallelism_spec",
        "salt set from the pipeline id",
        "cache_size set to 64M",
        "empty stats filled in",
        "pipeline_id removed",
        "leftovers of 1.4.0-1.4.3 removed",
        "reference count corrected",
        "orphaned Stopped index entry removed",
        "obsolete Inputs index entry removed",
        "write to a finished commit removed",
        "stale open-commit entry removed",
        "open-commit entry added",
        "Input index entry added",
        "Pipeline index entry added",
        "Provenance index entry added",
        "reference count added",
    ];
}
