using System.Security.Cryptography;
using Pachyderm.Formats.Content;
using Pachyderm.Metadata;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>Compares the tree of a commit with the one that it was made of, and the content of files.</summary>
/// <param name="source">The content store of the source.</param>
/// <param name="chunks">The new content store.</param>
internal sealed class TreeComparer(LegacyContentStore source, IChunkStore chunks)
{
    private readonly TreeReader trees = new(chunks, new NodeCache());
    private readonly FileContents contents = new(chunks);
    private readonly HashSet<(ChunkId, long)> compared = [];

    /// <summary>Number of files whose content was compared.</summary>
    public long Files { get; private set; }

    /// <summary>Their bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>Goes through both trees side by side.</summary>
    /// <param name="commit">The commit, for messages.</param>
    /// <param name="old">Its tree in the source.</param>
    /// <param name="tree">Its tree here.</param>
    /// <param name="sampler">
    /// Chooses the files whose content is compared; null for all, and for a check of every hash in the source.
    /// </param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="Errors.OperatorException"><c>verification-failed</c>.</exception>
    public async Task CompareAsync(
        CommitKey commit, HashTree old, DirectoryReference tree, FileSampler? sampler, CancellationToken cancellationToken)
    {
        if (sampler is null && old.Verify() is { } fault)
        {
            throw ImportVerifier.Differs(commit, $"in the source, {fault.Path}: {fault.Problem}");
        }
        using IEnumerator<HashTreeNode> nodes = old.Walk().GetEnumerator();
        await foreach (TreeEntry entry in trees.WalkAsync(TreeReader.RootEntry(tree), cancellationToken))
        {
            if (!nodes.MoveNext())
            {
                throw ImportVerifier.Differs(commit, $"{entry.Path} is not in the source");
            }
            HashTreeNode node = nodes.Current;
            if (!entry.Path.Bytes.SequenceEqual(node.PathBytes.Span)
                || entry.IsDirectory != node.IsDirectory
                || entry.Size != node.SizeBytes
                || entry.Hash != new ChunkId(node.Hash.Span))
            {
                throw ImportVerifier.Differs(commit, $"{entry.Path} is not what {node.Path} is in the source");
            }
            if (entry.File is { } file && (sampler is null ? compared.Add((file.Hash, file.Size)) : sampler.Take()))
            {
                await CompareContentAsync(commit, node, file, cancellationToken);
            }
        }
        if (nodes.MoveNext())
        {
            throw ImportVerifier.Differs(commit, $"{nodes.Current.Path} is missing");
        }
    }

    private async Task CompareContentAsync(CommitKey commit, HashTreeNode node, FileContent file, CancellationToken cancellationToken)
    {
        using IncrementalHash stored = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await foreach (ChunkBuffer piece in contents.ReadAsync(file, 0, null, cancellationToken))
        {
            using (piece)
            {
                stored.AppendData(piece.Memory.Span);
            }
        }
        using IncrementalHash original = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[128 << 10];
        foreach (string name in node.Objects)
        {
            using IncrementalHash named = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
            await using Stream content = await source.OpenObjectAsync(name, cancellationToken)
                ?? throw ImportVerifier.Differs(commit, $"object {name} of {node.Path} is gone from the source");
            for (int read; (read = await content.ReadAsync(buffer, cancellationToken)) > 0;)
            {
                original.AppendData(buffer.AsSpan(0, read));
                named.AppendData(buffer.AsSpan(0, read));
            }
            if (Convert.ToHexStringLower(named.GetHashAndReset()) != name)
            {
                throw ImportVerifier.Differs(commit, $"object {name} of {node.Path} is damaged in the source");
            }
        }
        if (!stored.GetHashAndReset().AsSpan().SequenceEqual(original.GetHashAndReset()))
        {
            throw ImportVerifier.Differs(commit, $"the content of {node.Path} is not that of the source");
        }
        Files++;
        Bytes += file.Size;
    }
}
