using System.Collections.Immutable;

namespace Pachyderm.Metadata;

/// <summary>A commit, open or finished.</summary>
/// <param name="Key">Its repo and identifier.</param>
/// <param name="Parent">Identifier of the parent in the same repo, or null.</param>
/// <param name="Started">When it was started, UTC.</param>
/// <param name="Finished">When it was finished, UTC; null while it is open.</param>
/// <param name="SizeBytes">Size of all its files; 0 while it is open.</param>
/// <param name="Tree">
/// The encoded reference to its root directory: of a finished commit its content, of an open one what has been folded so far; null for an
/// empty root. (Beware of <c>found ? bytes : null</c>: without a cast, C# makes an empty array of that null, and not an absent one.)
/// </param>
/// <param name="Provenance">Every commit that it comes from, directly or not, in the order stored.</param>
/// <param name="Revision">Number of the last write to this record; 0 in a record to be written, since the store assigns it.</param>
public sealed record CommitRecord(
    CommitKey Key, string? Parent, DateTimeOffset Started, DateTimeOffset? Finished, long SizeBytes, ReadOnlyMemory<byte>? Tree,
    ImmutableArray<CommitKey> Provenance, long Revision = 0)
{
    /// <summary>Whether it can still be written to.</summary>
    public bool IsOpen => Finished is null;
}
