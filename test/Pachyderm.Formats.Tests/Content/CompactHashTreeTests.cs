using System.Text.Json;
using CsCheck;
using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.Tests;

namespace Pachyderm.Formats.Tests.Content;

/// <summary>The reader of single nodes against the one that reads all.</summary>
public sealed class CompactHashTreeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("pachyderm-1.4.8-small")]
    [InlineData("pachyderm-1.4.8-objstore")]
    [InlineData("pachyderm-1.5.3-small")]
    public async Task Every_node_of_every_genuine_tree_is_found_as_the_thorough_reader_has_it(string set)
    {
        using FixtureContent content = new(set);
        LegacyContentStore store = await LegacyContentStore.OpenAsync(content.Root, Token);
        using JsonDocument expected = FixtureContent.Expected(set);
        int nodes = 0;
        foreach (string tree in FixtureContent.Commits(expected).Select(static commit => commit.Tree).OfType<string>().Distinct(StringComparer.Ordinal))
        {
            HashTree whole = await store.ReadHashTreeAsync(tree, Token);
            CompactHashTree compact = await store.ReadCompactTreeAsync(tree, Token);
            AssertSame(whole, compact);
            // As the thorough reader writes it, too.
            AssertSame(whole, CompactHashTree.Parse(whole.ToBytes(), tree));
            nodes += compact.Count;
        }

        Assert.InRange(nodes, 100, int.MaxValue);
    }

    [Fact]
    public void Damaged_bytes_are_refused_or_read_as_the_thorough_reader_does()
    {
        byte[] sound = SampleTree();
        Gen.Select(Gen.Int[0, sound.Length - 1], Gen.Byte, Gen.Int[0, 40]).Sample(
            change =>
            {
                byte[] bytes = sound[..^(change.Item3 > 30 ? change.Item3 - 30 : 0)];
                bytes[Math.Min(change.Item1, bytes.Length - 1)] = change.Item2;
                CompactHashTree compact;
                try
                {
                    compact = CompactHashTree.Parse(bytes, "a damaged tree");
                }
                catch (OperatorException)
                {
                    return;
                }

                foreach (string path in (string[])["", "/a", "/dir", "/dir/foo", "/none"])
                {
                    if (compact.Find(System.Text.Encoding.UTF8.GetBytes(path)) is { } node)
                    {
                        Assert.InRange(node.SizeBytes, 0, long.MaxValue);
                    }
                }
            },
            iter: 20_000);
    }

    private static byte[] SampleTree()
    {
        V1_5.HashTreeProto proto = new() { Version = 1 };
        Add("", 4, "a", "dir");
        Add("/a", 0);
        Add("/dir", 4, "foo");
        proto.Fs.Add(new V1_5.HashTreeProto.Types.FsEntry
        {
            Key = Google.Protobuf.ByteString.CopyFromUtf8("/dir/foo"),
            Value = new V1_5.NodeProto
            {
                Name = Google.Protobuf.ByteString.CopyFromUtf8("foo"),
                Hash = Google.Protobuf.ByteString.CopyFrom(new byte[32]),
                SubtreeSize = 4,
                FileNode = new V1_5.FileNodeProto { Objects = { new V1_5.Object { Hash = Google.Protobuf.ByteString.CopyFromUtf8(new string('0', 128)) } } },
            },
        });
        return Google.Protobuf.MessageExtensions.ToByteArray(proto);

        void Add(string path, long size, params string[] children) => proto.Fs.Add(new V1_5.HashTreeProto.Types.FsEntry
        {
            Key = Google.Protobuf.ByteString.CopyFromUtf8(path),
            Value = new V1_5.NodeProto
            {
                Name = Google.Protobuf.ByteString.CopyFromUtf8(path[(path.LastIndexOf('/') + 1)..]),
                Hash = Google.Protobuf.ByteString.CopyFrom(new byte[32]),
                SubtreeSize = size,
                DirNode = new V1_5.DirectoryNodeProto { Children = { children.Select(Google.Protobuf.ByteString.CopyFromUtf8) } },
            },
        });
    }

    private static void AssertSame(HashTree whole, CompactHashTree compact)
    {
        Assert.Equal(whole.Count, compact.Count);
        Assert.Equal(whole.Walk().Count(static node => !node.IsDirectory), compact.Files);
        foreach (HashTreeNode node in whole.Walk())
        {
            CompactHashTreeNode? found = compact.Find(node.PathBytes.Span);
            Assert.NotNull(found);
            Assert.Equal((node.IsDirectory, node.SizeBytes), (found.IsDirectory, found.SizeBytes));
            Assert.Equal(node.Hash.ToArray(), found.Hash.ToArray());
            string[] parts = node.IsDirectory ? [.. whole.GetChildren(node).Select(static child => child.Name)] : [.. node.Objects];
            Assert.Equal(parts, found.Parts.Select(static part => System.Text.Encoding.UTF8.GetString(part.Span)).ToArray());
        }

        Assert.Null(compact.Find("/no such path"u8));
    }
}
