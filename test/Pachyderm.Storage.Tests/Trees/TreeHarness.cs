using System.Collections.Immutable;
using System.Text;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;
using Pachyderm.Storage.Trees.Nodes;

namespace Pachyderm.Storage.Tests.Trees;

/// <summary>A store in memory with an editor and a reader, and short ways to say what is written.</summary>
internal sealed class TreeHarness
{
    /// <summary>Nodes so small that a few dozen entries make trees of several levels.</summary>
    internal static NodeShape Tiny { get; } = new(Bits: 1, LeafMinimum: 1, InnerMinimum: 2, MaximumEntries: 6, MaximumBytes: 700);

    internal TreeHarness(NodeShape? shape = null, long cache = 64 << 20)
    {
        Cache = new NodeCache(cache);
        Shape = shape ?? NodeShape.Format1;
        Editor = new TreeEditor(Store, Cache, Shape);
        Reader = new TreeReader(Store, Cache);
    }

    internal NodeShape Shape { get; }

    internal CountingChunkStore Store { get; } = new();

    internal NodeCache Cache { get; }

    internal TreeEditor Editor { get; }

    internal TreeReader Reader { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    internal static TreePath Path(string path) => TreePath.Clean(path)!.Value;

    /// <summary>A file that consists of chunks with these texts, one for each character.</summary>
    internal static FileContent Text(string text)
    {
        ImmutableArray<ChunkReference> chunks = [.. text.Select(character => new ChunkReference(ChunkId.Of(Encoding.UTF8.GetBytes([character])), 1))];
        return new FileContent(text.Length, HashOf(chunks), chunks, 0);
    }

    internal static PutFile Put(string path, string text, bool overwrite = false) => new(Path(path), Text(text), overwrite);

    internal static PutSplit Split(string path, bool overwrite, params string[] texts) => new(Path(path), [.. texts.Select(Text)], overwrite);

    internal static DeletePath Delete(string path) => new(Path(path));

    internal static ValueTask<FileContent> ConcatAsync(IReadOnlyList<FileContent> parts, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ImmutableArray<ChunkReference> chunks = [.. parts.SelectMany(part => part.Chunks)];
        return ValueTask.FromResult(new FileContent(parts.Sum(part => part.Size), HashOf(chunks), chunks, 0));
    }

    internal async Task<DirectoryReference> ApplyAsync(DirectoryReference? root, params IEnumerable<TreeWrite> writes)
    {
        using IChunkWriter writer = Store.OpenWriter();
        return await Editor.ApplyAsync(root, [.. writes], writer, ConcatAsync, Token);
    }

    /// <summary>The model's tree, from its entries in order.</summary>
    internal async Task<DirectoryReference> BuildAsync(TreeModel model)
    {
        using IChunkWriter writer = Store.OpenWriter();
        TreeBuilder builder = new(writer, Shape);
        foreach ((string path, string? text) in model.InOrder())
        {
            if (text is null)
            {
                await builder.AddDirectoryAsync(Path(path), null, Token);
            }
            else
            {
                await builder.AddFileAsync(Path(path), Text(text), Token);
            }
        }
        return await builder.FinishAsync(Token);
    }

    /// <summary>Everything below the root, one line each, in the order of the walk.</summary>
    internal async Task<string> DescribeAsync(DirectoryReference? root)
    {
        StringBuilder text = new();
        await foreach (TreeEntry entry in Reader.WalkAsync(TreeReader.RootEntry(root), Token))
        {
            text.Append(entry.Path).Append(entry.IsDirectory ? "/" : "").Append(' ').Append(entry.Size)
                .Append(' ').AppendLine(entry.File is { } file ? string.Join("", file.Chunks.Select(chunk => chunk.Id.ToString()[..4])) : "");
        }
        return text.ToString();
    }

    private static ChunkId HashOf(ImmutableArray<ChunkReference> chunks) =>
        chunks.Length == 1 ? chunks[0].Id : ChunkId.Of([.. chunks.SelectMany(chunk => chunk.Id.ToArray())]);
}
