using Pachyderm.Metadata;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;

namespace Pachyderm.Scheduling;

/// <summary>How a commit came to be.</summary>
/// <param name="Commit">The commit.</param>
/// <param name="Job">The job whose output it is; null if people made it, or if the job was deleted.</param>
/// <param name="Sources">The commits that it was made from directly; none if people made it.</param>
internal sealed record CommitMaking(CommitRef Commit, JobId? Job, IReadOnlyList<CommitRef> Sources)
{
    private const int PageLength = 100;
    private const long FirstSpan = 64;
    private const int SpanGrowth = 16;

    /// <summary>How a commit came to be; null if it is missing.</summary>
    public static CommitMaking? Find(IMetadataReader reader, CommitRef commit)
    {
        if (reader.FindCommit(new CommitKey(commit.Repo, commit.Id)) is not { } record)
        {
            return null;
        }
        // What a job makes comes from what it reads.
        Job? job = record.Provenance.IsEmpty ? null : FindJob(new PpsReader(reader), commit, record.Revision);
        return new CommitMaking(commit, job?.Id, job?.Input.Sources() ?? FindNearest(reader, record));
    }

    // Jobs are listed by their last write. That of a job that made a commit is behind that of the commit, and mostly close to it: so the
    // search goes from there to the newest, in steps that grow, and does not need an index.
    private static Job? FindJob(PpsReader records, CommitRef commit, long revision)
    {
        PipelineName pipeline = new(commit.Repo);
        if (records.ListJobs(pipeline, null, 1) is not [{ Revision: long newest }])
        {
            return null;
        }
        long from = revision;
        for (long span = FirstSpan; from <= newest; span *= SpanGrowth)
        {
            if (FindBetween(records, pipeline, commit, from, from + span) is { } job)
            {
                return job;
            }
            from += span;
        }
        // Records that came from elsewhere may have been written in another order.
        return FindBetween(records, pipeline, commit, 0, revision);
    }

    private static Job? FindBetween(PpsReader records, PipelineName pipeline, CommitRef commit, long from, long before)
    {
        while (true)
        {
            IReadOnlyList<JobRecord> page = records.ListJobs(pipeline, before, PageLength);
            foreach (JobRecord record in page)
            {
                if (record.Revision < from)
                {
                    return null;
                }
                if (record.Job.OutputCommit == commit)
                {
                    return record.Job;
                }
            }
            if (page.Count < PageLength)
            {
                return null;
            }
            before = page[^1].Revision;
        }
    }

    // Of all that a commit comes from, what nothing else of it comes from.
    private static CommitRef[] FindNearest(IMetadataReader reader, CommitRecord commit)
    {
        HashSet<CommitKey> farther =
            [.. commit.Provenance.SelectMany(key => reader.FindCommit(key) is { } found ? found.Provenance : [])];
        return [.. commit.Provenance.Where(key => !farther.Contains(key)).Select(static key => new CommitRef(key.Repo, key.Id))];
    }
}
