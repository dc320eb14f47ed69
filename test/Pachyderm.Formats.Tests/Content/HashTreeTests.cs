using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.Formats.V1_5;

namespace Pachyderm.Formats.Tests.Content;

public sealed class HashTreeTests
{
    private static readonly string FooObject = Convert.ToHexStringLower(SHA512.HashData("foo\n"u8));

    [Fact]
    public void The_hash_of_a_file_follows_the_known_vector()
    {
        HashTree tree = Parse(Sample());
        Assert.Null(tree.Verify());
        Assert.Equal("19fdf57bdf9eb5a9602bfa9c0e6dd7ed3835f8fd431d915003ea82747707be66", Convert.ToHexStringLower(tree.Find("/dir/foo")!.Hash.Span));
        Assert.Equal("19fdf57bdf9eb5a9602bfa9c0e6dd7ed3835f8fd431d915003ea82747707be66", Convert.ToHexStringLower(tree.Find("dir//foo/")!.Hash.Span));
        Assert.Equal([FooObject], tree.Find("dir/foo")!.Objects, StringComparer.Ordinal);
        Assert.Equal("foo", tree.Find("dir/foo")!.Name);
        Assert.Null(tree.Find("dir/none"));
        Assert.Equal(4, tree.Root!.SizeBytes);
    }

    [Fact]
    public void A_walk_visits_parents_first_and_siblings_in_order() =>
        Assert.Equal(["", "/a", "/dir", "/dir/foo"], Parse(Sample()).Walk().Select(node => node.Path), StringComparer.Ordinal);

    [Theory]
    [InlineData(2)]
    [InlineData(0)]
    [InlineData(-1)]
    public void Another_version_is_refused(int version)
    {
        HashTreeProto proto = Sample();
        proto.Version = version;
        OperatorException refusal = Assert.Throws<OperatorException>(() => Parse(proto));
        Assert.Equal("hashtree-version", refusal.Id);
        Assert.Contains($"unsupported HashTreeProto version {version}", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Verification_names_the_node_that_is_wrong()
    {
        AssertFault("/dir/foo", p => Node(p, "/dir/foo").FileNode.Objects.Add(new V1_5.Object { Hash = ByteString.CopyFromUtf8(FooObject) }), "hash");
        AssertFault("/dir", p => Node(p, "/dir").Hash = ByteString.CopyFrom(new byte[32]), "hash", also: "");
        AssertFault("", p => Node(p, "").SubtreeSize = 5, "size");
        AssertFault("", p => Node(p, "").DirNode.Children.Add(ByteString.CopyFromUtf8("zzz")), "does not exist");
        AssertFault("", p => Swap(Node(p, "").DirNode.Children), "byte order");
        AssertFault("", p => Node(p, "").DirNode.Children[0] = ByteString.CopyFromUtf8("a/b"), "no name");
        AssertFault("", p => Node(p, "").DirNode.Children[0] = ByteString.Empty, "no name");
        AssertFault("/a", p => Node(p, "/a").Name = ByteString.CopyFromUtf8("b"), "name");
        AssertFault("/lost/x", p => p.Fs.Add(File("/lost/x")), "no directory lists it");

        static void AssertFault(string path, Action<HashTreeProto> damage, string problem, string? also = null)
        {
            HashTreeProto proto = Sample();
            damage(proto);
            HashTreeFault? fault = Parse(proto).Verify();
            Assert.NotNull(fault);
            Assert.Equal(also ?? path, fault.Path);
            Assert.Contains(problem, fault.Problem, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void What_could_not_be_walked_is_refused()
    {
        AssertRefused(p => p.Fs.Add(File("/a")));
        AssertRefused(p => p.Fs.Add(File("no-slash")));
        AssertRefused(p => p.Fs.Add(File("/slash/")));
        AssertRefused(p => p.Fs.Add(File("//x")));
        AssertRefused(p => p.Fs.Add(new HashTreeProto.Types.FsEntry { Key = ByteString.CopyFromUtf8("/n"), Value = new NodeProto() }));
        AssertRefused(p => p.Fs.Add(new HashTreeProto.Types.FsEntry { Key = ByteString.CopyFromUtf8("/n") }));
        AssertRefused(p => Node(p, "/a").DirNode = new DirectoryNodeProto());
        AssertRefused(p => Node(p, "/a").SubtreeSize = -1);
        AssertRefused(p => Node(p, "/dir/foo").FileNode.Objects[0].Hash = ByteString.CopyFromUtf8("../../etc/passwd"));
        AssertRefused(p => p.Fs.Remove(p.Fs.First(e => e.Key.IsEmpty)));

        static void AssertRefused(Action<HashTreeProto> damage)
        {
            HashTreeProto proto = Sample();
            damage(proto);
            Assert.Equal("hashtree-damaged", Assert.Throws<CorruptionException>(() => Parse(proto)).Id);
        }
    }

    [Fact]
    public void Children_that_name_grandchildren_or_themselves_do_not_make_a_walk_endless()
    {
        HashTreeProto proto = Sample();
        Node(proto, "").DirNode.Children.Add(ByteString.CopyFromUtf8("dir/foo"));
        Node(proto, "").DirNode.Children.Add(ByteString.CopyFromUtf8("dir"));
        Assert.Equal(4, Parse(proto).Walk().Count());
    }

    [Fact]
    public void An_empty_tree_has_no_root_and_is_sound()
    {
        HashTree tree = Parse(new HashTreeProto { Version = 1 });
        Assert.Null(tree.Root);
        Assert.Null(tree.Verify());
        Assert.Empty(tree.Walk());
        Assert.Empty(tree.Glob("*"));
    }

    [Fact]
    public void Any_damage_to_the_bytes_is_found_or_harmless_and_nothing_else_is_thrown()
    {
        byte[] sound = Sample().ToByteArray();
        Gen.Select(Gen.Int[0, sound.Length - 1], Gen.Byte).Array[1, 4].Sample(
            changes =>
            {
                byte[] bytes = [.. sound];
                foreach ((int at, byte value) in changes)
                {
                    bytes[at] = value;
                }

                try
                {
                    HashTree tree = HashTree.Parse(bytes, "sample");
                    _ = tree.Verify();
                    return tree.Walk().Count() <= tree.Count && tree.Glob("/*/*").Count <= tree.Count;
                }
                catch (OperatorException)
                {
                    return true;
                }
            },
            iter: 3_000);
    }

    [Fact]
    public void Truncated_bytes_are_refused_or_incomplete_but_never_mistaken_for_the_tree()
    {
        byte[] sound = Sample().ToByteArray();
        for (int length = 0; length < sound.Length; length++)
        {
            try
            {
                HashTree tree = HashTree.Parse(sound.AsMemory(0, length), "sample");
                Assert.True(tree.Count < 4);
            }
            catch (OperatorException)
            {
                // Refused, as it should be.
            }
        }
    }

    private static HashTree Parse(HashTreeProto proto) => HashTree.Parse(proto.ToByteArray(), "sample");

    private static void Swap(RepeatedField<ByteString> children) => (children[0], children[1]) = (children[1], children[0]);

    private static NodeProto Node(HashTreeProto proto, string path) => proto.Fs.First(e => e.Key.Equals(ByteString.CopyFromUtf8(path))).Value;

    private static HashTreeProto.Types.FsEntry File(string path, params string[] objects)
    {
        FileNodeProto file = new();
        file.Objects.AddRange(objects.Select(hash => new V1_5.Object { Hash = ByteString.CopyFromUtf8(hash) }));
        return Entry(path, new NodeProto
        {
            FileNode = file,
            SubtreeSize = objects.Length * 4,
            Hash = ByteString.CopyFrom(SHA256.HashData(Encoding.ASCII.GetBytes(string.Concat(objects)))),
        });
    }

    private static HashTreeProto.Types.FsEntry Directory(string path, params HashTreeProto.Types.FsEntry[] children)
    {
        DirectoryNodeProto directory = new();
        directory.Children.AddRange(children.Select(child => child.Value.Name));
        using MemoryStream input = new();
        foreach (HashTreeProto.Types.FsEntry child in children)
        {
            input.Write([.. child.Value.Name.Span, (byte)':', .. child.Value.Hash.Span, (byte)':']);
        }

        return Entry(path, new NodeProto
        {
            DirNode = directory,
            SubtreeSize = children.Sum(child => child.Value.SubtreeSize),
            Hash = ByteString.CopyFrom(SHA256.HashData(input.ToArray())),
        });
    }

    private static HashTreeProto.Types.FsEntry Entry(string path, NodeProto node)
    {
        node.Name = ByteString.CopyFromUtf8(path[(path.LastIndexOf('/') + 1)..]);
        return new HashTreeProto.Types.FsEntry { Key = ByteString.CopyFromUtf8(path), Value = node };
    }

    private static HashTreeProto Sample()
    {
        HashTreeProto.Types.FsEntry empty = File("/a");
        HashTreeProto.Types.FsEntry foo = File("/dir/foo", FooObject);
        HashTreeProto.Types.FsEntry dir = Directory("/dir", foo);
        HashTreeProto.Types.FsEntry root = Directory("", empty, dir);
        HashTreeProto proto = new() { Version = 1 };
        proto.Fs.AddRange([foo, root, dir, empty]);
        return proto;
    }
}
