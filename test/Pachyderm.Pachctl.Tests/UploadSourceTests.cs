using Pachyderm.Errors;
using Pachyderm.Pachctl.Pfs;

namespace Pachyderm.Pachctl.Tests;

/// <summary>Where put-file puts things.</summary>
public class UploadSourceTests
{
    [Theory]
    [InlineData(null, "a/b", "a/b")]
    [InlineData(null, "./a//b", "a/b")]
    [InlineData(null, "/abs/a", "/abs/a")]
    [InlineData(null, "../x", "../x")]
    [InlineData(null, "a,b", "a,b")]
    [InlineData(null, "http://imgur.com/46Q8nDz.png", "46Q8nDz.png")]
    [InlineData(null, "http://host:80/a/b%20c?query#fragment", "a/b c")]
    [InlineData(null, "s3://bucket/key/x", "key/x")]
    [InlineData(null, "pfs://host:650/repo/branch/p/q", "p/q")]
    [InlineData(null, "pfs://host/repo/branch", "")]
    [InlineData(null, "C:\\x", "C:\\x")]
    [InlineData("path", "-", "path")]
    [InlineData("/p//q/", "a/b", "/p//q/")]
    [InlineData("p", "http://host/x", "p")]
    public void One_source_goes_to_the_path_or_without_one_to_its_own_name(string? path, string source, string target) =>
        Assert.Equal(target, Assert.Single(UploadSource.Plan(path, [source])).Target);

    [Theory]
    [InlineData("p", "a/b", "p/a/b")]
    [InlineData("/p/", "a", "/p/a")]
    [InlineData("p", "/abs", "p/abs")]
    [InlineData("p", "http://host/x/y", "p/x/y")]
    [InlineData(null, "a", "a")]
    public void Several_sources_go_below_the_path(string? path, string source, string target) =>
        Assert.Equal(target, UploadSource.Plan(path, [source, "other"])[0].Target);

    [Fact]
    public void Standard_input_needs_a_name()
    {
        Assert.Contains("no filename specified", Assert.Throws<OperatorException>(() => UploadSource.Plan(null, ["-"])).Message, StringComparison.Ordinal);
        Assert.Contains("no filename specified", Assert.Throws<OperatorException>(() => UploadSource.Plan("p", ["a", "-"])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-", SourceKind.StandardInput)]
    [InlineData("http://x", SourceKind.Url)]
    [InlineData("s3://b/k", SourceKind.Url)]
    [InlineData("git+ssh://b/k", SourceKind.Url)]
    [InlineData("file", SourceKind.Local)]
    [InlineData("C:\\file", SourceKind.Local)]
    [InlineData("a:b", SourceKind.Local)]
    [InlineData("dir/odd://name", SourceKind.Local)]
    [InlineData("://x", SourceKind.Local)]
    internal void A_url_has_a_scheme_and_two_slashes(string source, SourceKind kind) => Assert.Equal(kind, Assert.Single(UploadSource.Plan("p", [source])).Kind);

    [Theory]
    [InlineData("", "")]
    [InlineData("/", "/")]
    [InlineData("a/./b//c/../d", "a/b/d")]
    [InlineData("/../a", "/a")]
    [InlineData("a/../../b", "../b")]
    public void Paths_are_cleaned(string path, string expected) => Assert.Equal(expected, UploadSource.Clean(path));

    [Fact]
    public async Task A_list_names_one_source_a_line()
    {
        string path = Path.GetTempFileName();
        await File.WriteAllTextAsync(path, "a b,c\r\n\nhttp://host/x\n", TestContext.Current.CancellationToken);

        Assert.Equal("a b,c|http://host/x", string.Join('|', await SourceList.ReadAsync(path, TestContext.Current.CancellationToken)));
        File.Delete(path);
        Assert.Equal("list-unreadable", (await Assert.ThrowsAsync<OperatorException>(() => SourceList.ReadAsync(path, TestContext.Current.CancellationToken))).Id);
    }
}
