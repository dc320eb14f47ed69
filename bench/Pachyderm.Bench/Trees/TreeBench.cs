using System.Globalization;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Bench.Trees;

/// <summary>
/// Times trees of growing size in processor time on one core, over a store in memory that hashes but does not compress, so what is left is the trees' own
/// cost. "Cold" is with an empty cache of nodes, "warm" with what the same work left there.
/// </summary>
internal static class TreeBench
{
    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    internal static async Task RunAsync(int largest, CancellationToken cancellationToken)
    {
        Console.Out.WriteLine("| tree | files | work | time | nodes read | new nodes | new bytes | allocated |");
        Console.Out.WriteLine("|---|---:|---|---:|---:|---:|---:|---:|");
        foreach (bool flat in new[] { true, false })
        {
            foreach (int files in new[] { 1_000, 10_000, 100_000, 1_000_000 }.Where(files => files <= largest))
            {
                await new Scenario(files, flat, cancellationToken).RunAsync();
            }
        }
    }

    private sealed class Scenario(int files, bool flat, CancellationToken cancellationToken)
    {
        private readonly MemoryChunkStore store = new();
        private readonly Random random = new(1);
        private NodeCache cache = new();

        internal async Task RunAsync()
        {
            DirectoryReference root = default;
            await MeasureAsync("build, entries in order", 1, async _ =>
                root = await SampleFiles.BuildAsync(new TreeBuilder(store), files, flat, cancellationToken));
            await MeasureAsync("apply all in one call", 1, async _ => await ApplyInAsync(1, shuffled: true));
            await MeasureAsync("apply all in 20 calls, in order", 1, async _ => await ApplyInAsync(20, shuffled: false));
            await MeasureAsync("apply all in 20 calls", 1, async _ => await ApplyInAsync(20, shuffled: true));
            await MeasureAsync("change 1 file, cold", 50, async i => await ChangeAsync(root, 1, 1 + i), cold: true);
            await MeasureAsync("change 1 file, warm", 50, async i => await ChangeAsync(root, 1, 1_000 + i));
            await MeasureAsync("change 10 files, cold", 50, async i => await ChangeAsync(root, 10, 2_000 + i), cold: true);
            await MeasureAsync("find, cold", 200, async _ => await FindAsync(root), cold: true);
            await MeasureAsync("find, warm", 20_000, async _ => await FindAsync(root));
            await MeasureAsync("list 100, cold", 100, async _ => await ListAsync(root), cold: true);
            await MeasureAsync("list 100, warm", 1_000, async _ => await ListAsync(root));
            await MeasureAsync("walk all, cold", 1, async _ => await WalkAsync(root), cold: true);
            await MeasureAsync("glob of one directory, warm", 1_000, async _ => await GlobAsync(root, flat ? "/file-000001*" : "/d00001/*"));
            await MeasureAsync("glob of all", 1, async _ => await GlobAsync(root, flat ? "/*" : "/*/*"));
            DirectoryReference changed = await ChangeAsync(root, 1, 9_000);
            await MeasureAsync("diff, 1 changed, cold", 50, async _ => await DiffAsync(changed, root), cold: true);
            changed = await ChangeAsync(root, 100, 9_001);
            await MeasureAsync("diff, 100 changed, cold", 20, async _ => await DiffAsync(changed, root), cold: true);
        }

        private TreeReader Reader() => new(store, cache);

        private async Task WalkAsync(DirectoryReference root) =>
            await CountAsync(Reader().WalkAsync(TreeReader.RootEntry(root), cancellationToken));

        private async Task<DirectoryReference> ApplyInAsync(int calls, bool shuffled)
        {
            TreeEditor editor = new(store, cache);
            DirectoryReference? root = null;
            int[] numbers = [.. Enumerable.Range(0, files)];
            if (shuffled)
            {
                new Random(2).Shuffle(numbers);
            }
            foreach (int[] part in numbers.Chunk((files + calls - 1) / calls))
            {
                TreeWrite[] writes = [.. part.Select(number => SampleFiles.Put(number, flat))];
                root = await editor.ApplyAsync(root, writes, store, SampleFiles.ConcatAsync, cancellationToken);
            }
            return root!.Value;
        }

        private async Task<DirectoryReference> ChangeAsync(DirectoryReference root, int count, int version)
        {
            TreeWrite[] writes = [.. Enumerable.Range(0, count).Select(_ => SampleFiles.Put(random.Next(files), flat, version))];
            return await new TreeEditor(store, cache).ApplyAsync(root, writes, store, SampleFiles.ConcatAsync, cancellationToken);
        }

        private async Task FindAsync(DirectoryReference root) =>
            _ = (await Reader().FindAsync(root, SampleFiles.Path(random.Next(files), flat), cancellationToken)).Entry
                ?? throw new InvalidOperationException("A file is missing.");

        private async Task ListAsync(DirectoryReference root)
        {
            TreePath path = SampleFiles.Path(random.Next(files), flat);
            TreeEntry directory = (await Reader().FindAsync(root, path.Parent, cancellationToken)).Entry!;
            await CountAsync(Reader().ListAsync(directory, flat ? path.Name : default, cancellationToken).Take(100));
        }

        private async Task GlobAsync(DirectoryReference root, string text)
        {
            GlobPattern.TryParse(text, out GlobPattern? pattern, out _);
            await CountAsync(Reader().GlobAsync(root, pattern!, cancellationToken));
        }

        private async Task DiffAsync(DirectoryReference latest, DirectoryReference old) =>
            await CountAsync(Reader().DiffAsync(TreeReader.RootEntry(latest), TreeReader.RootEntry(old), shallow: false, cancellationToken));

        private async Task CountAsync<T>(IAsyncEnumerable<T> entries)
        {
            await foreach (T _ in entries.WithCancellation(cancellationToken))
            {
            }
        }

        private async Task MeasureAsync(string work, int times, Func<int, Task> workAsync, bool cold = false)
        {
            store.ResetCounts();
            TimeSpan taken = default;
            long allocated = 0;
            for (int i = 0; i < times; i++)
            {
                if (cold)
                {
                    cache = new NodeCache();
                }
                long allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
                TimeSpan before = Environment.CpuUsage.TotalTime;
                await workAsync(i);
                taken += Environment.CpuUsage.TotalTime - before;
                allocated += GC.GetAllocatedBytesForCurrentThread() - allocatedBefore;
            }
            double each = taken.TotalMilliseconds / times;
            double count = times;
            string nodes = string.Create(Culture, $"{store.Reads / count:n1} | {store.NewChunks / count:n1} | {store.NewBytes / count:n0}");
            Console.Out.WriteLine(string.Create(
                Culture, $"| {(flat ? "flat" : "by 100")} | {files:n0} | {work} | {each:n3} ms | {nodes} | {allocated / 1024.0 / count:n1} KiB |"));
        }
    }
}
