namespace Pachyderm.Pfs;

/// <summary>A commit as a caller refers to it. A branch's name goes before an identifier of the same text.</summary>
/// <param name="Repo">The repo.</param>
/// <param name="Text">The name of a branch, whose head is meant at the time of the call, or the identifier of a commit.</param>
public readonly record struct CommitReference(RepoName Repo, string Text)
{
    /// <summary>Refers to a commit by its identifier.</summary>
    public CommitReference(CommitName commit)
        : this(commit.Repo, commit.Id.Value)
    {
    }

    /// <summary>Repo and text with a slash between.</summary>
    public override string ToString() => $"{Repo}/{Text}";
}
