using System.Collections.Immutable;
using Pachyderm.Metadata;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>A commit.</summary>
/// <param name="Name">Its repo and identifier.</param>
/// <param name="Parent">The commit it was started from, or null.</param>
/// <param name="Started">When it was started, UTC.</param>
/// <param name="Finished">When it was finished, UTC; null while it is open.</param>
/// <param name="SizeBytes">Size of all its files; 0 while it is open.</param>
/// <param name="Provenance">Every commit that it comes from, directly or not.</param>
/// <param name="Tree">The root directory once it is finished; null while it is open, and of one without files.</param>
public sealed record CommitInfo(
    CommitName Name, CommitId? Parent, DateTimeOffset Started, DateTimeOffset? Finished, long SizeBytes, ImmutableArray<CommitName> Provenance,
    DirectoryReference? Tree)
{
    /// <summary>Whether it can still be written to.</summary>
    public bool IsOpen => Finished is null;

    internal static CommitInfo Of(CommitRecord record) => new(
        CommitName.Of(record.Key), record.Parent is { } parent ? new CommitId(parent) : null, record.Started, record.Finished, record.SizeBytes,
        [.. record.Provenance.Select(CommitName.Of)], record.IsOpen || record.Tree is not { } tree ? null : DirectoryReferenceCodec.Decode(tree.Span));
}
