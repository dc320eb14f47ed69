using Pachyderm.Metadata;
using Pachyderm.Pps;
using Pachyderm.Pps.Records;

namespace Pachyderm.Scheduling;

/// <summary>Waits for changes of jobs, over the change feed.</summary>
internal static class JobChanges
{
    private const int PageLength = 1_000;

    /// <summary>Waits until the feed goes on.</summary>
    /// <param name="metadata">Where the feed is.</param>
    /// <param name="after">The last change that is known.</param>
    /// <param name="wanted">Which jobs matter.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>The last change that was read, and whether such a job changed or was deleted, or may have been.</returns>
    public static async Task<(long Change, bool Touched)> WaitAsync(
        IMetadataStore metadata, long after, Func<JobId, bool> wanted, CancellationToken cancellationToken)
    {
        await metadata.WaitForChangeAsync(after, cancellationToken);
        try
        {
            IReadOnlyList<Change> page = await metadata.ReadAsync(reader => reader.ListChanges(after, PageLength), cancellationToken);
            return (page.Count > 0 ? page[^1].Sequence : after, page.Any(change => IsOfJob(change) && wanted(new JobId(change.Commit!))));
        }
        catch (ChangesTrimmedException)
        {
            return (after, true);
        }
    }

    /// <summary>Waits until the feed goes on: the jobs that changed, in the order of their last changes.</summary>
    /// <param name="metadata">Where the feed is.</param>
    /// <param name="after">The last change that is known.</param>
    /// <param name="pipeline">Only the jobs of this pipeline, or null.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>The last change that was read, and the jobs; null if the feed does not go back that far.</returns>
    public static async Task<(long Change, IReadOnlyList<JobRecord> Jobs)?> NextAsync(
        IMetadataStore metadata, long after, PipelineName? pipeline, CancellationToken cancellationToken)
    {
        await metadata.WaitForChangeAsync(after, cancellationToken);
        try
        {
            return await metadata.ReadAsync(
                reader =>
                {
                    IReadOnlyList<Change> page = reader.ListChanges(after, PageLength);
                    PpsReader records = new(reader);
                    List<JobRecord> jobs =
                    [
                        .. page.Where(change => IsOfJob(change) && (pipeline is null || change.Repo == pipeline.Value.Value))
                            .Select(static change => change.Commit!).Reverse().Distinct(StringComparer.Ordinal).Reverse()
                            .Select(id => records.FindJob(new JobId(id))).OfType<JobRecord>(),
                    ];
                    return (page.Count > 0 ? page[^1].Sequence : after, (IReadOnlyList<JobRecord>)jobs);
                },
                cancellationToken);
        }
        catch (ChangesTrimmedException)
        {
            return null;
        }
    }

    private static bool IsOfJob(Change change) => change.Kind is ChangeKind.JobChanged or ChangeKind.JobDeleted;
}
