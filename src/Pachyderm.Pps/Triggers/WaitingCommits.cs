namespace Pachyderm.Pps.Triggers;

/// <summary>
/// The commits of one repo that may still be part of a set, in order of arrival, with an index by what they come from: matching a commit
/// costs what matches, however many wait.
/// </summary>
internal sealed class WaitingCommits
{
    private readonly Dictionary<long, WaitingCommit> commits = [];
    private readonly SortedSet<long> order = [];
    private readonly Dictionary<string, SortedSet<long>>[] byRoot;
    private readonly SortedSet<long>[] withoutRoot;
    private long next;

    public WaitingCommits(int roots)
    {
        byRoot = [.. Enumerable.Range(0, roots).Select(static _ => new Dictionary<string, SortedSet<long>>(StringComparer.Ordinal))];
        withoutRoot = [.. Enumerable.Range(0, roots).Select(static _ => new SortedSet<long>())];
    }

    public int Count => commits.Count;

    public IEnumerable<WaitingCommit> All => order.Select(sequence => commits[sequence]);

    public WaitingCommit Add(TriggerCommit commit, string?[] roots)
    {
        WaitingCommit added = new(next++, commit, roots);
        commits.Add(added.Sequence, added);
        order.Add(added.Sequence);
        for (int root = 0; root < roots.Length; root++)
        {
            Bucket(root, roots[root]).Add(added.Sequence);
        }
        return added;
    }

    /// <summary>The commits that agree with the roots chosen so far, newest first.</summary>
    /// <param name="chosen">For each root the commit that a set has of it; null if none is chosen.</param>
    public IEnumerable<WaitingCommit> Candidates(string?[] chosen)
    {
        int root = Enumerable.Range(0, chosen.Length).FirstOrDefault(i => chosen[i] is not null && byRoot[i].Count > 0, -1);
        IEnumerable<long> candidates = root < 0 ? order.Reverse() : Matching(root, chosen[root]!);
        return candidates.Select(sequence => commits[sequence]).Where(candidate => candidate.Agrees(chosen));
    }

    /// <summary>Forgets the commits that arrived before one.</summary>
    /// <returns>Those forgotten.</returns>
    public List<TriggerCommit> DropBefore(long sequence)
    {
        List<WaitingCommit> dropped = [.. All.TakeWhile(commit => commit.Sequence < sequence)];
        foreach (WaitingCommit commit in dropped)
        {
            commits.Remove(commit.Sequence);
            order.Remove(commit.Sequence);
            for (int root = 0; root < commit.Roots.Length; root++)
            {
                string? id = commit.Roots[root];
                SortedSet<long> bucket = Bucket(root, id);
                bucket.Remove(commit.Sequence);
                if (id is not null && bucket.Count == 0)
                {
                    byRoot[root].Remove(id);
                }
            }
        }
        return [.. dropped.Select(static commit => commit.Commit)];
    }

    private IEnumerable<long> Matching(int root, string id)
    {
        SortedSet<long> without = withoutRoot[root];
        SortedSet<long>? with = byRoot[root].GetValueOrDefault(id);
        return with is null ? without.Reverse()
            : without.Count == 0 ? with.Reverse()
            : with.Concat(without).OrderDescending();
    }

    private SortedSet<long> Bucket(int root, string? id)
    {
        if (id is null)
        {
            return withoutRoot[root];
        }
        if (!byRoot[root].TryGetValue(id, out SortedSet<long>? bucket))
        {
            byRoot[root].Add(id, bucket = []);
        }
        return bucket;
    }
}

/// <summary>A commit that waits for others.</summary>
/// <param name="Sequence">Its place among those of its repo.</param>
/// <param name="Commit">The commit.</param>
/// <param name="Roots">For each root repo the commit that it comes from, or null.</param>
internal sealed record WaitingCommit(long Sequence, TriggerCommit Commit, string?[] Roots)
{
    public bool Agrees(string?[] chosen)
    {
        for (int i = 0; i < Roots.Length; i++)
        {
            if (Roots[i] is { } own && chosen[i] is { } other && own != other)
            {
                return false;
            }
        }
        return true;
    }
}
