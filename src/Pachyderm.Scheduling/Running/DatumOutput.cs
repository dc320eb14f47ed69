using System.Text;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;
using Pachyderm.Workers;

namespace Pachyderm.Scheduling;

/// <summary>
/// Stores what a datum left in <c>/pfs/out</c>, and makes a tree of it. What it refers to stays safe from collection until it is disposed.
/// </summary>
internal sealed class DatumOutput : IOutputSink, IDisposable
{
    private readonly IReadOnlyList<DatumInputTree> inputs;
    private readonly TreeBuilder builder;

    public DatumOutput(StoredTrees trees, IReadOnlyList<DatumInputTree> inputs)
    {
        this.inputs = inputs;
        Writer = trees.Chunks.OpenWriter();
        builder = new TreeBuilder(Writer);
    }

    /// <summary>Takes the chunks.</summary>
    public IChunkWriter Writer { get; }

    /// <inheritdoc/>
    public async Task AddFileAsync(string path, Stream content, CancellationToken cancellationToken)
    {
        FileContent file = await FileContents.WriteAsync(content, Writer, cancellationToken);
        await builder.AddFileAsync(PathOf(path), file, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task AddDirectoryAsync(string path, CancellationToken cancellationToken) =>
        await builder.AddDirectoryAsync(PathOf(path), hash: null, cancellationToken);

    /// <inheritdoc/>
    public async Task<bool> AddInputAsync(string path, string inputName, string inputPath, CancellationToken cancellationToken)
    {
        DatumInputTree input = inputs.First(input => input.Name == inputName);
        TreePath target = inputPath == "/" ? TreePath.Root : PathOf(inputPath);
        bool found = false;
        await foreach (TreeEntry entry in input.FindAsync(target, cancellationToken))
        {
            found = true;
            byte[] place = [.. Encoding.UTF8.GetBytes(path), .. entry.Path.Bytes[target.Bytes.Length..]];
            TreePath added = TreePath.FromBytes(place);
            if (entry.File is { } file)
            {
                await builder.AddFileAsync(added, file, cancellationToken);
            }
            else
            {
                await builder.AddStoredAsync(added, entry.Directory!.Value, cancellationToken);
            }
        }
        return found;
    }

    /// <summary>Ends the tree. It is durable when <see cref="Writer"/> was flushed.</summary>
    public Task<DirectoryReference> FinishAsync(CancellationToken cancellationToken) => builder.FinishAsync(cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => Writer.Dispose();

    private static TreePath PathOf(string path) => TreePath.FromBytes(Encoding.UTF8.GetBytes(path));
}
