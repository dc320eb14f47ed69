using Pachyderm.Errors;

namespace Pachyderm.Client.Tests;

public class AddressTests
{
    [Theory]
    [InlineData("localhost", "http://localhost:30650/")]
    [InlineData("pachd.example.org:650", "http://pachd.example.org:650/")]
    [InlineData("127.0.0.1:1", "http://127.0.0.1:1/")]
    [InlineData("[::1]:650", "http://[::1]:650/")]
    [InlineData("[::1]", "http://[::1]:30650/")]
    [InlineData("http://pachd:650/", "http://pachd:650/")]
    [InlineData("https://pachd:8443", "https://pachd:8443/")]
    public void Host_and_port_are_read_in_every_usual_form(string text, string uri) => Assert.Equal(new Uri(uri), PachAddress.Parse(text).Uri);

    [Theory]
    [InlineData("")]
    [InlineData(":650")]
    [InlineData("host:")]
    [InlineData("host:0")]
    [InlineData("host:65536")]
    [InlineData("host:-1")]
    [InlineData("host:port")]
    [InlineData("a:1:2")]
    [InlineData("::1")]
    [InlineData("[host]:1")]
    [InlineData("ftp://host:1")]
    [InlineData("user@host:1")]
    [InlineData("host:1/path")]
    [InlineData("two hosts:1")]
    public void Anything_else_is_refused_in_one_line(string text)
    {
        OperatorException exception = Assert.Throws<OperatorException>(() => PachAddress.Parse(text));

        Assert.Equal("address-malformed", exception.Id);
        Assert.DoesNotContain('\n', exception.Message);
    }

    [Theory]
    [InlineData("repo/master", "repo", "master")]
    [InlineData("repo/a/b", "repo", "a/b")]
    [InlineData("repo", "repo", "")]
    public void A_commit_is_split_at_the_first_slash(string text, string repo, string id) => Assert.Equal(new CommitRef(repo, id), CommitRef.Parse(text));
}
