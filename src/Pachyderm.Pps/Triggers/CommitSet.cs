namespace Pachyderm.Pps.Triggers;

/// <summary>A finished commit on a branch that a pipeline reads.</summary>
/// <param name="Commit">The commit.</param>
/// <param name="Provenance">Every commit that it comes from, directly or not.</param>
public sealed record TriggerCommit(CommitRef Commit, ValueList<CommitRef> Provenance);

/// <summary>Commits that are processed together: one for each repo that the pipeline reads.</summary>
/// <param name="Commits">The commits, in the order of the repos.</param>
/// <param name="Newest">The one whose arrival completed the set.</param>
public sealed record CommitSet(ValueList<CommitRef> Commits, CommitRef Newest)
{
    /// <summary>Identifier of the commit of each repo, as <see cref="Specs.Input.At"/> takes it.</summary>
    public IReadOnlyDictionary<string, string> ByRepo() =>
        Commits.ToDictionary(static commit => commit.Repo, static commit => commit.Id, StringComparer.Ordinal);
}
