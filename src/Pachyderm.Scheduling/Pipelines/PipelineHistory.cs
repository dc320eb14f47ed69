using Pachyderm.Metadata;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Specs;
using Pachyderm.Pps.Triggers;

namespace Pachyderm.Scheduling;

/// <summary>What a pipeline has done in an older release: the commits that its jobs have processed there never arrive again.</summary>
public static class PipelineHistory
{
    /// <summary>
    /// Notes the commits that a pipeline has considered, and which of them still wait for others, from the jobs that it has. What is newer
    /// than its jobs arrives when the pipeline next runs, and is processed then.
    /// </summary>
    /// <param name="writer">A transaction that sees all repos, commits, branches and jobs.</param>
    /// <param name="pipeline">The pipeline.</param>
    /// <exception cref="PpsException">The pipeline reads two branches of a repo.</exception>
    public static void Settle(IMetadataWriter writer, Pipeline pipeline)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(pipeline);
        PpsWriter records = new(writer);
        CommitBacklog backlog = new(writer, records, pipeline.Name);
        if (pipeline.Input.Leaves().OfType<AtomInput>().All(atom => CanBegin(writer, atom)))
        {
            backlog.Exclude(records, pipeline.Input);
        }
        CommitSetFinder finder = RepoLineage.Of(writer, pipeline.Input.Repos()).Finder();
        HashSet<CommitRef> processed = FindProcessed(records, pipeline);
        IReadOnlyDictionary<string, string> branches = InputBranches.Of(pipeline.Input);
        HashSet<CommitKey> past = [];
        foreach ((string repo, string branch) in branches)
        {
            IReadOnlyList<CommitRecord> chain = backlog.Behind(repo, writer.FindBranch(repo, branch)?.Head);
            int last = chain.ToList().FindLastIndex(commit => processed.Contains(new CommitRef(repo, commit.Key.Id)));
            past.UnionWith(chain.Take(last + 1).Select(static commit => commit.Key));
        }
        foreach (CommitRecord commit in backlog.Collect(branches).Where(commit => past.Contains(commit.Key)))
        {
            CommitRef reference = new(commit.Key.Repo, commit.Key.Id);
            CommitArrival arrival = finder.Add(new TriggerCommit(
                reference, commit.Provenance.Select(static key => new CommitRef(key.Repo, key.Id)).ToValueList()));
            // Change 0 leaves the pipeline without a place in the feed, so that all other commits arrive when it runs.
            records.Arrive(pipeline.Name, reference, arrival, change: 0);
        }
    }

    private static bool CanBegin(IMetadataWriter writer, AtomInput atom) => atom.FromCommit.Length == 0
        || writer.FindCommit(new CommitKey(atom.Repo, writer.FindBranch(atom.Repo, atom.FromCommit)?.Head ?? atom.FromCommit)) is not null;

    private static HashSet<CommitRef> FindProcessed(PpsReader records, Pipeline pipeline)
    {
        const int Page = 1_000;
        HashSet<CommitRef> found = [];
        for (long? before = null; ;)
        {
            IReadOnlyList<JobRecord> page = records.ListJobs(pipeline.Name, before, Page);
            foreach (Job job in page.Select(static record => record.Job).Where(job => TriggerDecision.IsOf(pipeline, job)))
            {
                found.UnionWith(job.Input.Sources());
            }
            if (page.Count < Page)
            {
                return found;
            }
            before = page[^1].Revision;
        }
    }
}
