namespace Pachyderm.Pfs;

/// <summary>The name of a repo, as a caller gives it: only one that is to be created is checked.</summary>
/// <param name="Value">The name.</param>
public readonly record struct RepoName(string Value)
{
    /// <summary>Whether a repo may be created with this name: ASCII letters, digits, underscores and dashes, at least one (spec of 1.5).</summary>
    public bool IsValid => !string.IsNullOrEmpty(Value) && Value.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');

    /// <inheritdoc/>
    public override string ToString() => Value ?? "";
}
