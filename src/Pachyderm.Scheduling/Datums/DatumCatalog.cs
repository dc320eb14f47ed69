using System.Runtime.CompilerServices;
using Pachyderm.Metadata;
using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;

namespace Pachyderm.Scheduling;

/// <summary>A datum of a job, and what became of it.</summary>
/// <param name="Datum">Its place and files.</param>
/// <param name="Id">What names it in logs and stats commits.</param>
/// <param name="Tag">What names its result.</param>
/// <param name="State">What became of it; <see cref="DatumState.Starting"/> if it was not processed yet.</param>
/// <param name="Stats">What processing took; null if this job did not process it.</param>
/// <param name="Reason">Why it failed; else empty.</param>
public sealed record DatumDetails(
    Datum Datum, Storage.Content.ChunkId Id, DatumTag Tag, DatumState State, ProcessStats? Stats, string Reason);

/// <summary>Why a datum ran or was skipped.</summary>
/// <param name="Datum">The datum.</param>
/// <param name="Difference">The reason, with what changed.</param>
public sealed record DatumExplanation(DatumDetails Datum, DatumDifference Difference);

/// <summary>The datums of jobs: what became of them, and why they ran (spec/pps.md sections 6 and 9).</summary>
public sealed class DatumCatalog
{
    private const int PageLength = 100;

    private readonly SchedulerOptions options;

    internal DatumCatalog(SchedulerOptions options) => this.options = options;

    /// <summary>
    /// The datums of a job in their order. Works for jobs that run, and without stats commits; takes memory for the lists of files that the
    /// job reads, not for the datums.
    /// </summary>
    /// <exception cref="PpsException">The job is missing.</exception>
    /// <exception cref="Pfs.PfsException">A commit that it reads is missing.</exception>
    public async IAsyncEnumerable<DatumDetails> ListAsync(JobId job, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        DatumStates datums = await OpenAsync(job, cancellationToken);
        await foreach (DatumDetails details in datums.ListAsync(cancellationToken))
        {
            yield return details;
        }
    }

    /// <summary>One datum of a job.</summary>
    /// <param name="job">The job.</param>
    /// <param name="datum">Its identifier (64 digits) or tag (68), or the first digits of either if they fit no other.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="PpsException">The job or the datum is missing, or the digits fit several datums.</exception>
    /// <exception cref="Pfs.PfsException">A commit that the job reads is missing.</exception>
    public async Task<DatumDetails> InspectAsync(JobId job, string datum, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(datum);
        DatumStates datums = await OpenAsync(job, cancellationToken);
        return await datums.InspectAsync(datums.Find(datum, cancellationToken), cancellationToken);
    }

    /// <summary>
    /// For each datum of a job why it ran, or will run, or was skipped, in their order: compared with the job before
    /// (<see cref="JobExplanation"/>). That is its parent, or else the last job of the pipeline that ended before its turn.
    /// </summary>
    /// <exception cref="PpsException">The job is missing.</exception>
    /// <exception cref="Pfs.PfsException">A commit that the job reads is missing.</exception>
    public async IAsyncEnumerable<DatumExplanation> ExplainAsync(JobId job, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        DatumStates datums = await OpenAsync(job, cancellationToken);
        Job? before = await options.Metadata.ReadAsync(reader => FindEarlier(reader, job), cancellationToken);
        DatumStates? earlier = before is null ? null : await DatumStates.OpenAsync(options, before, cancellationToken);
        JobExplanation explanation = new(earlier?.Datums, before?.Salt ?? default, datums.Job.Salt);
        await foreach (DatumDetails details in datums.ListAsync(cancellationToken))
        {
            yield return new DatumExplanation(details, explanation.Explain(details.Datum, details.State == DatumState.Skipped));
        }
    }

    private static Job? FindEarlier(IMetadataReader reader, JobId id)
    {
        PpsReader records = new(reader);
        JobRecord job = DatumStates.Find(records, id);
        if (job.Job.Parent is { } parent && records.FindJob(parent) is { } found && CanBeRead(found.Job))
        {
            return found.Job;
        }
        for (long? before = null; ;)
        {
            IReadOnlyList<JobRecord> page = records.ListJobs(job.Job.Pipeline, before, PageLength);
            foreach (JobRecord other in page)
            {
                // Jobs run in the order of the queue, and the one that was written last ended last. A job that was stopped says little.
                if (other.Queued < job.Queued && other.Job.Finished is not null && CanBeRead(other.Job))
                {
                    return other.Job;
                }
            }
            if (page.Count < PageLength)
            {
                return null;
            }
            before = page[^1].Revision;
        }

        // Commits go with their repo.
        bool CanBeRead(Job other) =>
            other.Input.Sources().All(commit => reader.FindCommit(new CommitKey(commit.Repo, commit.Id)) is not null);
    }

    private async Task<DatumStates> OpenAsync(JobId id, CancellationToken cancellationToken)
    {
        JobRecord record = await options.Metadata.ReadAsync(reader => DatumStates.Find(new PpsReader(reader), id), cancellationToken);
        return await DatumStates.OpenAsync(options, record.Job, cancellationToken);
    }
}
