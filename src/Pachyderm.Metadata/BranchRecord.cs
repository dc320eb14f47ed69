namespace Pachyderm.Metadata;

/// <summary>A name for a commit.</summary>
/// <param name="Repo">The repo.</param>
/// <param name="Name">The name, unique within the repo.</param>
/// <param name="Head">Identifier of the commit in the same repo.</param>
/// <param name="Revision">Number of the last write to this record; 0 in a record to be written, since the store assigns it.</param>
public sealed record BranchRecord(string Repo, string Name, string Head, long Revision = 0);
