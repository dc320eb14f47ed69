using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Storage.Content;
using static Pachyderm.Pps.Tests.Given;

namespace Pachyderm.Pps.Tests.Identity;

public sealed class IdentityTests
{
    private static readonly DatumIdentity Pipe = new(new PipelineName("pipe"), new Salt("salt"));

    [Fact]
    public void A_tag_is_the_hash_of_names_paths_hashes_pipeline_and_salt()
    {
        DatumPart[] parts = [Part("in2", "/b", "B"), Part("in1", "/", "A")];
        byte[] body = [.. "in2/b"u8, .. Hash("B").ToArray(), .. "in1"u8, .. Hash("A").ToArray(), .. "pipesalt"u8];

        DatumTag tag = Pipe.TagOf(parts);

        string expected = Convert.ToHexStringLower(SHA256.HashData("salt"u8))[..4] + Convert.ToHexStringLower(SHA256.HashData(body));
        Assert.Equal(expected, tag.ToString());
        Assert.Equal(expected + "_stats", tag.StatsName);
        Assert.Equal(Pipe.Prefix, tag.Prefix);
    }

    [Fact]
    public void The_identifier_in_logs_is_the_hash_of_paths_and_hashes()
    {
        DatumPart[] parts = [Part("in2", "/b", "B"), Part("in1", "/a", "A")];

        ChunkId id = DatumIdentity.IdOf(parts);

        Assert.Equal(ChunkId.Of([.. "/b"u8, .. Hash("B").ToArray(), .. "/a"u8, .. Hash("A").ToArray()]), id);
    }

    [Fact]
    public void Paths_longer_than_any_buffer_are_hashed_whole()
    {
        string path = "/" + new string('a', 100_000);

        DatumTag tag = Pipe.TagOf([Part("in", path, "A")]);

        Assert.Equal(ChunkId.Of([.. "in"u8, .. Encoding.UTF8.GetBytes(path), .. Hash("A").ToArray(), .. "pipesalt"u8]), tag.Hash);
    }

    [Fact]
    public void Commit_branch_repo_glob_and_laziness_are_no_part_of_it()
    {
        DatumPart part = Part("in", "/a");
        DatumPart other = part with { Input = new DatumInput("in", new CommitRef("other", "d"), "dev", "/a", Lazy: true) };

        Assert.Equal(Pipe.TagOf([part]), Pipe.TagOf([other]));
    }

    [Fact]
    public void Anything_else_is_part_of_it()
    {
        DatumTag[] tags =
        [
            Pipe.TagOf([Part("in", "/a", "1")]),
            Pipe.TagOf([Part("xx", "/a", "1")]),
            Pipe.TagOf([Part("in", "/b", "1")]),
            Pipe.TagOf([Part("in", "/a", "2")]),
            new DatumIdentity(new PipelineName("other"), new Salt("salt")).TagOf([Part("in", "/a", "1")]),
            new DatumIdentity(new PipelineName("pipe"), new Salt("pepper")).TagOf([Part("in", "/a", "1")]),
        ];

        Assert.Equal(tags.Length, tags.Distinct().Count());
    }

    [Fact]
    public void A_tag_is_written_so_that_it_is_read_again() =>
        Gen.Select(Gen.UShort, Gen.Byte.Array[32], Gen.Bool).Sample((prefix, hash, hasPrefix) =>
        {
            DatumTag tag = new(hasPrefix ? prefix : null, new ChunkId(hash));
            return tag.ToString().Length == (hasPrefix ? 68 : 64) && DatumTag.TryParse(tag.ToString(), out DatumTag read) && read == tag;
        });

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("12345")]
    [InlineData("zzzz0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0000zzzz00000000000000000000000000000000000000000000000000000000zzzz")]
    public void What_is_no_tag_is_refused(string? text) => Assert.False(DatumTag.TryParse(text, out _));

    [Fact]
    public void Tags_are_ordered_as_their_text_is()
    {
        DatumTag[] tags = [.. Enumerable.Range(0, 200).Select(i => new DatumTag((ushort)(i * 7919), Hash($"{i}")))];

        Assert.Equal(tags.Select(static tag => tag.ToString()).Order(StringComparer.Ordinal), tags.Order().Select(static tag => tag.ToString()));
    }

    [Fact]
    public void New_identifiers_have_the_form_of_1_5()
    {
        Assert.Matches("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", JobId.New().Value);
        Assert.Matches("^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$", Salt.New().Value);
        Assert.NotEqual(Salt.New(), Salt.New());
    }
}
