using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Index;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Tests.Packs;
using Pachyderm.TestSupport;

namespace Pachyderm.Storage.Tests.Index;

/// <summary>
/// The files of the chunk index do not change without a new number. They are built anew from the packs where the number is unknown, so an
/// index that is read by mistake would be the only harm; that is what is held here. See <see cref="GoldenFormat"/>.
/// </summary>
public sealed class IndexFormatTests : IDisposable
{
    private static readonly GoldenFormat Runs = new(
        "Pachyderm.Storage.Tests", "index-run", IndexRunFormat.Version, "IndexRunFormat.Version");

    private static readonly GoldenFormat Manifests = new(
        "Pachyderm.Storage.Tests", "index-manifest", IndexManifest.CopiedVersion, "IndexManifest.CopiedVersion");

    private static readonly IndexedPack Own = new(3, new PackId(new UInt128(0x0123456789abcdef, 0xfedcba9876543210)), 1L << 30);

    private static readonly IndexedPack Adopted = new(4, new PackId(new UInt128(1, 2)), 4096, new PackAdoption("cluster", 5, 1L << 33));

    private readonly StoreFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void An_entry_and_the_header_of_a_run_have_their_golden_bytes()
    {
        IndexEntry entry = new(
            ChunkId.Of("golden"u8), new ChunkLocation(7, 1 << 20, new ChunkPayload(4, 6, ChunkEncoding.Zstd, ChunkHash.Sha256)));
        byte[] bytes = new byte[IndexEntry.Length];
        entry.Write(bytes);
        Runs.Holds("entry.bin", bytes);
        Assert.Equal(entry, IndexEntry.Read(Runs.OfThisFormat("entry.bin")));

        byte[] header = new byte[IndexRunFormat.BlockLength];
        IndexRunFormat.WriteHeader(header, 43, 64, 11, 12);
        Runs.Holds("header.bin", header);
        Assert.True(IndexRunFormat.TryReadHeader(
            Runs.OfThisFormat("header.bin"), IndexRunFormat.FileLength(43, 64), out long entries, out long capacity, out ulong fences, out ulong filter));
        Assert.Equal((43, 64, 11UL, 12UL), (entries, capacity, fences, filter));
    }

    [Fact]
    public void The_manifest_of_each_version_has_its_golden_bytes()
    {
        Check("plain.bin", new IndexManifest(9, [2, 1], [Own], HasCopies: false));
        Check("adopted.bin", new IndexManifest(9, [2, 1], [Own, Adopted], HasCopies: false));
        Check("copied.bin", new IndexManifest(9, [], [Own, Adopted], HasCopies: true));

        void Check(string file, IndexManifest manifest)
        {
            manifest.Write(folder.Root);
            Manifests.Holds(file, File.ReadAllBytes(IndexManifest.PathIn(folder.Root)));
            File.WriteAllBytes(IndexManifest.PathIn(folder.Root), Manifests.OfThisFormat(file));
            IndexManifest read = IndexManifest.Read(folder.Root)!;
            Assert.Equal((manifest.LastPackNumber, manifest.HasCopies), (read.LastPackNumber, read.HasCopies));
            Assert.Equal(manifest.Runs, read.Runs);
            Assert.Equal(manifest.Packs, read.Packs);
        }
    }
}
