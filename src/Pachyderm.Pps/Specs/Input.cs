namespace Pachyderm.Pps.Specs;

/// <summary>
/// Where datums come from: exactly one of <see cref="AtomInput"/>, <see cref="CronInput"/>, <see cref="CrossInput"/>,
/// <see cref="UnionInput"/>.
/// </summary>
public abstract record Input
{
    /// <summary>By what siblings are sorted: an atom's name, that of the first child of a cross or union, nothing for a cron.</summary>
    public abstract string SortName { get; }

    /// <summary>Every input in this one, children before their parent.</summary>
    public IEnumerable<Input> Visit()
    {
        IReadOnlyList<Input> children = this switch
        {
            CrossInput cross => cross.Inputs,
            UnionInput union => union.Inputs,
            _ => [],
        };
        foreach (Input inner in children.SelectMany(static child => child.Visit()))
        {
            yield return inner;
        }
        yield return this;
    }

    /// <summary>The atoms and crons in order.</summary>
    public IEnumerable<Input> Leaves() => Visit().Where(static input => input is AtomInput or CronInput);

    /// <summary>The repos that this input reads, each once, in order: the direct provenance of the output repo.</summary>
    public IReadOnlyList<string> Repos() => [.. Leaves().Select(static leaf => leaf.Source()!.Value.Repo).Distinct(StringComparer.Ordinal)];

    /// <summary>The commit that an atom or a cron reads; null for others. Its identifier is empty in the input of a pipeline.</summary>
    public CommitRef? Source() => this switch
    {
        AtomInput atom => new CommitRef(atom.Repo, atom.Commit),
        CronInput cron => new CommitRef(cron.Repo, cron.Commit),
        _ => null,
    };

    /// <summary>The commits of all atoms and crons, each once, in order: the direct provenance of an output commit.</summary>
    public IReadOnlyList<CommitRef> Sources() => [.. Leaves().Select(static leaf => leaf.Source()!.Value).Distinct()];

    /// <summary>The same input with another value for each atom and cron.</summary>
    public Input Map(Func<Input, Input> leaf)
    {
        ArgumentNullException.ThrowIfNull(leaf);
        return this switch
        {
            CrossInput cross => new CrossInput(cross.Inputs.Select(child => child.Map(leaf)).ToValueList()),
            UnionInput union => new UnionInput(union.Inputs.Select(child => child.Map(leaf)).ToValueList()),
            _ => leaf(this),
        };
    }

    /// <summary>The input of a job: every atom and cron reads the commit given for its repo, and where it began is left out.</summary>
    /// <param name="commits">Identifier of a commit for each repo.</param>
    /// <exception cref="KeyNotFoundException">A repo has no commit.</exception>
    public Input At(IReadOnlyDictionary<string, string> commits)
    {
        ArgumentNullException.ThrowIfNull(commits);
        return Map(leaf => leaf switch
        {
            AtomInput atom => atom with { Commit = commits[atom.Repo], FromCommit = "" },
            CronInput cron => cron with { Commit = commits[cron.Repo] },
            _ => leaf,
        });
    }

    /// <summary>The same input with one commit replaced by another of the same repo.</summary>
    /// <param name="old">The commit that is replaced.</param>
    /// <param name="replacement">Identifier of the other commit.</param>
    public Input Replace(CommitRef old, string replacement) => Map(leaf => leaf switch
    {
        AtomInput atom when atom.Source() == old => atom with { Commit = replacement },
        CronInput cron when cron.Source() == old => cron with { Commit = replacement },
        _ => leaf,
    });
}

/// <summary>Files and directories of a commit that match a glob; each is a datum.</summary>
/// <param name="Name">Name below <c>/pfs</c>.</param>
/// <param name="Repo">The repo.</param>
/// <param name="Branch">The branch whose commits trigger jobs; empty in an input that is not a pipeline's.</param>
/// <param name="Commit">The commit; empty in a pipeline's input.</param>
/// <param name="Glob">The pattern.</param>
/// <param name="Lazy">Whether files are fetched only when the program opens them.</param>
/// <param name="FromCommit">Commits up to and with this one are not processed; empty for none.</param>
public sealed record AtomInput(
    string Name, string Repo, string Branch, string Commit, string Glob, bool Lazy = false, string FromCommit = "") : Input
{
    /// <inheritdoc/>
    public override string SortName => Name;
}

/// <summary>A repo that the pipeline fills by itself: at each tick the file <c>time</c> gets the time.</summary>
/// <param name="Name">Name below <c>/pfs</c>.</param>
/// <param name="Repo">The repo.</param>
/// <param name="Commit">The commit; empty in a pipeline's input.</param>
/// <param name="Spec">When it ticks; see <see cref="Schedules.CronSchedule"/>.</param>
/// <param name="Start">From when on it ticks; null only before the server has filled it.</param>
public sealed record CronInput(string Name, string Repo, string Commit, string Spec, DateTimeOffset? Start) : Input
{
    /// <summary>The branch that ticks are committed to.</summary>
    public const string TickBranch = "master";

    /// <summary>The file that has the time of the last tick, which is the only datum.</summary>
    public const string TickFile = "time";

    /// <inheritdoc/>
    public override string SortName => "";
}

/// <summary>Every combination of a datum of each child.</summary>
/// <param name="Inputs">The children, at least one.</param>
public sealed record CrossInput(ValueList<Input> Inputs) : Input
{
    /// <inheritdoc/>
    public override string SortName => Inputs[0].SortName;
}

/// <summary>The datums of all children, one child after the other.</summary>
/// <param name="Inputs">The children, at least one.</param>
public sealed record UnionInput(ValueList<Input> Inputs) : Input
{
    /// <inheritdoc/>
    public override string SortName => Inputs[0].SortName;
}
