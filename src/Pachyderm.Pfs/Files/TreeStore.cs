using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>Trees and file contents over one chunk store, with one cache of tree nodes.</summary>
internal sealed class TreeStore
{
    public TreeStore(IChunkStore chunks)
    {
        NodeCache cache = new();
        Chunks = chunks;
        Contents = new FileContents(chunks);
        Reader = new TreeReader(chunks, cache);
        Editor = new TreeEditor(chunks, cache);
    }

    public IChunkStore Chunks { get; }

    public FileContents Contents { get; }

    public TreeReader Reader { get; }

    public TreeEditor Editor { get; }

    public static DirectoryReference? Decode(ReadOnlyMemory<byte>? tree) => tree is { } bytes ? DirectoryReferenceCodec.Decode(bytes.Span) : null;

    public Task<DirectoryReference> ApplyAsync(
        DirectoryReference? root, IReadOnlyList<TreeWrite> writes, IChunkWriter writer, CancellationToken cancellationToken) =>
        Editor.ApplyAsync(root, writes, writer, (parts, token) => Contents.ConcatAsync(parts, writer, token), cancellationToken);

    /// <summary>Bytes of all files in a tree that are not the same in the tree before.</summary>
    public async Task<long> SumChangedAsync(DirectoryReference? before, DirectoryReference? after, CancellationToken cancellationToken)
    {
        if (before is null || after is null)
        {
            return after?.Size ?? 0;
        }
        long sum = 0;
        await foreach (TreeDifference difference in Reader
            .DiffAsync(TreeReader.RootEntry(after), TreeReader.RootEntry(before), shallow: false, cancellationToken).ConfigureAwait(false))
        {
            sum += difference.New?.File?.Size ?? 0;
        }
        return sum;
    }
}
