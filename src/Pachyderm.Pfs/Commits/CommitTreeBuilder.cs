using Pachyderm.Metadata;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>A file that consists of objects.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Objects">Names of the objects whose bytes it has, in order.</param>
public sealed record ObjectFile(string Path, IReadOnlyList<string> Objects);

/// <summary>Makes finished commits whose tree the caller gives (spec/pfs.md section 3, "BuildCommit").</summary>
public sealed class CommitTreeBuilder
{
    private const int BatchLength = 10_000;

    private readonly IMetadataStore metadata;
    private readonly TreeStore trees;
    private readonly Commits commits;
    private readonly Objects objects;

    internal CommitTreeBuilder(IMetadataStore metadata, TreeStore trees, Commits commits, Objects objects)
    {
        this.metadata = metadata;
        this.trees = trees;
        this.commits = commits;
        this.objects = objects;
    }

    /// <summary>Makes a commit of files that consist of objects.</summary>
    /// <param name="origin">Where it begins.</param>
    /// <param name="files">The files.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PfsException">An object is missing, paths conflict, or the commit cannot begin there.</exception>
    public async Task<CommitName> BuildAsync(CommitOrigin origin, IEnumerable<ObjectFile> files, CancellationToken cancellationToken)
    {
        using IChunkWriter writer = trees.Chunks.OpenWriter();
        DirectoryReference? tree = null;
        foreach (ObjectFile[] batch in files.Chunk(BatchLength))
        {
            // So that no garbage collection takes them away meanwhile.
            await objects.TouchAsync([.. batch.SelectMany(static file => file.Objects)], cancellationToken);
            List<TreeWrite> writes = new(batch.Length);
            foreach (ObjectFile file in batch)
            {
                List<FileContent> parts = [];
                foreach (string name in file.Objects)
                {
                    parts.Add(await objects.FindAsync(name, cancellationToken) ?? throw PfsErrors.ObjectNotFound(name));
                }
                FileContent content = parts.Count == 1 ? parts[0] : await trees.Contents.ConcatAsync(parts, writer, cancellationToken);
                writes.Add(new PutFile(WritePath.ForFile(file.Path), content, Overwrite: true));
            }
            try
            {
                tree = await trees.ApplyAsync(tree, writes, writer, cancellationToken);
            }
            catch (TreeConflictException conflict)
            {
                throw PfsErrors.Conflict(conflict);
            }
        }
        await writer.FlushAsync(cancellationToken);
        return await commits.BuildAsync(origin, tree, cancellationToken);
    }

    /// <summary>Makes a commit that has the tree of another.</summary>
    /// <param name="origin">Where it begins.</param>
    /// <param name="node">The other's root directory; the hash of nothing for an empty tree.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PfsException">No finished commit has such a tree, or the commit cannot begin there.</exception>
    public async Task<CommitName> CopyAsync(CommitOrigin origin, ChunkId node, CancellationToken cancellationToken)
    {
        if (node == ChunkId.Of([]))
        {
            return await commits.BuildAsync(origin, tree: null, cancellationToken);
        }
        for (CommitKey? after = null; ;)
        {
            CommitKey? start = after;
            IReadOnlyList<CommitRecord> page = await metadata.ReadAsync(
                reader => reader.ListAllCommits(start, BatchLength), cancellationToken);
            foreach (CommitRecord record in page)
            {
                if (!record.IsOpen && TreeStore.Decode(record.Tree) is { } tree && tree.Node == node)
                {
                    return await commits.BuildAsync(origin, tree, cancellationToken);
                }
            }
            if (page.Count < BatchLength)
            {
                throw PfsErrors.ObjectNotFound(node.ToString());
            }
            after = page[^1].Key;
        }
    }
}
