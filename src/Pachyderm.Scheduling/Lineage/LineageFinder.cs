using System.Runtime.CompilerServices;
using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Jobs;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Scheduling;

/// <summary>One step of a lineage: a job that read something and wrote something.</summary>
/// <param name="Depth">Number of steps from what was asked about: 1 for the job that made it, or that read it.</param>
/// <param name="Job">The job, with the version of the pipeline.</param>
/// <param name="Datum">The datum, if a file was asked about; null if the step is known by commits only.</param>
/// <param name="Inputs">What was read: a file or directory for each input of the datum, or whole commits.</param>
/// <param name="Outputs">What was written: upstream of a file what is on the way to it, downstream every file of the datum.</param>
public sealed record LineageStep(int Depth, Job Job, Datum? Datum, ValueList<LineageFile> Inputs, ValueList<LineageFile> Outputs);

/// <summary>A place in a commit.</summary>
/// <param name="Commit">The commit.</param>
/// <param name="Path">The path; <c>/</c> for all of it.</param>
public readonly record struct LineageFile(CommitName Commit, string Path);

/// <summary>Which way a lineage is followed.</summary>
public enum LineageDirection
{
    /// <summary>To what it was made from.</summary>
    Upstream,

    /// <summary>To what was made from it.</summary>
    Downstream,
}

/// <summary>Where files come from, and what was made from them, to the datum.</summary>
public sealed class LineageFinder
{
    private readonly SchedulerOptions options;
    private readonly DatumOutputs outputs;

    internal LineageFinder(SchedulerOptions options)
    {
        this.options = options;
        outputs = new DatumOutputs(options);
    }

    /// <summary>
    /// Walks the lineage of a commit, or of a file or directory in it, nearest steps first, each once. It ends at commits that no job made.
    /// Of a job that was deleted there is no step, but the walk goes on behind it; where results were forgotten it goes on by commits.
    /// </summary>
    /// <param name="commit">The commit.</param>
    /// <param name="path">The path; null or <c>/</c> for the whole commit.</param>
    /// <param name="direction">Which way.</param>
    /// <param name="cancellationToken">Ends the walk.</param>
    /// <exception cref="PfsException">The commit or the path is missing.</exception>
    public async IAsyncEnumerable<LineageStep> WalkAsync(
        CommitReference commit, string? path, LineageDirection direction, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Place start;
        using (CommitView view = await options.Files.Reader.OpenAsync(commit, cancellationToken))
        {
            TreePath place = (await view.InspectAsync(path ?? "/", cancellationToken)).Entry.Path;
            start = new Place(new CommitRef(view.Commit.Repo.Value, view.Commit.Id.Value), place);
        }
        IAsyncEnumerable<LineageStep> steps = direction == LineageDirection.Upstream
            ? new UpstreamWalk(options, outputs).WalkAsync(start, cancellationToken)
            : new DownstreamWalk(options, outputs).WalkAsync(start, cancellationToken);
        await foreach (LineageStep step in steps)
        {
            yield return step;
        }
    }
}
