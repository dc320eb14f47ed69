using Pachyderm.Pps.Identity;

namespace Pachyderm.Pps.Jobs;

/// <summary>Which datums of a job are to be processed, and which were before.</summary>
/// <param name="Total">Number of datums.</param>
/// <param name="Run">The places of the datums to be processed, ascending.</param>
/// <param name="Repeats">
/// Number of datums that are the same as another one of <paramref name="Run"/>, as a union of aliased inputs has them: that is processed
/// once and its result used for all.
/// </param>
/// <param name="Carried">Results of old releases that the job uses; the native tag is to be added to each.</param>
public sealed record JobPlan(int Total, IReadOnlyList<int> Run, int Repeats, IReadOnlyList<CarriedResult> Carried)
{
    /// <summary>Number of datums that need not be processed.</summary>
    public int Skipped => Total - Run.Count;
}

/// <summary>A result that was found under the tag of an old release.</summary>
/// <param name="Index">The place of the datum.</param>
/// <param name="Tag">Its tag now.</param>
/// <param name="OldTag">The tag that it was found under.</param>
public readonly record struct CarriedResult(int Index, DatumTag Tag, DatumTag OldTag);
