using System.Collections.Concurrent;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Tests.Packs;

/// <summary>A directory with everything that a chunk store keeps, removed at the end.</summary>
internal sealed class StoreFolder : IDisposable
{
    public StoreFolder() => Directory.CreateDirectory(Root);

    public string Root { get; } = Path.Combine(Path.GetTempPath(), "storage-" + Path.GetRandomFileName());

    public string Spool => Path.Combine(Root, "spool");

    public string Index => Path.Combine(Root, "index");

    public string Objects => Path.Combine(Root, "objects");

    public ConcurrentQueue<StorageFinding> Findings { get; } = new();

    public IEnumerable<string> FindingIds => Findings.Select(static finding => finding.Id);

    /// <summary>All findings, for the message of an assertion.</summary>
    public string Told => string.Join('\n', Findings);

    public bool Found(string id) => Findings.Any(finding => finding.Id == id);

    public PackStoreOptions Options => new()
    {
        Objects = new LocalObjectStore(Objects),
        SpoolDirectory = Spool,
        IndexDirectory = Index,
        OnFinding = Findings.Enqueue,
    };

    public Task<PackChunkStore> OpenAsync() => OpenAsync(Options);

    public static Task<PackChunkStore> OpenAsync(PackStoreOptions options) =>
        PackChunkStore.OpenAsync(options, TestContext.Current.CancellationToken);

    public string[] SpoolPacks => Directory.GetFiles(Spool, "*.pack");

    public string[] StoredPacks => Directory.Exists(Path.Combine(Objects, "packs"))
        ? Directory.GetFiles(Path.Combine(Objects, "packs"), "*", SearchOption.AllDirectories)
        : [];

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

internal static class StoreExtensions
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Puts chunks and flushes them, as a request does before it answers.</summary>
    public static async Task<List<ChunkId>> PutDurablyAsync(this PackChunkStore store, params IEnumerable<byte[]> contents)
    {
        using IChunkWriter writer = store.OpenWriter();
        List<ChunkId> ids = [];
        foreach (byte[] content in contents)
        {
            ids.Add(await writer.PutAsync(content, Token));
        }

        await writer.FlushAsync(Token);
        return ids;
    }

    public static async Task<byte[]> ReadBytesAsync(this PackChunkStore store, ChunkId id)
    {
        using ChunkBuffer buffer = await store.ReadAsync(id, Token);
        return buffer.Memory.ToArray();
    }

    /// <summary>Bytes that nothing shortens, the same for the same seed.</summary>
    public static byte[] Random(int seed, int length)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Bytes that zstd shortens well.</summary>
    public static byte[] Text(int seed, int length) =>
        [.. Enumerable.Range(0, length).Select(i => (byte)("the quick brown fox "[(i + seed) % 20] + ((i * seed) % 97 == 0 ? 1 : 0)))];
}
