using Pachyderm.Metadata;
using Old = Pachyderm.Formats.V1_5;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>From file-system records of 1.5 to those of this release.</summary>
internal static class PfsMapping
{
    /// <summary>The repo.</summary>
    /// <exception cref="UnmappableRecordException">It has something that this release has no place for.</exception>
    public static RepoRecord Repo(Old.RepoInfo old) => new(
        OldText.Of(old.Repo.Name),
        OldText.Moment(old.Created) ?? DateTimeOffset.UnixEpoch,
        OldText.Of(old.Description),
        Size(old.SizeBytes),
        [.. old.Provenance.Select(static repo => OldText.Of(repo.Name))]);

    /// <summary>The commit, without its tree.</summary>
    /// <exception cref="UnmappableRecordException">It has something that this release has no place for.</exception>
    public static CommitRecord Commit(Old.CommitInfo old) => new(
        Key(old.Commit),
        old.ParentCommit is { Id.IsEmpty: false } parent ? OldText.Of(parent.Id) : null,
        OldText.Moment(old.Started) ?? DateTimeOffset.UnixEpoch,
        OldText.Moment(old.Finished),
        Size(old.SizeBytes),
        Tree: null,
        [.. old.Provenance.Select(Key)]);

    /// <summary>The branch.</summary>
    /// <param name="repo">Repo of its key.</param>
    /// <param name="name">Name of its key.</param>
    /// <param name="head">Its value.</param>
    /// <exception cref="UnmappableRecordException">It has something that this release has no place for.</exception>
    public static BranchRecord Branch(string repo, string name, Old.Commit head) => new(repo, name, OldText.Of(head.Id));

    private static CommitKey Key(Old.Commit? commit) => commit?.Repo is { } repo
        ? new CommitKey(OldText.Of(repo.Name), OldText.Of(commit.Id))
        : throw new UnmappableRecordException("it names a commit without a repo");

    private static long Size(ulong size) =>
        size <= long.MaxValue ? (long)size : throw new UnmappableRecordException($"it has a size of {size} bytes");
}
