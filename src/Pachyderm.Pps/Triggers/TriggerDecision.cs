using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Pps.Triggers;

/// <summary>What becomes of a commit set.</summary>
public enum TriggerAction
{
    /// <summary>A job is created.</summary>
    Create,

    /// <summary>A job that was created before, and has not ended, goes on.</summary>
    Resume,

    /// <summary>Nothing: a job has processed it, or was stopped doing so.</summary>
    None,
}

/// <summary>What becomes of a commit set.</summary>
/// <param name="Action">What is done.</param>
/// <param name="Input">The input of the job.</param>
/// <param name="Existing">The job that exists for it, or null.</param>
public sealed record TriggerDecision(TriggerAction Action, Input Input, Job? Existing)
{
    /// <summary>
    /// Decides about a commit set: what a job has with the same input and salt is not done again (spec/pps.md section 4).
    /// </summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="set">The commits.</param>
    /// <param name="jobsWith">The pipeline's jobs with exactly the given input, of any version.</param>
    public static TriggerDecision Of(Pipeline pipeline, CommitSet set, Func<Input, IEnumerable<Job>> jobsWith)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(set);
        ArgumentNullException.ThrowIfNull(jobsWith);
        Input input = pipeline.Input.At(set.ByRepo());
        Job? existing = Find(pipeline, input, jobsWith);
        return existing is null ? new TriggerDecision(TriggerAction.Create, input, null)
            : existing.State.IsTerminal() ? new TriggerDecision(TriggerAction.None, input, existing)
            : new TriggerDecision(TriggerAction.Resume, input, existing);
    }

    /// <summary>The job on which another one builds: that with the parent of the new commit in place of the new commit.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="input">The input of the job.</param>
    /// <param name="newCommit">The commit that triggered the job.</param>
    /// <param name="parentCommit">Identifier of its parent, or null.</param>
    /// <param name="jobsWith">The pipeline's jobs with exactly the given input, of any version.</param>
    public static Job? ParentOf(
        Pipeline pipeline, Input input, CommitRef newCommit, string? parentCommit, Func<Input, IEnumerable<Job>> jobsWith)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(jobsWith);
        return parentCommit is null ? null : Find(pipeline, input.Replace(newCommit, parentCommit), jobsWith);
    }

    /// <summary>Whether a job is one of the pipeline as it is now, and not of what it was before an update that reprocesses.</summary>
    /// <remarks>Records of releases before 1.5.1 have no salt: there the version tells what belongs together.</remarks>
    public static bool IsOf(Pipeline pipeline, Job job)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(job);
        return job.Pipeline == pipeline.Name
            && job.Salt == pipeline.Salt
            && (!pipeline.Salt.IsEmpty || job.PipelineVersion == pipeline.Version);
    }

    private static Job? Find(Pipeline pipeline, Input input, Func<Input, IEnumerable<Job>> jobsWith) =>
        jobsWith(input).FirstOrDefault(job => IsOf(pipeline, job));
}
