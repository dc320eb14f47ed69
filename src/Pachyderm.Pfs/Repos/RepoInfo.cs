using System.Collections.Immutable;
using Pachyderm.Metadata;

namespace Pachyderm.Pfs;

/// <summary>A repo.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Created">When it was created, UTC.</param>
/// <param name="Description">Free text, maybe empty.</param>
/// <param name="SizeBytes">The bytes of every file that a commit brought or changed, summed over its commits.</param>
/// <param name="Provenance">The repos that it comes from, directly or not.</param>
public sealed record RepoInfo(RepoName Name, DateTimeOffset Created, string Description, long SizeBytes, ImmutableArray<RepoName> Provenance)
{
    internal static RepoInfo Of(RepoRecord record) =>
        new(new RepoName(record.Name), record.Created, record.Description, record.SizeBytes, [.. record.Provenance.Select(name => new RepoName(name))]);
}
