using System.Diagnostics;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;
using Pachyderm.Storage.Trees.Nodes;

namespace Pachyderm.Bench.Trees;

/// <summary>
/// What the shape of nodes makes of a commit that adds, and one that changes, a file in a large directory: why format 1 has its shape.
/// </summary>
internal static class NodeShapeBench
{
    private const int Commits = 300;

    internal static async Task RunAsync(int files, CancellationToken cancellationToken)
    {
        Console.Out.WriteLine($"One directory of {files:n0} files; means of {Commits} commits of one file.\n");
        Console.Out.WriteLine(
            "| bits | minimum | mean node | largest | levels | all nodes | change: read | written | bytes | add: read | written | bytes | find, cold |");
        Console.Out.WriteLine("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        (int Bits, int Minimum)[] shapes =
            [(4, 0), (4, 32), (4, 48), (4, 64), (5, 0), (5, 32), (5, 64), (5, 96), (6, 0), (6, 32), (6, 64), (7, 0), (7, 64), (8, 0)];
        foreach ((int bits, int minimum) in shapes)
        {
            NodeShape shape = NodeShape.Format1 with { Bits = bits, LeafMinimum = minimum, InnerMinimum = Math.Max(2, minimum) };
            MemoryChunkStore store = new();
            DirectoryReference root = await SampleFiles.BuildAsync(new TreeBuilder(store, shape), files, flat: true, cancellationToken);
            (long nodes, long bytes, int largest) = (store.NewChunks, store.NewBytes, store.LargestChunk);
            int levels = await LevelsAsync(store, root, cancellationToken);
            string change = await CommitsAsync(store, shape, root, files, add: false, cancellationToken);
            string add = await CommitsAsync(store, shape, root, files, add: true, cancellationToken);
            double find = await FindAsync(store, root, files, cancellationToken);
            Console.Out.WriteLine(
                $"| {bits} | {minimum} | {bytes / nodes:n0} | {largest:n0} | {levels} | {bytes / 1e6:n1} MB | {change} | {add} | {find:n1} µs |");
        }
    }

    private static async Task<int> LevelsAsync(MemoryChunkStore store, DirectoryReference root, CancellationToken cancellationToken)
    {
        using ChunkBuffer node = await store.ReadAsync(root.Node, cancellationToken);
        return NodeFormat.Read(node.Memory.Span, root.Node).Level + 1;
    }

    private static async Task<string> CommitsAsync(
        MemoryChunkStore store, NodeShape shape, DirectoryReference root, int files, bool add, CancellationToken cancellationToken)
    {
        Random random = new(1);
        TreeEditor editor = new(store, new NodeCache(0), shape);
        store.ResetCounts();
        for (int i = 0; i < Commits; i++)
        {
            int number = random.Next(files);
            TreePath path = SampleFiles.Path(number, flat: true);
            TreeWrite write = add ? new PutFile(TreePath.Clean(path + ".copy")!.Value, SampleFiles.Content(number), Overwrite: false)
                : SampleFiles.Put(number, flat: true, version: 1 + i);
            await editor.ApplyAsync(root, [write], store, SampleFiles.ConcatAsync, cancellationToken);
        }
        double commits = Commits;
        return $"{store.Reads / commits:n2} | {store.NewChunks / commits:n2} | {store.NewBytes / commits:n0}";
    }

    private static async Task<double> FindAsync(MemoryChunkStore store, DirectoryReference root, int files, CancellationToken cancellationToken)
    {
        Random random = new(1);
        TreeReader reader = new(store, new NodeCache(0));
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < 2_000; i++)
        {
            await reader.FindAsync(root, SampleFiles.Path(random.Next(files), flat: true), cancellationToken);
        }
        return Stopwatch.GetElapsedTime(start).TotalMicroseconds / 2_000;
    }
}
