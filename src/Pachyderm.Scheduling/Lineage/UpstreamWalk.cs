using System.Runtime.CompilerServices;
using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Jobs;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Scheduling;

/// <summary>One walk from places to what they were made from, in which no step comes twice. Of single use.</summary>
internal sealed class UpstreamWalk(SchedulerOptions options, DatumOutputs outputs)
{
    private readonly LineageSteps steps = new(options);
    private readonly HashSet<Place> seen = [];
    private List<Place> next = [];

    /// <summary>Walks from a place, nearest steps first.</summary>
    public async IAsyncEnumerable<LineageStep> WalkAsync(Place start, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<Place> level = [start];
        for (int depth = 1; level.Count > 0; depth++)
        {
            next = [];
            foreach (IGrouping<CommitRef, Place> places in level.GroupBy(static place => place.Commit))
            {
                CommitMaking? making = await options.Metadata.ReadAsync(reader => CommitMaking.Find(reader, places.Key), cancellationToken);
                if (making is null)
                {
                    continue;
                }
                TreePath[] paths = [.. places.Select(static place => place.Path)];
                await foreach (LineageStep step in StepsAsync(depth, making, paths, cancellationToken))
                {
                    yield return step;
                }
            }
            level = next;
        }
    }

    private async IAsyncEnumerable<LineageStep> StepsAsync(
        int depth, CommitMaking making, TreePath[] paths, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Job? job = await steps.FindJobAsync(making, cancellationToken);
        DatumStates? datums = job is null || paths.Any(static path => path.IsRoot) ? null : await steps.OpenAsync(job, cancellationToken);
        HashSet<TreePath> rest = [.. paths];
        if (datums is not null)
        {
            HashSet<TreePath> wanted = [.. paths];
            await foreach ((Datum datum, DirectoryReference? output) in
                outputs.ListAsync(datums, Enumerable.Range(0, datums.Datums.Count), cancellationToken))
            {
                IReadOnlyList<TreePath> found = output is { } tree ? await outputs.FindAsync(tree, wanted, cancellationToken) : [];
                if (found.Count == 0)
                {
                    continue;
                }
                rest.ExceptWith(found);
                Continue(datum.Parts.Select(Place.Of));
                if (steps.IsNew(job!, datum))
                {
                    yield return LineageSteps.Make(depth, job!, datum, found.Select(path => new Place(making.Commit, path)));
                }
            }
        }
        if (rest.Count == 0)
        {
            yield break;
        }

        // By commits, because that is what was asked for, or because nothing more is known.
        Continue(making.Sources.Select(Place.Whole));
        if (job is not null && steps.IsNew(job, null))
        {
            yield return LineageSteps.Make(depth, job, null, [Place.Whole(making.Commit)]);
        }
    }

    private void Continue(IEnumerable<Place> places) => next.AddRange(places.Where(seen.Add));
}
