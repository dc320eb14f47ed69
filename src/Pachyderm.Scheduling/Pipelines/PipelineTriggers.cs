using Pachyderm.Metadata;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Triggers;

namespace Pachyderm.Scheduling;

/// <summary>
/// What commits do to one pipeline: which wait for others, and which make a job. What it knows can be had from the store again at any time
/// (<see cref="Restore"/>); it is kept between transactions because that costs as much as commits wait.
/// </summary>
internal sealed class PipelineTriggers
{
    private readonly Basis basis;
    private readonly CommitSetFinder finder;

    private PipelineTriggers(Basis basis, CommitSetFinder finder, IReadOnlyDictionary<string, string> branches)
    {
        this.basis = basis;
        this.finder = finder;
        Branches = branches;
    }

    /// <summary>The branch that is read of each repo.</summary>
    public IReadOnlyDictionary<string, string> Branches { get; }

    /// <summary>The state as the store has it. What waits in a repo that was deleted is forgotten.</summary>
    public static PipelineTriggers Restore(IMetadataWriter writer, Pipeline pipeline)
    {
        PpsWriter records = new(writer);
        Basis present = Basis.Of(writer, pipeline);
        CommitSetFinder restored = present.Lineage.Finder();
        foreach (IGrouping<string, CommitRef> waiting in records.ListWaiting(pipeline.Name)
            .GroupBy(static commit => commit.Repo, StringComparer.Ordinal))
        {
            CommitRecord?[] commits = [.. waiting.Select(commit => writer.FindCommit(new CommitKey(commit.Repo, commit.Id)))];
            if (Array.Exists(commits, static commit => commit is null))
            {
                records.ForgetWaiting(pipeline.Name, waiting.Key);
                continue;
            }
            foreach (CommitRecord? commit in commits)
            {
                restored.Restore(Triggering(commit!));
            }
        }
        return new PipelineTriggers(present, restored, InputBranches.Of(pipeline.Input));
    }

    /// <summary>
    /// Whether this is still the state of the pipeline: it was not replaced, and its repos and what they come from are the same.
    /// </summary>
    public bool IsValid(IMetadataReader reader, Pipeline pipeline) => basis == Basis.Of(reader, pipeline);

    /// <summary>Takes in a commit, and makes the job of the set that it completes, if there is one that no job has processed.</summary>
    /// <param name="writer">The transaction.</param>
    /// <param name="pipeline">The pipeline as the transaction sees it.</param>
    /// <param name="commit">The commit, finished.</param>
    /// <param name="change">The change of the feed that told of it.</param>
    /// <param name="now">When the job is created.</param>
    public void Arrive(IMetadataWriter writer, Pipeline pipeline, CommitRecord commit, long change, DateTimeOffset now)
    {
        PpsWriter records = new(writer);
        TriggerCommit arriving = Triggering(commit);
        CommitArrival arrival = finder.Add(arriving);
        records.Arrive(pipeline.Name, arriving.Commit, arrival, change);
        if (arrival.Set is not { } set)
        {
            return;
        }
        IEnumerable<Job> JobsWith(Pps.Specs.Input input) => records.ListJobsWith(pipeline.Name, input);
        TriggerDecision decision = TriggerDecision.Of(pipeline, set, JobsWith);
        if (decision.Action == TriggerAction.Create)
        {
            Job? parent = TriggerDecision.ParentOf(pipeline, decision.Input, set.Newest, commit.Parent, JobsWith);
            records.PutJob(Job.Create(pipeline, decision.Input, now) with { NewCommit = set.Newest, Parent = parent?.Id });
        }
    }

    /// <summary>Lets everything arrive that has not yet, and notes that the feed is considered up to here.</summary>
    /// <param name="writer">The transaction.</param>
    /// <param name="pipeline">The pipeline as the transaction sees it.</param>
    /// <param name="now">When jobs are created.</param>
    public static void ArriveAll(IMetadataWriter writer, Pipeline pipeline, DateTimeOffset now)
    {
        PpsWriter records = new(writer);
        long change = writer.LastChange;
        PipelineTriggers triggers = Restore(writer, pipeline);
        foreach (CommitRecord commit in new CommitBacklog(writer, records, pipeline.Name).Collect(triggers.Branches))
        {
            triggers.Arrive(writer, pipeline, commit, change, now);
        }
        records.PutCursor(pipeline.Name, change);
    }

    private static TriggerCommit Triggering(CommitRecord commit) => new(
        new CommitRef(commit.Key.Repo, commit.Key.Id),
        commit.Provenance.Select(static key => new CommitRef(key.Repo, key.Id)).ToValueList());

    /// <summary>What the state was made for.</summary>
    private sealed record Basis(PipelineIdentity Pipeline, ValueList<DateTimeOffset?> Repos, RepoLineage Lineage)
    {
        public static Basis Of(IMetadataReader reader, Pipeline pipeline)
        {
            IReadOnlyList<string> repos = pipeline.Input.Repos();
            return new Basis(
                PipelineIdentity.Of(pipeline),
                repos.Select(repo => reader.FindRepo(repo)?.Created).ToValueList(),
                RepoLineage.Of(reader, repos));
        }
    }
}

/// <summary>Tells a pipeline from what was under its name before, or will be.</summary>
internal readonly record struct PipelineIdentity(PipelineName Name, ulong Version, Salt Salt, DateTimeOffset Created)
{
    public static PipelineIdentity Of(Pipeline pipeline) => new(pipeline.Name, pipeline.Version, pipeline.Salt, pipeline.Created);
}
