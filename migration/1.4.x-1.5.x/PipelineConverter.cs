using Google.Protobuf;
using Pachyderm.Formats.V1_5;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>
/// What a pipeline or job record becomes in 1.5. Field numbers did not change, so a record is read with 1.5's schema and mended.
/// </summary>
internal static class PipelineConverter
{
    private static readonly ByteString DefaultCacheSize = ByteString.CopyFromUtf8("64M");

    /// <summary>Mends a pipeline in place.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="isFrom14">Whether 1.4 wrote it: then an absent strategy means CONSTANT.</param>
    /// <param name="saltsExist">Whether the target release knows salts: 1.5.1 and later.</param>
    public static RecordChanges Mend(PipelineInfo pipeline, bool isFrom14, bool saltsExist)
    {
        RecordChanges changes = RecordChanges.None;
        if (pipeline.StoppedOf14)
        {
            // 1.4 kept the operator's wish and the observed state apart; 1.5 knows one state. A pipeline that was told to stop and
            // has not got there yet must not start by itself after the upgrade.
            if (pipeline.State is not (PipelineState.PipelinePaused or PipelineState.PipelineFailure))
            {
                pipeline.State = PipelineState.PipelinePaused;
            }

            pipeline.StoppedOf14 = false;
            changes |= RecordChanges.StoppedFolded;
        }

        if (pipeline.Inputs.Count > 0)
        {
            pipeline.Input ??= InputFolding.FoldPipeline(pipeline.Inputs);
            pipeline.Inputs.Clear();
            changes |= RecordChanges.InputsFolded;
        }

        changes |= ApplyStrategy(pipeline.ParallelismSpec, isFrom14);
        if (saltsExist)
        {
            // With the old id as salt, the old tags keep the prefix that garbage collection goes by.
            if (pipeline.Salt.IsEmpty && !pipeline.Id.IsEmpty)
            {
                pipeline.Salt = pipeline.Id;
                changes |= RecordChanges.SaltSet;
            }

            if (pipeline.CacheSize.IsEmpty)
            {
                pipeline.CacheSize = DefaultCacheSize;
                changes |= RecordChanges.CacheSizeSet;
            }
        }

        return changes;
    }

    /// <summary>Mends a job in place.</summary>
    /// <param name="job">The job.</param>
    /// <param name="pipelineInput">The input of its pipeline as migrated; null if there is no such pipeline any more.</param>
    /// <param name="pipelineSalt">The salt of its pipeline as migrated; empty if there is none.</param>
    /// <param name="isFrom14">Whether 1.4 wrote it.</param>
    /// <param name="saltsExist">Whether the target release knows salts.</param>
    public static RecordChanges Mend(JobInfo job, Input? pipelineInput, ByteString pipelineSalt, bool isFrom14, bool saltsExist)
    {
        RecordChanges changes = RecordChanges.None;
        if (job.StoppedOf14)
        {
            job.StoppedOf14 = false;
            changes |= RecordChanges.StoppedFolded;
        }

        if (job.Inputs.Count > 0)
        {
            job.Input ??= InputFolding.FoldJob(job.Inputs, pipelineInput);
            job.Inputs.Clear();
            changes |= RecordChanges.InputsFolded;
        }

        changes |= ApplyStrategy(job.ParallelismSpec, isFrom14);
        if (!saltsExist)
        {
            return changes;
        }

        if (job.Stats is null)
        {
            // The 1.5 command line crashes on a job without stats.
            job.Stats = new ProcessStats();
            changes |= RecordChanges.StatsFilled;
        }

        if (!job.PipelineId.IsEmpty)
        {
            // Only a job of the pipeline's present incarnation may pass for one with its salt; others are told apart by version.
            if (job.Salt.IsEmpty && job.PipelineId.Equals(pipelineSalt))
            {
                job.Salt = pipelineSalt;
                changes |= RecordChanges.SaltSet;
            }

            job.PipelineId = ByteString.Empty;
            changes |= RecordChanges.PipelineIdDropped;
        }

        return changes;
    }

    private static RecordChanges ApplyStrategy(ParallelismSpec? spec, bool isFrom14)
    {
        if (spec is null)
        {
            return RecordChanges.None;
        }

        bool byCoefficient = spec.StrategyOf14 != 0;
        bool bothSet = spec.Constant != 0 && spec.Coefficient != 0;
        bool changed = byCoefficient;
        spec.StrategyOf14 = 0;
        if (byCoefficient)
        {
            spec.Constant = 0;
        }
        else if (spec.Coefficient != 0 && (isFrom14 || bothSet))
        {
            // 1.4 ignored the coefficient of a CONSTANT spec. 1.5 would obey it, or refuse the pair.
            spec.Coefficient = 0;
            changed = true;
        }

        return changed ? RecordChanges.StrategyApplied : RecordChanges.None;
    }
}
