using System.Collections.Immutable;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;
using Pachyderm.TestSupport;

namespace Pachyderm.Pfs.Tests;

/// <summary>What the writes of open commits look like in the metadata store does not change: another shape takes another kind. See <see cref="GoldenFormat"/>.</summary>
public sealed class WriteFormatTests
{
    private static readonly GoldenFormat Golden = new("Pachyderm.Pfs.Tests", "pending-writes", 1, "a new kind in PendingWriteCodec");

    private static readonly FileContent Small = new(3, ChunkId.Of("whole"u8), [new ChunkReference(ChunkId.Of("one"u8), 3)], 0);

    private static readonly FileContent Deep = new(
        1L << 40, ChunkId.Of("list"u8),
        [new ChunkReference(ChunkId.Of("left"u8), 1L << 39), new ChunkReference(ChunkId.Of("right"u8), 1L << 39)], 2);

    private static TreePath Path => TreePath.Clean("/d/\u00e9")!.Value;

    [Fact]
    public void A_file_that_is_put_has_its_golden_bytes()
    {
        Golden.Holds("put-file.bin", PendingWriteCodec.Encode(new PutFile(Path, Deep, Overwrite: true)).Span);
        (TreeWrite write, ChunkId? contents) = PendingWriteCodec.Decode(Assert.Single(Golden.OfEveryFormat("put-file.bin")));
        PutFile file = Assert.IsType<PutFile>(write);
        Assert.Equal((Path, true, null), (file.Path, file.Overwrite, contents));
        AssertSame(Deep, file.Content);
    }

    [Fact]
    public void A_file_that_is_split_has_its_golden_bytes()
    {
        Golden.Holds("put-split.bin", PendingWriteCodec.Encode(new PutSplit(Path, [Small, Deep], Overwrite: false)).Span);
        PutSplit split = Assert.IsType<PutSplit>(PendingWriteCodec.Decode(Assert.Single(Golden.OfEveryFormat("put-split.bin"))).Write);
        Assert.Equal((Path, false, 2), (split.Path, split.Overwrite, split.Contents.Length));
        AssertSame(Small, split.Contents[0]);
        AssertSame(Deep, split.Contents[1]);
    }

    [Fact]
    public void A_split_whose_contents_are_in_a_chunk_has_its_golden_bytes()
    {
        ChunkId chunk = ChunkId.Of("contents"u8);
        Golden.Holds("put-split-in-chunk.bin", PendingWriteCodec.EncodeSplitInChunk(Path, chunk, overwrite: true).Span);
        (TreeWrite write, ChunkId? contents) = PendingWriteCodec.Decode(Assert.Single(Golden.OfEveryFormat("put-split-in-chunk.bin")));
        PutSplit split = Assert.IsType<PutSplit>(write);
        Assert.Equal((Path, true, 0, chunk), (split.Path, split.Overwrite, split.Contents.Length, contents));

        Golden.Holds("contents.bin", PendingWriteCodec.EncodeContents([Small, Deep]));
        ImmutableArray<FileContent> both = PendingWriteCodec.DecodeContents(Assert.Single(Golden.OfEveryFormat("contents.bin")));
        AssertSame(Small, both[0]);
        AssertSame(Deep, both[1]);
    }

    [Fact]
    public void A_path_that_is_deleted_has_its_golden_bytes()
    {
        Golden.Holds("delete.bin", PendingWriteCodec.Encode(new DeletePath(Path)).Span);
        Assert.Equal(
            new DeletePath(Path), PendingWriteCodec.Decode(Assert.Single(Golden.OfEveryFormat("delete.bin"))).Write);
    }

    private static void AssertSame(FileContent expected, FileContent actual)
    {
        Assert.Equal((expected.Size, expected.Hash, expected.Depth), (actual.Size, actual.Hash, actual.Depth));
        Assert.Equal(expected.Chunks, actual.Chunks);
    }
}
