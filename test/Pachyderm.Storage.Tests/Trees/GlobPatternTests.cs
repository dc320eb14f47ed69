using CsCheck;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Storage.Tests.Trees;

public sealed class GlobPatternTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", "", true)]
    [InlineData("/", "", true)]
    [InlineData(".", "", true)]
    [InlineData("..", "", true)]
    [InlineData("", "/a", false)]
    [InlineData("*", "/a", true)]
    [InlineData("/*", "/a", true)]
    [InlineData("*", "", false)]
    [InlineData("*", "/a/b", false)]
    [InlineData("*/*", "/a/b", true)]
    [InlineData("*/*", "/a", false)]
    [InlineData("a//b/", "/a/b", true)]
    [InlineData("./a/../b", "/b", true)]
    [InlineData("file*", "/file", true)]
    [InlineData("file*", "/file-1", true)]
    [InlineData("file*", "/fil", false)]
    [InlineData("f?le", "/file", true)]
    [InlineData("f?le", "/f☺le", true)]
    [InlineData("f?le", "/fle", false)]
    [InlineData("a?b", "/a/b", false)]
    [InlineData("a[/]b", "/a/b", false)]
    [InlineData("a[^x]b", "/a/b", false)]
    [InlineData("[a-c]", "/b", true)]
    [InlineData("[a-c]", "/d", false)]
    [InlineData("[^a-c]", "/d", true)]
    [InlineData("[c-a]", "/b", false)]
    [InlineData("[^c-a]", "/b", true)]
    [InlineData("[☹-☻]", "/☺", true)]
    [InlineData("[\\-x]", "/-", true)]
    [InlineData("[\\]a]", "/]", true)]
    [InlineData("[x\\-z]", "/y", false)]
    [InlineData("a\\*b", "/a*b", true)]
    [InlineData("a\\*b", "/axb", false)]
    [InlineData("a\\/b", "/a/b", true)]
    [InlineData("]", "/]", true)]
    [InlineData("{a,b}", "/a", false)]
    [InlineData("{a,b}", "/{a,b}", true)]
    [InlineData("**", "/abc", true)]
    [InlineData("**", "/a/b", false)]
    [InlineData("*a*b*c*", "/xaxbxcx", true)]
    [InlineData("*a*b*c", "/xaxbxcx", false)]
    [InlineData("a*b?c*x", "/abxbbxdbxebxczzx", true)]
    [InlineData("a*b?c*x", "/abxbbxdbxebxczzy", false)]
    public void Patterns_match_as_in_path_Match(string text, string path, bool expected)
    {
        Assert.True(GlobPattern.TryParse(text, out GlobPattern? pattern, out _));
        Assert.Equal(expected, pattern.Matches(TreeHarness.Path(path)));
    }

    [Theory]
    [InlineData("[")]
    [InlineData("[a")]
    [InlineData("[]a]")]
    [InlineData("[^]")]
    [InlineData("[-]")]
    [InlineData("[-x]")]
    [InlineData("[x-]")]
    [InlineData("[x-")]
    [InlineData("[a-b-c]")]
    [InlineData("[\\")]
    [InlineData("/*\\")]
    [InlineData("nothing/matches/this/[")]
    public void Malformed_patterns_are_refused_though_nothing_reaches_the_bad_part(string text)
    {
        Assert.False(GlobPattern.TryParse(text, out _, out string? problem));
        Assert.Equal($"glob \"{text}\" is malformed", problem);
    }

    [Fact]
    public void A_byte_that_is_no_character_counts_as_one()
    {
        TreePath path = TreePath.FromBytes(new byte[] { (byte)'/', 0xff, 0xe2, 0x98, (byte)'x' });
        Assert.True(GlobPattern.TryParse("???x", out GlobPattern? pattern, out _));
        Assert.True(pattern.Matches(path));
        Assert.True(GlobPattern.TryParse("??x", out pattern, out _));
        Assert.False(pattern.Matches(path));
    }

    [Fact]
    public void Patterns_agree_with_the_rules_tried_in_every_way()
    {
        Gen<string> pattern = Gen.OneOf(
            Gen.Const("*"), Gen.Const("?"), Gen.Const("a"), Gen.Const("b"), Gen.Const("é"), Gen.Const("/"), Gen.Const("[a-b]"), Gen.Const("[^a]"),
            Gen.Const("\\a"), Gen.Const("\\*")).Array[0, 8].Select(string.Concat);
        Gen<string> path = Gen.OneOf(Gen.Const("a"), Gen.Const("b"), Gen.Const("é"), Gen.Const("*"), Gen.Const("/")).Array[0, 8].Select(string.Concat);
        Gen.Select(pattern, path).Sample(
            (text, name) =>
            {
                Assert.True(GlobPattern.TryParse(text, out GlobPattern? parsed, out _));
                TreePath cleaned = TreeHarness.Path(name);
                Assert.Equal(PlainMatch(Tokens(TreeHarness.Path(text).ToString()), cleaned.ToString()), parsed.Matches(cleaned));
            },
            iter: 100_000);
    }

    [Fact]
    public async Task A_glob_of_a_tree_is_its_paths_that_match_in_byte_order()
    {
        string[] patterns =
        [
            "", "*", "*/*", "*/*/*", "a", "a/b", "a*", "/a*/*", "*b/a*", "[ab]/*/?", "?b", "zz/*", "a-b/*", "d1/f1*", "d?/*", "*/f?",
            "d0/d1/f[0-3]*", "d2/f12", "0*1", "none/*", "a/none", "f1", "\\a",
        ];
        Gen<ModelWrite[]> writes = Gen.OneOf(ModelWrites.Any.Array[0, 40], ModelWrites.Peaceful.Array[0, 200]);
        await Gen.Select(writes, Gen.Int[0, patterns.Length - 1]).SampleAsync(
            async (sample, index) =>
            {
                TreeHarness trees = new(TreeHarness.Tiny);
                TreeModel model = ModelWrites.Model(sample);
                DirectoryReference root = await trees.BuildAsync(model);
                Assert.True(GlobPattern.TryParse(patterns[index], out GlobPattern? pattern, out _));
                List<TreeEntry> found = await trees.Reader.GlobAsync(root, pattern, Token).ToListAsync(Token);
                IEnumerable<string> expected = model.InOrder().OrderBy(node => node.Path, StringComparer.Ordinal)
                    .Where(node => pattern.Matches(TreeHarness.Path(node.Path)))
                    .Select(node => $"{node.Path} {model.SizeOf(node.Path)} {node.Text is null}");
                Assert.Equal(expected, found.Select(entry => $"{entry.Path} {entry.Size} {entry.IsDirectory}"), StringComparer.Ordinal);
            },
            iter: 500);
    }

    /// <summary>The rules without any cleverness: every way to divide the text is tried.</summary>
    private static bool PlainMatch(ReadOnlySpan<string> tokens, string text)
    {
        if (tokens.IsEmpty)
        {
            return text.Length == 0;
        }
        if (tokens[0] == "*")
        {
            return PlainMatch(tokens[1..], text) || (text.Length > 0 && text[0] != '/' && PlainMatch(tokens, text[1..]));
        }
        if (text.Length == 0)
        {
            return false;
        }
        bool matches = tokens[0] switch
        {
            "?" => text[0] != '/',
            "[a-b]" => text[0] is 'a' or 'b',
            "[^a]" => text[0] is not ('a' or '/'),
            string literal => literal[^1] == text[0],
        };
        return matches && PlainMatch(tokens[1..], text[1..]);
    }

    private static string[] Tokens(string pattern)
    {
        List<string> tokens = [];
        for (int i = 0; i < pattern.Length;)
        {
            int length = pattern[i] == '[' ? pattern.IndexOf(']', i) + 1 - i : pattern[i] == '\\' ? 2 : 1;
            tokens.Add(pattern.Substring(i, length));
            i += length;
        }
        return [.. tokens];
    }
}
