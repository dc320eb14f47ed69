using System.Text;
using CsCheck;
using Pachyderm.Errors;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;
using Pachyderm.Storage.Trees.Nodes;

namespace Pachyderm.Storage.Tests.Trees;

/// <summary>The bytes of nodes and records of format 1. What is asserted here is in stores; a change needs a new format number.</summary>
public sealed class NodeFormatTests
{
    private static readonly ChunkId First = new([.. Enumerable.Range(1, 32).Select(value => (byte)value)]);
    private static readonly ChunkId Second = new([.. Enumerable.Range(101, 32).Select(value => (byte)value)]);

    private const string FirstHex = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";
    private const string SecondHex = "65666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f8081828384";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, FileContent> Files => new()
    {
        { "0100" + SecondHex, new FileContent(0, Second, [], 0) },
        { "0101" + "ac02" + FirstHex + SecondHex, new FileContent(300, Second, [new(First, 300)], 0) },
        { "0102" + "05" + FirstHex + "80808008" + SecondHex + FirstHex, new FileContent(5 + (16 << 20), First, [new(First, 5), new(Second, 16 << 20)], 0) },
        { "0902" + "01" + "808080808020" + FirstHex + SecondHex, new FileContent(1L << 40, Second, [new(First, 1L << 40)], 2) },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void A_file_has_these_bytes(string hex, FileContent file)
    {
        byte[] encoded = FileContentCodec.Encode(file);
        Assert.Equal("01" + hex, Convert.ToHexStringLower(encoded));
        FileContent decoded = FileContentCodec.Read([.. encoded, 1, 2, 3], out int read);
        Assert.Equal(encoded.Length, read);
        Assert.Equal((file.Size, file.Hash, file.Depth), (decoded.Size, decoded.Hash, decoded.Depth));
        Assert.Equal(file.Chunks, decoded.Chunks);
        Assert.Throws<CorruptionException>(() => FileContentCodec.Decode([.. encoded, 0]));
        Assert.Throws<CorruptionException>(() => FileContentCodec.Decode([2, .. encoded.AsSpan(1)]));
    }

    [Fact]
    public void A_directory_has_these_bytes()
    {
        DirectoryReference own = new(First, First, 1_000, 3);
        DirectoryReference older = new(First, Second, 0, 0);
        Assert.Equal("0102" + FirstHex + "e80703", Convert.ToHexStringLower(DirectoryReferenceCodec.Encode(own)));
        Assert.Equal("0106" + FirstHex + "0000" + SecondHex, Convert.ToHexStringLower(DirectoryReferenceCodec.Encode(older)));
        Assert.Equal(own, DirectoryReferenceCodec.Decode(DirectoryReferenceCodec.Encode(own)));
        Assert.Equal(older, DirectoryReferenceCodec.Decode(DirectoryReferenceCodec.Encode(older)));
        Assert.Throws<CorruptionException>(() => DirectoryReferenceCodec.Decode(FileContentCodec.Encode(TreeHarness.Text("1"))));
        Assert.Throws<CorruptionException>(() => FileContentCodec.Decode(DirectoryReferenceCodec.Encode(own)));
    }

    [Fact]
    public async Task A_leaf_and_an_empty_leaf_have_these_bytes()
    {
        TreeHarness trees = new();
        using IChunkWriter writer = trees.Store.OpenWriter();
        TreeBuilder builder = new(writer);
        await builder.AddFileAsync(TreeHarness.Path("/data-1"), new FileContent(300, Second, [new(First, 300)], 0), Token);
        await builder.AddFileAsync(TreeHarness.Path("/data-17"), new FileContent(0, First, [], 0), Token);
        await builder.AddDirectoryAsync(TreeHarness.Path("/empty"), null, Token);
        DirectoryReference root = await builder.FinishAsync(Token);
        string empty = "50540101" + "01000000" + "00000000";
        ChunkId emptyId = ChunkId.Of(Convert.FromHexString(empty));
        Assert.Equal(emptyId, TreeReader.EmptyDirectory.Node);
        Assert.Equal(
            "50540101" + "01000000" + "03000000"
            + "0006" + Hex("data-1") + "0101ac02" + FirstHex + SecondHex
            + "0601" + Hex("7") + "0100" + FirstHex
            + "0005" + Hex("empty") + "02" + emptyId + "0000",
            Convert.ToHexStringLower(trees.Store.Bytes(root.Node)));
        Assert.Equal(new DirectoryReference(root.Node, root.Node, 300, 2), root);
        Assert.DoesNotContain(emptyId, trees.Store.Ids);
    }

    [Fact]
    public async Task A_large_directory_ends_its_nodes_where_it_always_did()
    {
        TreeHarness trees = new();
        DirectoryReference root = await trees.ApplyAsync(null, Enumerable.Range(0, 20_000).Select(number => TreeHarness.Put($"/{number:x}", "1")));
        Assert.Equal("aa91c92182f2945c1d038285f3e5301fc958debeaf0e2f8a84d3ede3e6c91d9e", root.Node.ToString());
        byte[] top = trees.Store.Bytes(root.Node);
        Assert.Equal("505401010202000002000000", Convert.ToHexStringLower(top.AsSpan(0, 12)));
    }

    [Fact]
    public void Hostile_bytes_end_in_a_corruption_exception_and_in_nothing_else()
    {
        List<byte[]> genuine = [.. Files.Select(row => FileContentCodec.Encode(row.Data.Item2)), DirectoryReferenceCodec.Encode(new(First, Second, 9, 9))];
        Gen.Select(Gen.Int[0, genuine.Count - 1], Damage).Sample(
            (index, damage) =>
            {
                byte[] bytes = damage(genuine[index]);
                OnlyCorruption(() => Assert.Equal(bytes, FileContentCodec.Encode(FileContentCodec.Decode(bytes))));
                OnlyCorruption(() => Assert.Equal(bytes, DirectoryReferenceCodec.Encode(DirectoryReferenceCodec.Decode(bytes))));
            },
            iter: 50_000);
    }

    [Fact]
    public async Task Hostile_nodes_end_in_a_corruption_exception_and_what_is_accepted_is_what_would_be_written()
    {
        TreeHarness trees = new(TreeHarness.Tiny);
        await trees.ApplyAsync(null, Enumerable.Range(0, 200).Select(number => TreeHarness.Put($"/d{number % 7}/file-{number}", "123"[..(number % 4)])));
        List<byte[]> genuine = [.. trees.Store.Ids.Order().Select(trees.Store.Bytes)];
        Gen.Select(Gen.Int[0, genuine.Count - 1], Damage).Sample(
            (index, damage) =>
            {
                byte[] bytes = damage(genuine[index]);
                OnlyCorruption(() =>
                {
                    TreeNode node = NodeFormat.Read(bytes, ChunkId.Of(bytes));
                    // A later version may say that this one can read it; all else is as this one writes it.
                    Assert.Equal(Convert.ToHexString([.. bytes.AsSpan(0, 2), NodeFormat.Version, .. bytes.AsSpan(3)]), Convert.ToHexString(Rewrite(node)));
                });
            },
            iter: 50_000);
    }

    [Fact]
    public async Task A_missing_or_exchanged_node_is_reported_whichever_way_it_is_reached()
    {
        TreeHarness trees = new(TreeHarness.Tiny, cache: 0);
        DirectoryReference root = await trees.ApplyAsync(null, Enumerable.Range(0, 60).Select(number => TreeHarness.Put($"/d/{number:d2}", "1")));
        DirectoryReference claimed = root with { Files = 61 };
        CorruptionException exception = await Assert.ThrowsAsync<CorruptionException>(async () => await trees.DescribeAsync(claimed));
        Assert.Equal("tree-node-damaged", exception.Id);
        Assert.Contains(root.Node.ToString(), exception.Message, StringComparison.Ordinal);
        foreach (ChunkId id in trees.Store.Ids.ToList())
        {
            byte[] bytes = trees.Store.Bytes(id);
            trees.Store.Remove(id);
            await Assert.ThrowsAsync<CorruptionException>(async () => await trees.DescribeAsync(root));
            trees.Store.Put(bytes);
        }
        Assert.Equal(62, (await trees.DescribeAsync(root)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    private static Gen<Func<byte[], byte[]>> Damage { get; } = Gen.OneOf(
        Gen.Select(Gen.Int[0, 10_000], Gen.Byte, (position, value) => (Func<byte[], byte[]>)(bytes =>
        {
            byte[] changed = [.. bytes];
            changed[position % bytes.Length] = value;
            return changed;
        })),
        Gen.Int[0, 10_000].Select(length => (Func<byte[], byte[]>)(bytes => bytes[..(length % bytes.Length)])),
        Gen.Select(Gen.Int[0, 10_000], Gen.Byte.Array[1, 20], (position, inserted) => (Func<byte[], byte[]>)(bytes =>
            [.. bytes.AsSpan(0, position % bytes.Length), .. inserted, .. bytes.AsSpan(position % bytes.Length)])),
        Gen.Select(Gen.Int[0, 10_000], Gen.Int[1, 40], (position, length) => (Func<byte[], byte[]>)(bytes =>
            [.. bytes.AsSpan(0, position % bytes.Length), .. bytes.AsSpan(Math.Min(bytes.Length, (position % bytes.Length) + length))])));

    private static byte[] Rewrite(TreeNode node)
    {
        NodeBuilder builder = new(NodeShape.Format1, node.Level);
        for (int i = 0; i < node.Count; i++)
        {
            if (node.Level > 0)
            {
                builder.Add(node.Name(i), node.Child(i));
            }
            else if (EntryEncoding.IsDirectory(node.Value(i)))
            {
                builder.Add(node.Name(i), EntryEncoding.Directory(node.Value(i)));
            }
            else
            {
                builder.Add(node.Name(i), EntryEncoding.File(node.Value(i)));
            }
        }
        Assert.Equal((node.Size, node.Files, node.Entries), (builder.Size, builder.Files, builder.Entries));
        return builder.Finish().ToArray();
    }

    private static void OnlyCorruption(Action action)
    {
        try
        {
            action();
        }
        catch (CorruptionException)
        {
            // This is what damage is allowed to end in.
        }
    }

    private static string Hex(string text) => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(text));
}
