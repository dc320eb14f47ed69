using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.Pfs;
using Pachyderm.Storage.Content;

namespace Pachyderm.Pachd.Services;

/// <summary>Commits that clients build from a tree of their own: an object that holds a <c>HashTreeProto</c> of 1.5, or the tree of another commit.</summary>
internal static class CommitTrees
{
    // A node takes about 200 bytes; this is some millions of files, and bounds what a request can make pachd hold in memory.
    private const long LargestTree = 512 << 20;

    /// <summary>Makes a finished commit.</summary>
    /// <param name="files">Where it is made.</param>
    /// <param name="origin">Where it begins.</param>
    /// <param name="tree">The object: 128 digits; or the tree of a commit: 64 digits.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PfsException">The tree or what it refers to is missing or damaged, or the commit cannot begin there.</exception>
    public static async Task<CommitName> BuildAsync(PachydermFileSystem files, CommitOrigin origin, string tree, CancellationToken cancellationToken)
    {
        if (ChunkId.TryParse(tree, out ChunkId node))
        {
            return await files.TreeBuilder.CopyAsync(origin, node, cancellationToken);
        }
        ObjectInfo stored = await files.Objects.InspectAsync(tree, cancellationToken);
        if (stored.Size > LargestTree)
        {
            throw new PfsException(PfsErrorKind.TooLarge, $"the tree in object {tree} is larger than {LargestTree >> 20} MiB; write the files with PutFiles");
        }
        HashTree parsed = Parse(await ReadAsync(files, stored, cancellationToken), tree);
        return await files.TreeBuilder.BuildAsync(origin, Nodes(parsed), cancellationToken);
    }

    private static HashTree Parse(byte[] bytes, string tree)
    {
        try
        {
            return HashTree.Parse(bytes, $"object {tree}");
        }
        catch (OperatorException exception)
        {
            throw new PfsException(PfsErrorKind.InvalidArgument, $"cannot build a commit: {exception.Message}", exception);
        }
    }

    private static async Task<byte[]> ReadAsync(PachydermFileSystem files, ObjectInfo stored, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[stored.Size];
        int filled = 0;
        await foreach (ChunkBuffer piece in files.Objects.ReadAsync([stored.Hash], 0, null, cancellationToken))
        {
            using (piece)
            {
                piece.Memory.CopyTo(bytes.AsMemory(filled));
                filled += piece.Memory.Length;
            }
        }
        return bytes;
    }

    // Directories are implied by the files in them, empty ones are not kept: no commit that was put has any.
    private static IEnumerable<ObjectFile> Nodes(HashTree tree) =>
        tree.Walk().Where(node => !node.IsDirectory).Select(node => new ObjectFile(node.Path, node.Objects));
}
