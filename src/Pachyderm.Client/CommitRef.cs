using Pachyderm.Wire.Pfs;

namespace Pachyderm.Client;

/// <summary>Names a commit: a repo, and a commit's identifier or the name of a branch, which stands for its newest commit.</summary>
/// <param name="Repo">The repo's name.</param>
/// <param name="Id">
/// The commit's identifier, 32 hexadecimal digits, or a branch. Empty where a method says that the repo alone is meant.
/// </param>
public readonly record struct CommitRef(string Repo, string Id)
{
    /// <summary>The commit that a message names.</summary>
    public static CommitRef From(Commit commit)
    {
        ArgumentNullException.ThrowIfNull(commit);
        return new CommitRef(commit.Repo?.Name ?? "", commit.Id);
    }

    /// <summary>Reads <c>REPO/COMMIT</c>, split at the first slash. Without one, <see cref="Id"/> is empty.</summary>
    public static CommitRef Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? new CommitRef(text, "") : new CommitRef(text[..slash], text[(slash + 1)..]);
    }

    /// <summary>The message.</summary>
    public Commit ToWire() => new() { Repo = new Repo { Name = Repo ?? "" }, Id = Id ?? "" };

    /// <summary>The message that names a file of this commit.</summary>
    public Wire.Pfs.File ToWire(string path) => new() { Commit = ToWire(), Path = path };

    /// <summary>The commit as <c>REPO/COMMIT</c>.</summary>
    public override string ToString() => $"{Repo}/{Id}";
}
