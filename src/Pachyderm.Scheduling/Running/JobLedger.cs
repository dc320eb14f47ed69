using Pachyderm.Metadata;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;

namespace Pachyderm.Scheduling;

/// <summary>
/// The record of a job that runs. Nothing is written any more for one that was killed or deleted meanwhile, or that belongs to a later
/// version of its pipeline since that was updated.
/// </summary>
/// <param name="metadata">The records.</param>
/// <param name="id">The job.</param>
/// <param name="version">The version of the pipeline that runs it.</param>
internal sealed class JobLedger(IMetadataStore metadata, JobId id, ulong version)
{
    /// <summary>The job as it stands.</summary>
    /// <exception cref="OperationCanceledException">It has ended or is gone.</exception>
    public Task<Job> ReadAsync(CancellationToken cancellationToken) =>
        metadata.ReadAsync(reader => Find(new PpsReader(reader)), cancellationToken);

    /// <summary>Changes records together with that of the job.</summary>
    /// <param name="change">Gets the transaction and the job as it stands; returns the job as it is to be. It may run again.</param>
    /// <param name="cancellationToken">Ends the waiting before the change has begun.</param>
    /// <returns>The job as it stands then.</returns>
    /// <exception cref="OperationCanceledException">It has ended or is gone.</exception>
    public Task<Job> WriteAsync(Func<IMetadataWriter, PpsWriter, Job, Job> change, CancellationToken cancellationToken) =>
        metadata.WriteAsync(
            transaction =>
            {
                PpsWriter writer = new(transaction);
                Job before = Find(writer);
                Job after = change(transaction, writer, before);
                if (!ReferenceEquals(before, after))
                {
                    writer.PutJob(after);
                }
                return after;
            },
            cancellationToken);

    private Job Find(PpsReader reader) =>
        reader.FindJob(id) is { Job: { } job } && !job.State.IsTerminal() && job.PipelineVersion <= version
            ? job
            : throw new OperationCanceledException($"Job {id} was stopped or deleted, or its pipeline was updated.");
}
