using System.Text;
using CsCheck;
using Pachyderm.Errors;
using Pachyderm.Formats.Content;

namespace Pachyderm.Formats.Tests.Content;

public sealed class GlobPatternTests
{
    [Theory]
    [InlineData("", "", true)]
    [InlineData("/", "", true)]
    [InlineData(".", "", true)]
    [InlineData("/", "/a", false)]
    [InlineData("*", "", false)]
    [InlineData("*", "/a", true)]
    [InlineData("/*", "/a", true)]
    [InlineData("/*/", "/a", true)]
    [InlineData("//x//..//*", "/a", true)]
    [InlineData("*", "/a/b", false)]
    [InlineData("*/*", "/a/b", true)]
    [InlineData("*/*", "/a", false)]
    [InlineData("**", "/a/b", false)]
    [InlineData("a*", "/abc", true)]
    [InlineData("*c", "/abc", true)]
    [InlineData("*b*", "/abc", true)]
    [InlineData("a*b*c", "/aXbYbZc", true)]
    [InlineData("a*b*c", "/aXbYbZd", false)]
    [InlineData("?", "/\u00e9", true)]
    [InlineData("?", "/", false)]
    [InlineData("a?b", "/a/b", false)]
    [InlineData("[a-c]x", "/bx", true)]
    [InlineData("[a-c]x", "/dx", false)]
    [InlineData("[^a-c]x", "/dx", true)]
    [InlineData("[^a-c]x", "/ax", false)]
    [InlineData("[\u00e0-\u00ef]", "/\u00e9", true)]
    [InlineData("[\\-x]", "/-", true)]
    [InlineData("[\\]a]", "/]", true)]
    [InlineData("\\*", "/*", true)]
    [InlineData("\\*", "/a", false)]
    [InlineData("{a,b}", "/a", false)]
    [InlineData("{a,b}", "/{a,b}", true)]
    [InlineData("a]", "/a]", true)]
    [InlineData("dir/file", "/dir/file", true)]
    public void A_pattern_matches_whole_paths_as_upstream_does(string pattern, string path, bool expected) =>
        Assert.Equal(expected, new GlobPattern(pattern).Matches(Encoding.UTF8.GetBytes(path)));

    [Theory]
    [InlineData("*\\", "/a")]
    [InlineData("[", "/a")]
    [InlineData("[a", "/a")]
    [InlineData("[]a]", "/a")]
    [InlineData("[-]", "/a")]
    [InlineData("[a-]", "/a")]
    [InlineData("[x-]", "/x")]
    [InlineData("a[", "/ab")]
    public void A_malformed_part_that_is_reached_is_an_error(string pattern, string path)
    {
        OperatorException error = Assert.Throws<OperatorException>(() => new GlobPattern(pattern).Matches(Encoding.UTF8.GetBytes(path)));
        Assert.Equal("glob-malformed", error.Id);
        Assert.Contains($"glob \"{pattern}\"", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a[", "/b")]
    [InlineData("a[", "/a")]
    [InlineData("*\\", "")]
    public void A_malformed_part_that_is_not_reached_is_no_error(string pattern, string path) =>
        Assert.False(new GlobPattern(pattern).Matches(Encoding.UTF8.GetBytes(path)));

    [Fact]
    public void Stars_and_literals_match_as_the_definition_says() =>
        Gen.Select(Words("ab*?/"), Words("ab/")).Sample((pattern, path) =>
        {
            string cleanPattern = NodePath.Clean(pattern);
            string cleanPath = NodePath.Clean(path);
            return new GlobPattern(pattern).Matches(Encoding.UTF8.GetBytes(cleanPath)) == Defined(cleanPattern, cleanPath);
        });

    [Fact]
    public void Any_pattern_and_any_bytes_give_an_answer_or_the_one_error() =>
        Gen.Select(Gen.String, Gen.Byte.Array[0, 20]).Sample((pattern, path) =>
        {
            try
            {
                _ = new GlobPattern(pattern).Matches(path);
            }
            catch (OperatorException error)
            {
                Assert.Equal("glob-malformed", error.Id);
            }
        });

    private static Gen<string> Words(string letters) => Gen.Int[0, letters.Length - 1].Select(i => letters[i]).Array[0, 8].Select(c => new string(c));

    private static bool Defined(ReadOnlySpan<char> pattern, ReadOnlySpan<char> path) => pattern switch
    {
        "" => path.IsEmpty,
        ['*', .. var rest] => Defined(rest, path) || (path is [not '/', .. var tail] && Defined(pattern, tail)),
        ['?', .. var rest] => path is [not '/', .. var tail] && Defined(rest, tail),
        _ => path is [var first, .. var tail] && first == pattern[0] && Defined(pattern[1..], tail),
    };
}
