using System.Collections.Immutable;

namespace Pachyderm.Metadata;

/// <summary>A repo.</summary>
/// <param name="Name">Its name, unique.</param>
/// <param name="Created">When it was created, UTC.</param>
/// <param name="Description">Free text, maybe empty.</param>
/// <param name="SizeBytes">Bytes counted as the 1.5 API does (spec/pfs.md section 7).</param>
/// <param name="Provenance">Names of the repos it comes from, in the order stored.</param>
/// <param name="Revision">Number of the last write to this record; 0 in a record to be written, since the store assigns it.</param>
public sealed record RepoRecord(
    string Name, DateTimeOffset Created, string Description, long SizeBytes, ImmutableArray<string> Provenance, long Revision = 0);
