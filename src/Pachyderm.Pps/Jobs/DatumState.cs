using Pachyderm.Storage.Content;

namespace Pachyderm.Pps.Jobs;

/// <summary>What became of a datum in a job. The numbers are those of the API, and the order in which list-datum shows them.</summary>
public enum DatumState
{
    /// <summary>Its program failed too often.</summary>
    Failed = 0,

    /// <summary>It was processed.</summary>
    Success = 1,

    /// <summary>Its result was known.</summary>
    Skipped = 2,

    /// <summary>It was not processed yet.</summary>
    Starting = 3,
}

/// <summary>A datum as list-datum shows it.</summary>
/// <param name="Id">Its identifier in logs and stats.</param>
/// <param name="State">What became of it.</param>
/// <param name="Stats">What processing took; null if it was not processed.</param>
public sealed record DatumSummary(ChunkId Id, DatumState State, ProcessStats? Stats)
{
    /// <summary>The order of list-datum: by state, then the slowest first, then by identifier.</summary>
    public static Comparer<DatumSummary> Order { get; } = Comparer<DatumSummary>.Create(static (left, right) =>
    {
        int order = left.State.CompareTo(right.State);
        order = order != 0 ? order : Time(right).CompareTo(Time(left));
        return order != 0 ? order : left.Id.CompareTo(right.Id);
    });

    private static TimeSpan Time(DatumSummary datum) => datum.Stats?.Total ?? TimeSpan.Zero;
}
