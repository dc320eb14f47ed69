using System.Text;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Scheduling;

/// <summary>
/// Collects the statistics of one attempt: <c>failure</c>, <c>logs</c>, what was below <c>pfs</c>, and <c>stats</c> (spec/pps.md section
/// 9).
/// The log goes to the store as it comes. Safe for concurrent use until the tree is made.
/// </summary>
internal sealed class DatumStats : IAsyncDisposable
{
    private readonly StoredTrees trees;
    private readonly PipelineName pipeline;
    private readonly JobId job;
    private readonly ContentBuilder lines;
    private readonly SemaphoreSlim turn = new(1, 1);

    /// <summary>Begins.</summary>
    public DatumStats(StoredTrees trees, PipelineName pipeline, JobId job)
    {
        this.trees = trees;
        this.pipeline = pipeline;
        this.job = job;
        Writer = trees.Chunks.OpenWriter();
        lines = FileContents.OpenBuilder(Writer);
    }

    /// <summary>Takes the chunks. Who takes it over disposes of it instead of this.</summary>
    public IChunkWriter Writer { get; }

    /// <summary>Adds a line of the log.</summary>
    public async ValueTask AddAsync(LogContext context, DateTimeOffset time, string message, CancellationToken cancellationToken)
    {
        byte[] line = StatsJson.WriteLine(pipeline, job, context, time, message);
        await turn.WaitAsync(cancellationToken);
        try
        {
            await lines.AppendAsync(line, cancellationToken);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Makes the tree, which is durable when the writer was flushed.</summary>
    /// <param name="attempt">The attempt.</param>
    /// <param name="stats">What it took.</param>
    /// <param name="output">The output; null if the datum failed.</param>
    /// <param name="failure">Why it failed; empty if it did not.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<DirectoryReference> FinishAsync(
        DatumAttempt attempt, ProcessStats stats, DirectoryReference? output, string failure, CancellationToken cancellationToken)
    {
        TreeBuilder tree = new(Writer);
        if (failure.Length > 0)
        {
            await AddAsync(tree, "/failure", Encoding.UTF8.GetBytes(failure), cancellationToken);
        }
        await tree.AddFileAsync(PathOf("/logs"), await lines.CompleteAsync(cancellationToken), cancellationToken);
        await tree.AddDirectoryAsync(PathOf("/pfs"), hash: null, cancellationToken);
        List<(TreePath Path, TreeEntry Entry)> shown = [];
        foreach (DatumInputTree input in attempt.Inputs)
        {
            TreePath top = PathOf("/pfs").Child(Encoding.UTF8.GetBytes(input.Name));
            shown.Add((TreePath.FromBytes((byte[])[.. top.Bytes, .. input.Place.Bytes]), await input.InspectAsync(cancellationToken)));
        }
        if (output is { } written)
        {
            shown.Add((PathOf("/pfs/out"), TreeReader.RootEntry(written)));
        }
        // Each is below a name of its own, so the order of the paths is that of the names.
        foreach ((TreePath path, TreeEntry entry) in shown.OrderBy(static item => item.Path, NamesFirst))
        {
            await (entry.File is { } file
                ? tree.AddFileAsync(path, file, cancellationToken)
                : tree.AddStoredAsync(path, entry.Directory!.Value, cancellationToken));
        }
        await AddAsync(tree, "/stats", StatsJson.Write(stats), cancellationToken);
        return await tree.FinishAsync(cancellationToken);
    }

    /// <summary>Lets go of what was written.</summary>
    public async ValueTask DisposeAsync()
    {
        await lines.DisposeAsync();
        Writer.Dispose();
        turn.Dispose();
    }

    // By the third name, the input's: a slash sorts before what may follow in a longer name.
    private static Comparer<TreePath> NamesFirst { get; } = Comparer<TreePath>.Create(static (left, right) =>
        NameOf(left).SequenceCompareTo(NameOf(right)));

    private static ReadOnlySpan<byte> NameOf(TreePath path)
    {
        ReadOnlySpan<byte> name = path.Bytes["/pfs/".Length..];
        int end = name.IndexOf((byte)'/');
        return end < 0 ? name : name[..end];
    }

    private async Task AddAsync(TreeBuilder tree, string path, byte[] content, CancellationToken cancellationToken) =>
        await tree.AddFileAsync(PathOf(path), await FileContents.WriteAsync(content, Writer, cancellationToken), cancellationToken);

    private static TreePath PathOf(string path) => TreePath.FromBytes(Encoding.UTF8.GetBytes(path));
}
