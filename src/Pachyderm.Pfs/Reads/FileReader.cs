using Pachyderm.Metadata;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>Opens commits for reading.</summary>
public sealed class FileReader
{
    private readonly IMetadataStore metadata;
    private readonly CommitFolder folder;
    private readonly TreeStore trees;
    private readonly ReadPins pins;

    internal FileReader(IMetadataStore metadata, CommitFolder folder, TreeStore trees, ReadPins pins)
    {
        this.metadata = metadata;
        this.folder = folder;
        this.trees = trees;
        this.pins = pins;
    }

    /// <summary>The content of a commit; of an open one, with all writes that had been acknowledged. The caller disposes it.</summary>
    /// <exception cref="PfsException">The commit is missing, or it is open and its writes conflict with each other.</exception>
    public async Task<CommitView> OpenAsync(CommitReference commit, CancellationToken cancellationToken)
    {
        CommitRecord? record = null;
        DirectoryReference? root = null;
        ReadPin pin = await pins.OpenAsync(async opened =>
        {
            record = await metadata.ReadAsync(reader => Resolution.Find(reader, commit), cancellationToken).ConfigureAwait(false);
            root = await folder.ReadTreeAsync(record, cancellationToken).ConfigureAwait(false);
            if (root is { } tree)
            {
                opened.Trees.Add(tree);
            }
        }).ConfigureAwait(false);
        return new CommitView(CommitName.Of(record!.Key), root, trees, pin);
    }

    /// <summary>The content of a commit's parent; null if it has none. The caller disposes it.</summary>
    /// <exception cref="PfsException">The commit or its parent is missing.</exception>
    public async Task<CommitView?> OpenParentAsync(CommitName commit, CancellationToken cancellationToken)
    {
        CommitRecord record = await metadata.ReadAsync(
            reader => reader.FindCommit(commit.Key) ?? throw PfsErrors.CommitNotFound(commit.Repo, commit.Id.Value), cancellationToken).ConfigureAwait(false);
        return record.Parent is { } parent
            ? await OpenAsync(new CommitReference(new CommitName(commit.Repo, new CommitId(parent))), cancellationToken).ConfigureAwait(false)
            : null;
    }
}
