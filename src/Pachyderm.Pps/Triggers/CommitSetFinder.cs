namespace Pachyderm.Pps.Triggers;

/// <summary>
/// Finds the commits that a pipeline processes together (spec/pps.md section 4). It is given each commit as it arrives, and looks for a set
/// with it and one commit of every other repo, in which each root repo (one that itself comes from nothing) is represented by exactly one
/// commit, be it directly or in the provenance. So a diamond of pipelines runs once for each root commit. The newest set wins; then all
/// older commits are forgotten. Not safe for concurrent use.
/// </summary>
public sealed class CommitSetFinder
{
    private readonly string[] repos;
    private readonly string[] roots;
    private readonly int[][] required;
    private readonly WaitingCommits[] waiting;

    /// <summary>Begins without commits.</summary>
    /// <param name="repos">The repos that the pipeline reads, each once.</param>
    /// <param name="roots">What <see cref="FindRoots"/> gives for them.</param>
    /// <param name="required">
    /// For each repo the roots that a commit of it has to come from to be in a set; if not given, none. A commit that does not is from
    /// before its repo came from them, and would be matched with any commit of theirs.
    /// </param>
    public CommitSetFinder(
        IReadOnlyList<string> repos, IReadOnlyCollection<string> roots, IReadOnlyList<ValueList<string>>? required = null)
    {
        this.repos = [.. repos];
        this.roots = [.. roots];
        this.required = [.. repos.Select((_, i) => (required?[i] ?? []).Select(root => Array.IndexOf(this.roots, root)).ToArray())];
        waiting = [.. repos.Select(_ => new WaitingCommits(roots.Count))];
    }

    /// <summary>The commits that wait for others, oldest first for each repo: what must be kept to go on after a restart.</summary>
    public IEnumerable<TriggerCommit> Waiting => waiting.SelectMany(static commits => commits.All).Select(static commit => commit.Commit);

    /// <summary>The root repos of some repos: those of them, and of what they come from, that themselves come from nothing.</summary>
    /// <param name="repos">The repos.</param>
    /// <param name="provenance">The repos that a repo comes from, directly or not; null if there is no such repo.</param>
    public static IReadOnlyList<string> FindRoots(IEnumerable<string> repos, Func<string, IReadOnlyCollection<string>?> provenance)
    {
        ArgumentNullException.ThrowIfNull(repos);
        ArgumentNullException.ThrowIfNull(provenance);
        HashSet<string> seen = new(StringComparer.Ordinal);
        List<string> found = [];
        Queue<string> open = new(repos);
        while (open.TryDequeue(out string? repo))
        {
            if (!seen.Add(repo))
            {
                continue;
            }
            IReadOnlyCollection<string> above = provenance(repo) ?? [];
            if (above.Count == 0)
            {
                found.Add(repo);
            }
            foreach (string name in above)
            {
                open.Enqueue(name);
            }
        }
        found.Sort(StringComparer.Ordinal);
        return found;
    }

    /// <summary>Takes in a commit that was considered before a restart. Commits of a repo come in their order.</summary>
    /// <returns>False if no set can have it.</returns>
    public bool Restore(TriggerCommit commit) => Take(commit).Own is not null;

    /// <summary>Takes in a commit that has arrived. Commits of a repo come in their order.</summary>
    /// <param name="commit">The commit.</param>
    /// <returns>What follows from it.</returns>
    public CommitArrival Add(TriggerCommit commit)
    {
        ArgumentNullException.ThrowIfNull(commit);
        (int input, WaitingCommit? own, bool isConsistent) = Take(commit);
        if (own is null)
        {
            // Kept if its repo may come from less again.
            return new CommitArrival(IsWaiting: isConsistent, null, []);
        }
        if (Array.Exists(waiting, static commits => commits.Count == 0))
        {
            return new CommitArrival(IsWaiting: true, null, []);
        }
        WaitingCommit[] chosen = new WaitingCommit[repos.Length];
        chosen[input] = own;
        if (!TryChoose(repos.Length - 1, input, chosen, [.. own.Roots]))
        {
            return new CommitArrival(IsWaiting: true, null, []);
        }
        List<TriggerCommit> dropped = [];
        for (int i = 0; i < repos.Length; i++)
        {
            dropped.AddRange(waiting[i].DropBefore(chosen[i].Sequence));
        }
        CommitSet set = new(chosen.Select(static choice => choice.Commit.Commit).ToValueList(), commit.Commit);
        return new CommitArrival(IsWaiting: true, set, dropped.ToValueList());
    }

    private (int Input, WaitingCommit? Own, bool IsConsistent) Take(TriggerCommit commit)
    {
        int input = Array.IndexOf(repos, commit.Commit.Repo);
        if (input < 0)
        {
            throw new ArgumentException($"The pipeline does not read repo {commit.Commit.Repo}.", nameof(commit));
        }
        return RootsOf(commit) is not { } own ? (input, null, false)
            : Array.Exists(required[input], root => own[root] is null) ? (input, null, true)
            : (input, waiting[input].Add(commit, own), true);
    }

    // Null if the commit alone has two commits of a root: no set with it is valid.
    private string?[]? RootsOf(TriggerCommit commit)
    {
        string?[] own = new string?[roots.Length];
        foreach (CommitRef source in commit.Provenance.Append(commit.Commit))
        {
            int root = Array.IndexOf(roots, source.Repo);
            if (root < 0)
            {
                continue;
            }
            if (own[root] is { } other && other != source.Id)
            {
                return null;
            }
            own[root] = source.Id;
        }
        return own;
    }

    // Chooses for the last repo first, the newest commit first: the order in which upstream counts sets down.
    private bool TryChoose(int input, int given, WaitingCommit[] chosen, string?[] chosenRoots)
    {
        if (input < 0)
        {
            return !Array.Exists(chosenRoots, static root => root is null);
        }
        if (input == given)
        {
            return TryChoose(input - 1, given, chosen, chosenRoots);
        }
        foreach (WaitingCommit candidate in waiting[input].Candidates(chosenRoots))
        {
            chosen[input] = candidate;
            string?[] together = [.. chosenRoots.Zip(candidate.Roots, static (root, own) => root ?? own)];
            if (TryChoose(input - 1, given, chosen, together))
            {
                return true;
            }
        }
        return false;
    }
}

/// <summary>What follows from the arrival of a commit.</summary>
/// <param name="IsWaiting">Whether the commit is or may be part of this or a later set, and must be kept.</param>
/// <param name="Set">The set that is to be processed, or null.</param>
/// <param name="Dropped">Commits that are in no later set, and need not be kept.</param>
public sealed record CommitArrival(bool IsWaiting, CommitSet? Set, ValueList<TriggerCommit> Dropped);
