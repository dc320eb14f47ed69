using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Tests.Packs;
using Pachyderm.TestSupport;

namespace Pachyderm.Storage.Tests.Adoption;

/// <summary>The object store of a genuine cluster, or one that a test makes up, in a directory of its own.</summary>
internal sealed class OldStore : IDisposable
{
    private const string SourceName = "old";

    private OldStore(string root) => Root = root;

    /// <summary>The storage root.</summary>
    public string Root { get; }

    /// <summary>What was read of the store.</summary>
    public FaultInjectingObjectStore Objects => field ??= new FaultInjectingObjectStore(new LocalObjectStore(Root), Plan);

    /// <summary>The store as a source.</summary>
    public AdoptionSource Source => new(SourceName, Objects);

    /// <summary>Lets reads fail.</summary>
    public Func<ObjectStoreCall, ObjectStoreFault?>? Fault { get; set; }

    /// <summary>Every object, as an importer finds it.</summary>
    public List<AdoptedObject> Listed { get; private init; } = [];

    /// <summary>Unpacks the store of a fixture.</summary>
    public static OldStore Unpack(string fixture, string archive = "object-store.tar.gz")
    {
        string directory = Path.Combine(Path.GetTempPath(), "old-" + Path.GetRandomFileName());
        Directory.CreateDirectory(directory);
        using (FileStream file = File.OpenRead(Path.Combine(RepositoryPaths.Fixture(fixture), archive)))
        using (GZipStream unzipped = new(file, CompressionMode.Decompress))
        using (TarReader reader = new(unzipped))
        {
            while (reader.GetNextEntry() is { } entry)
            {
                string path = Path.Combine(directory, entry.Name);
                if (entry.EntryType is TarEntryType.Directory)
                {
                    Directory.CreateDirectory(path);
                }
                else if (entry.DataStream is { } content)
                {
                    using FileStream target = File.Create(path);
                    content.CopyTo(target);
                }
            }
        }

        string root = Path.Combine(directory, "pach");
        root = Directory.Exists(Path.Combine(root, "pach")) ? Path.Combine(root, "pach") : root;
        return new OldStore(root) { Listed = [.. OldIndexes.List(root)] };
    }

    /// <summary>Makes a store of the local layout with these objects.</summary>
    public static OldStore Of(params IEnumerable<byte[]> contents)
    {
        OldStore store = new(Path.Combine(Path.GetTempPath(), "old-" + Path.GetRandomFileName()));
        Directory.CreateDirectory(Path.Combine(store.Root, "object"));
        foreach (byte[] content in contents)
        {
            string hash = Convert.ToHexStringLower(SHA512.HashData(content));
            File.WriteAllBytes(Path.Combine(store.Root, "object", hash), content);
            store.Listed.Add(new AdoptedObject(hash, "object/" + hash, 0, content.Length));
        }

        return store;
    }

    /// <summary>The bytes of an object, read past the store under test.</summary>
    public byte[] BytesOf(AdoptedObject item)
    {
        using FileStream file = File.OpenRead(PathOf(item));
        byte[] bytes = new byte[item.Length];
        file.Position = item.Offset;
        file.ReadExactly(bytes);
        return bytes;
    }

    public string PathOf(AdoptedObject item) => Path.Combine(Root, item.Key);

    /// <summary>Adopts every object.</summary>
    public Task<AdoptionResult> AdoptAsync(PackChunkStore store) =>
        store.AdoptAsync(SourceName, Listed.ToAsyncEnumerable(), TestContext.Current.CancellationToken);

    /// <summary>All chunks of the objects.</summary>
    public List<ChunkReference> Chunks =>
        [.. Listed.SelectMany(static item => AdoptedChunks.Of(item.Hash, item.Length)).Distinct()];

    /// <summary>Compares each object with what the store under test has for it.</summary>
    public async Task AssertReadableAsync(PackChunkStore store)
    {
        foreach (AdoptedObject item in Listed)
        {
            List<byte[]> parts = [];
            foreach (ChunkReference chunk in AdoptedChunks.Of(item.Hash, item.Length))
            {
                parts.Add(await store.ReadBytesAsync(chunk.Id));
                Assert.Equal(chunk.Length, parts[^1].Length);
            }

            byte[] whole = [.. parts.SelectMany(static part => part)];
            Assert.Equal(item.Hash, Convert.ToHexStringLower(SHA512.HashData(whole)));
        }
    }

    public void Dispose()
    {
        if (Directory.Exists(Root))
        {
            Directory.Delete(Root, recursive: true);
        }
    }

    private ObjectStoreFault? Plan(ObjectStoreCall call) => Fault?.Invoke(call);
}
