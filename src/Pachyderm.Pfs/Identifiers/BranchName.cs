namespace Pachyderm.Pfs;

/// <summary>The name of a branch within a repo.</summary>
/// <param name="Value">The name, not empty.</param>
public readonly record struct BranchName(string Value)
{
    /// <summary>Whether a branch may be given this name: one as long as a commit's identifier could be taken for one.</summary>
    public bool IsValid => !string.IsNullOrEmpty(Value) && Value.Length != CommitId.Length && !Value.Contains('\0', StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => Value ?? "";
}
