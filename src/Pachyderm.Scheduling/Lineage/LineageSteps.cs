using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;

namespace Pachyderm.Scheduling;

/// <summary>What both directions of a walk need of jobs; remembers which steps have come. Of single use.</summary>
internal sealed class LineageSteps(SchedulerOptions options)
{
    private const int NoDatum = -1;

    private readonly HashSet<(JobId Job, int Datum)> made = [];

    /// <summary>The job that made a commit; null if there is none, or none any more.</summary>
    public async Task<Job?> FindJobAsync(CommitMaking making, CancellationToken cancellationToken) => making.Job is { } id
        ? (await options.Metadata.ReadAsync(reader => new PpsReader(reader).FindJob(id), cancellationToken))?.Job
        : null;

    /// <summary>The datums of a job; null if a commit that it reads is gone.</summary>
    public async Task<DatumStates?> OpenAsync(Job job, CancellationToken cancellationToken)
    {
        try
        {
            return await DatumStates.OpenAsync(options, job, cancellationToken);
        }
        catch (PfsException e) when (e.Kind == PfsErrorKind.NotFound)
        {
            // Its repo was deleted. What is known of the job without it is its commits.
            return null;
        }
    }

    /// <summary>Whether a step has not come before; from now on it has.</summary>
    public bool IsNew(Job job, Datum? datum) => made.Add((job.Id, datum?.Index ?? NoDatum));

    /// <summary>A step of a datum, or of a whole job.</summary>
    public static LineageStep Make(int depth, Job job, Datum? datum, IEnumerable<Place> outputs)
    {
        IEnumerable<Place> inputs = datum is null ? job.Input.Sources().Select(Place.Whole) : datum.Parts.Select(Place.Of);
        return new LineageStep(
            depth,
            job,
            datum,
            inputs.Select(static place => place.ToFile()).ToValueList(),
            outputs.Select(static place => place.ToFile()).ToValueList());
    }
}
