using Pachyderm.Metadata;
using Pachyderm.Pps;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Scheduling;

/// <summary>What a transaction sees of repos and commits, for the validation of specs.</summary>
/// <param name="reader">The transaction.</param>
internal sealed class RepoCatalog(IMetadataReader reader) : IRepoCatalog
{
    public IReadOnlyCollection<string>? FindProvenance(string repo) => reader.FindRepo(repo) is { } found ? found.Provenance : null;

    public bool HasCommit(CommitRef commit) => reader.FindCommit(new CommitKey(commit.Repo, commit.Id)) is not null;
}
