using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;

namespace Pachyderm.Pps.Jobs;

/// <summary>
/// What a datum of an incremental job builds on (spec/pps.md section 7): if the file at its path was in the parent of the new commit too,
/// the program sees only what changed since, and starts with the output of then.
/// </summary>
public sealed class IncrementalInputs
{
    private readonly CommitRef newCommit;
    private readonly CommitRef parentCommit;
    private readonly Dictionary<string, DatumFileList> parentFiles;

    private IncrementalInputs(CommitRef newCommit, CommitRef parentCommit, Dictionary<string, DatumFileList> parentFiles)
    {
        this.newCommit = newCommit;
        this.parentCommit = parentCommit;
        this.parentFiles = parentFiles;
    }

    /// <summary>Lists the files of the parent commit that the atoms of a job match.</summary>
    /// <param name="job">The job.</param>
    /// <param name="parentCommit">The parent of the commit that triggered it, or null.</param>
    /// <param name="source">The repos.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <returns>Null if no datum of the job builds on another: it is not incremental, or there is no parent.</returns>
    public static async Task<IncrementalInputs?> OpenAsync(
        Job job, CommitRef? parentCommit, IDatumSource source, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(source);
        if (!job.Workload.Incremental || job.NewCommit is not { } newCommit || parentCommit is not { } parent)
        {
            return null;
        }
        Dictionary<string, DatumFileList> files = new(StringComparer.Ordinal);
        foreach (DatumInput input in job.Input.Leaves().Select(DatumInput.Of).Where(input => input.Commit == newCommit))
        {
            if (!files.ContainsKey(input.Glob))
            {
                files.Add(input.Glob, await DatumFileList.LoadAsync(source, parent, input.Glob, cancellationToken));
            }
        }
        return new IncrementalInputs(newCommit, parent, files);
    }

    /// <summary>
    /// The datum as it was in the parent commit. Its output has the tag that <see cref="DatumIdentity.TagOf"/> gives for these files; if
    /// there is none, the datum is processed like any other.
    /// </summary>
    /// <returns>Null if no file of the datum is from the new commit, or one of those was not in the parent.</returns>
    public ValueList<DatumPart>? ParentOf(Datum datum)
    {
        ArgumentNullException.ThrowIfNull(datum);
        bool touched = false;
        List<DatumPart> parts = [];
        foreach (DatumPart part in datum.Parts)
        {
            if (part.Input.Commit != newCommit)
            {
                parts.Add(part);
                continue;
            }
            if (parentFiles[part.Input.Glob].Find(part.File.Path) is not { } file)
            {
                return null;
            }
            touched = true;
            parts.Add(new DatumPart(part.Input with { Commit = parentCommit }, file));
        }
        return touched ? parts.ToValueList() : null;
    }
}
