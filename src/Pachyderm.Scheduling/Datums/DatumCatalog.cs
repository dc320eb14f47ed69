using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;

namespace Pachyderm.Scheduling;

/// <summary>A datum of a job, and what became of it.</summary>
/// <param name="Datum">Its place and files.</param>
/// <param name="Id">What names it in logs and stats commits.</param>
/// <param name="Tag">What names its result.</param>
/// <param name="State">What became of it; <see cref="DatumState.Starting"/> if it was not processed yet.</param>
/// <param name="Stats">What processing took; null if this job did not process it.</param>
/// <param name="Reason">Why it failed; else empty.</param>
public sealed record DatumDetails(Datum Datum, Storage.Content.ChunkId Id, DatumTag Tag, DatumState State, ProcessStats? Stats, string Reason);

/// <summary>Why a datum ran or was skipped.</summary>
/// <param name="Datum">The datum.</param>
/// <param name="Difference">The reason, with what changed.</param>
public sealed record DatumExplanation(DatumDetails Datum, DatumDifference Difference);

/// <summary>The datums of jobs: what became of them, and why they ran (spec/pps.md sections 6 and 9).</summary>
public sealed class DatumCatalog
{
    internal DatumCatalog(SchedulerOptions options)
    {
    }

    /// <summary>The datums of a job in their order. Works for jobs that run, and without stats commits.</summary>
    /// <exception cref="PpsException">The job is missing.</exception>
    public IAsyncEnumerable<DatumDetails> ListAsync(JobId job, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>One datum of a job.</summary>
    /// <param name="job">The job.</param>
    /// <param name="datum">Its identifier (64 digits) or tag (68), or the first digits of either if they fit no other.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="PpsException">The job or the datum is missing.</exception>
    public Task<DatumDetails> InspectAsync(JobId job, string datum, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>For each datum of a job why it ran or was skipped, in their order: compared with the job before (<see cref="JobExplanation"/>).</summary>
    /// <exception cref="PpsException">The job is missing.</exception>
    public IAsyncEnumerable<DatumExplanation> ExplainAsync(JobId job, CancellationToken cancellationToken) =>
        throw new NotImplementedException();
}
