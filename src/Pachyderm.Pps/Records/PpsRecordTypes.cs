using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;

namespace Pachyderm.Pps.Records;

/// <summary>A pipeline in the metadata store.</summary>
/// <param name="Pipeline">The pipeline.</param>
/// <param name="Revision">Number of the last write; 0 in a record to be written.</param>
public sealed record PipelineRecord(Pipeline Pipeline, long Revision = 0);

/// <summary>A job in the metadata store.</summary>
/// <param name="Job">The job.</param>
/// <param name="Queued">
/// Its place among the jobs of its pipeline, in the order in which they were triggered; 0 in a record to be written.
/// </param>
/// <param name="Revision">Number of the last write; 0 in a record to be written.</param>
public sealed record JobRecord(Job Job, long Queued = 0, long Revision = 0);

/// <summary>A datum that a job has processed. What was skipped has no record.</summary>
/// <param name="Index">Its place among the datums of the job.</param>
/// <param name="Tag">Its tag.</param>
/// <param name="Failed">Whether it failed for good.</param>
/// <param name="Failures">How often its program failed.</param>
/// <param name="Stats">What processing took.</param>
/// <param name="Reason">Why it failed; else empty.</param>
public sealed record DatumRecord(int Index, DatumTag Tag, bool Failed, int Failures, ProcessStats Stats, string Reason);

/// <summary>The result of processing a datum, under its tag.</summary>
/// <param name="Job">The job that processed it.</param>
/// <param name="Output">The encoded reference to the root directory of its output.</param>
public sealed record ResultRecord(JobId Job, ReadOnlyMemory<byte> Output);
