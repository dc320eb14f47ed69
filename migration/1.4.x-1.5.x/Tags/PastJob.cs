using Pachyderm.Formats.V1_5;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>One set of commits that a pipeline has worked on, or could.</summary>
/// <param name="State">State of the job; null for the heads of the pipeline's branches, which no job need have read.</param>
/// <param name="Shape">The input without its commits.</param>
/// <param name="Commits">The commits by number, one for each leaf of the shape.</param>
internal sealed record PastJob(JobState? State, InputShape Shape, int[] Commits)
{
    /// <summary>
    /// Datums are told apart by the first job that has them: best those of jobs that succeeded, since all their results existed once.
    /// </summary>
    public int Rank => State switch
    {
        JobState.JobSuccess => 0,
        null => 2,
        _ => 1,
    };

    /// <summary>What became of the job, for people.</summary>
    public string Fate => State switch
    {
        JobState.JobFailure => "failed",
        JobState.JobKilled => "were stopped",
        _ => "have not finished",
    };
}
