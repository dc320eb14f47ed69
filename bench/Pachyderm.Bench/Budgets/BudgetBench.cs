using System.Globalization;
using System.Runtime.CompilerServices;
using Pachyderm.Bench.Trees;
using Pachyderm.Chunking;
using Pachyderm.Metadata;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores;
using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Specs;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Bench.Budgets;

/// <summary>Asserts what the hot paths of putting, reading and planning allocate.</summary>
internal static class BudgetBench
{
    private const int Kilobyte = 1 << 10;
    private const int Megabyte = 1 << 20;

    /// <summary>Prints a table of all budgets.</summary>
    /// <returns>Whether all are kept.</returns>
    internal static async Task<bool> RunAsync(string work, CancellationToken cancellationToken)
    {
        Console.Out.WriteLine("| once | bytes allocated | budget |\n|---|---:|---:|");
        string directory = Directory.CreateDirectory(Path.Combine(work, "bench-" + Path.GetRandomFileName())).FullName;
        try
        {
            bool kept = await CutAsync();
            kept &= await StoreAsync(directory, cancellationToken);
            kept &= await WriteRowsAsync(directory, cancellationToken);
            kept &= await UseTreesAsync(cancellationToken);
            return kept & await PlanAsync(cancellationToken);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<bool> CutAsync()
    {
        byte[] content = RandomBytes(64 * Megabyte);
        return await new AllocationBudget("find where to cut, for each MiB", 0).CheckAsync(64, () =>
        {
            Chunker chunker = default;
            for (int offset = 0; offset < content.Length;)
            {
                offset += chunker.Take(content.AsSpan(offset), out _);
            }

            return Task.CompletedTask;
        });
    }

    private static async Task<bool> StoreAsync(string directory, CancellationToken cancellationToken)
    {
        PackStoreOptions options = new()
        {
            Objects = new LocalObjectStore(Path.Combine(directory, "objects")),
            SpoolDirectory = Path.Combine(directory, "spool"),
            IndexDirectory = Path.Combine(directory, "index"),
        };
        await using PackChunkStore store = await PackChunkStore.OpenAsync(options, cancellationToken);
        FileContents contents = new(store);
        byte[] content = RandomBytes(16 * Megabyte);
        int changed = 0;

        async Task PutAsync(int length, int count)
        {
            using IChunkWriter puts = store.OpenWriter();
            for (int i = 0; i < count; i++)
            {
                // Another first byte of each piece makes another chunk of it.
                BitConverter.TryWriteBytes(content.AsSpan(i * length), ++changed);
                await FileContents.WriteAsync(content.AsMemory(i * length, length), puts, cancellationToken);
            }

            await puts.FlushAsync(cancellationToken);
        }

        bool kept = await new AllocationBudget("put a file of 4 KiB", 450).CheckAsync(4_000, () => PutAsync(4 * Kilobyte, 4_000));
        kept &= await new AllocationBudget("put a MiB of a large file", 2_200).CheckAsync(16, () => PutAsync(16 * Megabyte, 1));

        using IChunkWriter writer = store.OpenWriter();
        FileContent small = await FileContents.WriteAsync(content.AsMemory(0, 4 * Kilobyte), writer, cancellationToken);
        FileContent large = await FileContents.WriteAsync(content, writer, cancellationToken);
        await writer.FlushAsync(cancellationToken);

        async Task ReadAsync(FileContent file, int count)
        {
            for (int i = 0; i < count; i++)
            {
                await foreach (ChunkBuffer chunk in contents.ReadAsync(file, 0, file.Size, cancellationToken))
                {
                    chunk.Dispose();
                }
            }
        }

        kept &= await new AllocationBudget("read a file of 4 KiB", 1_400).CheckAsync(4_000, () => ReadAsync(small, 4_000));
        return kept & await new AllocationBudget("read a MiB of a large file", 1_300).CheckAsync(64, () => ReadAsync(large, 4));
    }

    private static async Task<bool> WriteRowsAsync(string directory, CancellationToken cancellationToken)
    {
        await using SqliteMetadataStore store = await SqliteMetadataStore.OpenAsync(
            new SqliteMetadataOptions { Path = Path.Combine(directory, "metadata.db") }, cancellationToken);
        byte[] payload = new byte[150];
        CommitKey commit = new("repo", "commit");
        const int Rows = 10_000;
        bool kept = await new AllocationBudget("row of a put file, one of many in a transaction", 32).CheckAsync(Rows, () => store.WriteAsync(
            writer =>
            {
                for (int i = 0; i < Rows; i++)
                {
                    writer.AddPendingWrite(commit, payload);
                }

                return 0;
            },
            cancellationToken));
        return kept & await new AllocationBudget("row of a put file, in a transaction of its own", 300).CheckAsync(200, async () =>
        {
            for (int i = 0; i < 200; i++)
            {
                await store.WriteAsync(
                    writer =>
                    {
                        writer.AddPendingWrite(commit, payload);
                        return 0;
                    },
                    cancellationToken);
            }
        });
    }

    private static async Task<bool> UseTreesAsync(CancellationToken cancellationToken)
    {
        const int Files = 100_000;
        MemoryChunkStore store = new();
        NodeCache cache = new();
        TreeReader reader = new(store, cache);
        DirectoryReference root = await SampleFiles.BuildAsync(new TreeBuilder(store), Files, flat: false, cancellationToken);
        TreePath[] paths = [.. Enumerable.Range(0, 1_000).Select(static i => SampleFiles.Path(i * 97, flat: false))];

        bool kept = await new AllocationBudget("find a path among 100,000", 750).CheckAsync(paths.Length, async () =>
        {
            foreach (TreePath path in paths)
            {
                await reader.FindAsync(root, path, cancellationToken);
            }
        });
        kept &= await new AllocationBudget("an entry of a list", 450).CheckAsync(Files, async () =>
        {
            await foreach (TreeEntry _ in reader.WalkAsync(TreeReader.RootEntry(root), cancellationToken))
            {
            }
        });
        int version = 0;
        return kept & await new AllocationBudget("change 10 of 100,000 files", 200_000).CheckAsync(20, async () =>
        {
            for (int i = 0; i < 20; i++)
            {
                version++;
                TreeWrite[] writes = [.. Enumerable.Range(0, 10).Select(number => SampleFiles.Put(number * 9_973, flat: false, version))];
                await new TreeEditor(store, cache).ApplyAsync(root, writes, store, SampleFiles.ConcatAsync, cancellationToken);
            }
        });
    }

    private static async Task<bool> PlanAsync(CancellationToken cancellationToken)
    {
        CrossInput input = new([new AtomInput("a", "a", "master", "c", "/*"), new AtomInput("b", "b", "master", "c", "/*")]);
        DatumIdentity identity = new(new PipelineName("p"), new Salt("s"));
        DatumSet datums = await DatumSet.OpenAsync(input, new ThousandFiles(), cancellationToken);
        JobPlanner planner = new(identity, legacy: null, new AllKnown());
        bool kept = await new AllocationBudget("plan a datum that is known", 8).CheckAsync(
            datums.Count, () => planner.PlanAsync(datums, cancellationToken));
        DatumPart[] parts = [.. datums[12_345].Parts];
        return kept & await new AllocationBudget("name a datum", 0).CheckAsync(10_000, () =>
        {
            for (int i = 0; i < 10_000; i++)
            {
                _ = identity.TagOf(parts);
            }

            return Task.CompletedTask;
        });
    }

    private static byte[] RandomBytes(int length)
    {
        byte[] content = new byte[length];
        new Random(1).NextBytes(content);
        return content;
    }

    private sealed class ThousandFiles : IDatumSource
    {
        public async IAsyncEnumerable<DatumFile> GlobAsync(
            CommitRef commit, string glob, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.CompletedTask;
            for (int number = 0; number < 1_000; number++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                TreePath path = TreePath.Clean(string.Create(CultureInfo.InvariantCulture, $"/f{number:d4}"))!.Value;
                yield return new DatumFile(path, ChunkId.Of(BitConverter.GetBytes(number)), number, IsDirectory: false);
            }
        }
    }

    private sealed class AllKnown : IDatumResults
    {
        public ValueTask FindAsync(ReadOnlyMemory<DatumTag> tags, Memory<bool> known, CancellationToken cancellationToken)
        {
            known.Span.Fill(true);
            return ValueTask.CompletedTask;
        }
    }
}
