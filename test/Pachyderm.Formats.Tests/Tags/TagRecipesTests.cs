using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;

namespace Pachyderm.Formats.Tests.Tags;

public class TagRecipesTests
{
    private static readonly byte[] HashA = SHA256.HashData("a"u8);
    private static readonly byte[] HashB = SHA256.HashData("b"u8);

    private static readonly DatumFile[] Files = [File("in2", "/b", HashB), File("in1", "/a", HashA)];

    [Fact]
    public void Each_recipe_hashes_what_its_release_hashed()
    {
        var pipeline = Pipeline(("K", "v"));
        byte[] transform = [0x0a, 3, .. "img"u8, 0x12, 2, .. "sh"u8, 0x1a, 6, 0x0a, 1, .. "K"u8, 0x12, 1, .. "v"u8];
        byte[] withoutEnvironment = [0x0a, 3, .. "img"u8, 0x12, 2, .. "sh"u8];
        byte[] files = [.. "in2/b"u8, .. HashB, .. "in1/a"u8, .. HashA];
        string ofId = Hex(SHA256.HashData("id"u8))[..4];
        string ofSalt = Hex(SHA256.HashData("salt"u8))[..4];

        // 1.4.0 sorted the files by path and left the names behind.
        Assert.Equal(
            Hex(SHA256.HashData([.. "in2/a"u8, .. HashA, .. "in1/b"u8, .. HashB, .. transform])),
            TagRecipes.Tag(TagRecipe.Since140, pipeline, Files));
        Assert.Equal(Hex(SHA256.HashData([.. files, .. transform])), TagRecipes.Tag(TagRecipe.Since141, pipeline, Files));
        Assert.Equal(Hex(SHA256.HashData([.. files, .. transform, .. "pipeid12"u8])), TagRecipes.Tag(TagRecipe.Since145, pipeline, Files));
        Assert.Equal(
            ofId + Hex(SHA256.HashData([.. files, .. transform, .. "pipeid12"u8])),
            TagRecipes.Tag(TagRecipe.Since147, pipeline, Files));
        Assert.Equal(
            ofId + Hex(SHA256.HashData([.. files, .. withoutEnvironment, .. "pipeid12"u8])),
            TagRecipes.Tag(TagRecipe.Since150, pipeline, Files));
        Assert.Equal(ofSalt + Hex(SHA256.HashData([.. files, .. "pipesalt"u8])), TagRecipes.Tag(TagRecipe.Since151, pipeline, Files));
    }

    [Fact]
    public void Empty_keys_and_values_of_the_environment_are_hashed_too()
    {
        byte[] expected = [0x0a, 3, .. "img"u8, 0x12, 2, .. "sh"u8, 0x1a, 4, 0x0a, 0, 0x12, 0];
        var transform = Pipeline(("", "")).Transform;
        transform.Env[0].ClearKey();

        Assert.Equal(expected, TagRecipes.TransformBytes(TagRecipe.Since147, transform));
    }

    [Fact]
    public void All_orders_of_the_environment_are_tried_once()
    {
        var pipeline = Pipeline(("A", "1"), ("B", "2"), ("C", "3"));
        var candidates = new TagCandidates(TagRecipe.Since147, pipeline);

        string[] tags = [.. candidates.Of(Files)];

        Assert.Equal(6, tags.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(6, candidates.Count);
        Assert.Equal(TagRecipes.Tag(TagRecipe.Since147, pipeline, Files), tags[0]);
        Assert.Contains(TagRecipes.Tag(TagRecipe.Since147, pipeline, Files, [2, 0, 1]), tags, StringComparer.Ordinal);
        Assert.Equal(
            TagRecipes.Tag(TagRecipe.Since147, Pipeline(("C", "3"), ("A", "1"), ("B", "2")), Files),
            TagRecipes.Tag(TagRecipe.Since147, pipeline, Files, [2, 0, 1]));
    }

    [Theory]
    [InlineData(TagRecipe.Since150)]
    [InlineData(TagRecipe.Since151)]
    public void Recipes_without_environment_have_one_tag_whatever_its_order(TagRecipe recipe)
    {
        var one = new TagCandidates(recipe, Pipeline(("A", "1"), ("B", "2")));

        Assert.Equal(TagRecipes.Tag(recipe, Pipeline(("B", "2"), ("A", "1")), Files), Assert.Single(one.Of(Files)));
        Assert.Equal(1, TagRecipes.CountOrders(recipe, Pipeline(("A", "1"), ("B", "2")).Transform));
    }

    [Fact]
    public void Beyond_six_variables_only_the_records_own_order_is_tried()
    {
        var pipeline = Pipeline([.. Enumerable.Range(0, 7).Select(static i => ($"V{i}", ""))]);
        var candidates = new TagCandidates(TagRecipe.Since147, pipeline);

        Assert.False(candidates.IsComplete);
        Assert.Equal(TagRecipes.Tag(TagRecipe.Since147, pipeline, Files), Assert.Single(candidates.Of(Files)));
        Assert.Equal(5040, TagRecipes.CountOrders(TagRecipe.Since147, pipeline.Transform));
        var many = Pipeline([.. Enumerable.Range(0, 21).Select(static i => ($"V{i}", ""))]);
        Assert.Equal(long.MaxValue, TagRecipes.CountOrders(TagRecipe.Since147, many.Transform));
    }

    [Fact]
    public void Nonsense_is_refused()
    {
        var pipeline = Pipeline(("A", "1"), ("B", "2"));

        Assert.Throws<ArgumentException>(() => TagRecipes.Tag(TagRecipe.Since147, pipeline, Files, [0, 0]));
        Assert.Throws<ArgumentException>(() => TagRecipes.Tag(TagRecipe.Since147, pipeline, Files, [0]));
        Assert.Throws<ArgumentException>(() => TagRecipes.Tag(TagRecipe.Since147, pipeline, [File("in", "/x", [1, 2, 3])]));
        Assert.Throws<ArgumentOutOfRangeException>(() => TagRecipes.Tag((TagRecipe)99, pipeline, Files));
    }

    [Fact]
    public void The_transform_is_not_changed()
    {
        var pipeline = Pipeline(("A", "1"), ("B", "2"));
        var before = pipeline.Transform.Clone();

        _ = new TagCandidates(TagRecipe.Since147, pipeline).Of(Files).Count();

        Assert.Equal(before, pipeline.Transform);
    }

    private static string Hex(byte[] hash) => Convert.ToHexStringLower(hash);

    private static DatumFile File(string input, string path, byte[] hash) =>
        new(Encoding.UTF8.GetBytes(input), Encoding.UTF8.GetBytes(path), hash);

    private static TaggedPipeline Pipeline(params (string Key, string Value)[] environment)
    {
        var transform = new V1_4.Transform { Image = ByteString.CopyFromUtf8("img"), Cmd = { ByteString.CopyFromUtf8("sh") } };
        transform.Env.Add(environment.Select(static e => new V1_4.Transform.Types.EnvEntry
        {
            Key = ByteString.CopyFromUtf8(e.Key),
            Value = ByteString.CopyFromUtf8(e.Value),
        }));
        return new TaggedPipeline("pipe"u8.ToArray(), "id"u8.ToArray(), 12, "salt"u8.ToArray(), transform);
    }
}
