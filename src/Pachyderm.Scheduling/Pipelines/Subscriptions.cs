using Pachyderm.Pps;
using Pachyderm.Pps.Pipelines;

namespace Pachyderm.Scheduling;

/// <summary>Which pipelines read which branches.</summary>
internal sealed class Subscriptions
{
    private readonly Dictionary<PipelineName, (PipelineIdentity Identity, IReadOnlyDictionary<string, string> Branches)> pipelines = [];
    private readonly Dictionary<string, Dictionary<PipelineName, string>> readers = new(StringComparer.Ordinal);

    /// <summary>The pipelines that are subscribed.</summary>
    public IEnumerable<PipelineName> Names => pipelines.Keys;

    /// <summary>Subscribes a pipeline.</summary>
    /// <returns>Whether it was not subscribed before, or is another version.</returns>
    public bool Put(Pipeline pipeline)
    {
        PipelineIdentity identity = PipelineIdentity.Of(pipeline);
        if (pipelines.TryGetValue(pipeline.Name, out (PipelineIdentity Identity, IReadOnlyDictionary<string, string>) known)
            && known.Identity == identity)
        {
            return false;
        }
        Remove(pipeline.Name);
        IReadOnlyDictionary<string, string> branches = InputBranches.Of(pipeline.Input);
        pipelines.Add(pipeline.Name, (identity, branches));
        foreach ((string repo, string branch) in branches)
        {
            if (!readers.TryGetValue(repo, out Dictionary<PipelineName, string>? ofRepo))
            {
                readers.Add(repo, ofRepo = []);
            }
            ofRepo.Add(pipeline.Name, branch);
        }
        return true;
    }

    /// <summary>Ends a subscription, if there is one.</summary>
    public void Remove(PipelineName name)
    {
        if (!pipelines.Remove(name, out (PipelineIdentity, IReadOnlyDictionary<string, string> Branches) known))
        {
            return;
        }
        foreach (string repo in known.Branches.Keys)
        {
            readers[repo].Remove(name);
            if (readers[repo].Count == 0)
            {
                readers.Remove(repo);
            }
        }
    }

    /// <summary>Ends all subscriptions.</summary>
    public void Clear()
    {
        pipelines.Clear();
        readers.Clear();
    }

    /// <summary>Whether a pipeline reads a repo.</summary>
    public bool Reads(string repo) => readers.ContainsKey(repo);

    /// <summary>The pipelines that read a branch of a repo; with null, any branch.</summary>
    public IEnumerable<PipelineName> Readers(string repo, string? branch) =>
        readers.TryGetValue(repo, out Dictionary<PipelineName, string>? found)
        ? found.Where(entry => branch is null || entry.Value == branch).Select(static entry => entry.Key)
        : [];
}

/// <summary>
/// Open commits that were the head of a branch: they arrive when they are finished, even if the branch has moved on. After a restart, only
/// those that still are on their branch do.
/// </summary>
internal sealed class AwaitedCommits
{
    private readonly Dictionary<Metadata.CommitKey, HashSet<string>> branches = [];

    /// <summary>Awaits a commit for a branch.</summary>
    public void Add(Metadata.CommitKey commit, string branch)
    {
        if (!branches.TryGetValue(commit, out HashSet<string>? known))
        {
            branches.Add(commit, known = new HashSet<string>(StringComparer.Ordinal));
        }
        known.Add(branch);
    }

    /// <summary>Awaits a commit no longer.</summary>
    /// <returns>The branches for which it was awaited.</returns>
    public IReadOnlyCollection<string> Take(Metadata.CommitKey commit) =>
        branches.Remove(commit, out HashSet<string>? known) ? known : [];
}
