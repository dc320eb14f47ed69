using System.Net;
using System.Net.Http.Headers;

namespace Pachyderm.Pachd.Tests;

public sealed class HttpTests(SharedPachd shared) : IClassFixture<SharedPachd>, IAsyncLifetime
{
    private readonly HttpClient http = new() { BaseAddress = shared.Pachd.Http };
    private readonly string repo = "r" + Guid.NewGuid().ToString("N");

    public async ValueTask InitializeAsync()
    {
        await shared.Pachd.CreateRepoAsync(repo);
        await shared.Pachd.PutAsync(repo, await shared.Pachd.StartCommitAsync(repo, "master"), "d/a file.txt", "0123456789"u8.ToArray());
        await shared.Pachd.FinishAsync(repo, "master");
    }

    public ValueTask DisposeAsync()
    {
        http.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("/healthz")]
    [InlineData("/readyz")]
    [InlineData("/metrics")]
    public async Task It_says_that_it_lives(string path)
    {
        using HttpResponseMessage response = await http.GetAsync(new Uri(path, UriKind.Relative), PachdProcess.Token);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.NotEmpty(await response.Content.ReadAsStringAsync(PachdProcess.Token));
    }

    [Fact]
    public async Task Metrics_count_what_was_put_and_committed()
    {
        string metrics = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), PachdProcess.Token);
        foreach (string name in (string[])["bytes_put_bytes_total", "commits_finished_total", "finish_duration_seconds_count", "writes_total"])
        {
            Assert.Matches($"(?m)^pachyderm_pfs_{name}({{.*}})? [1-9]", metrics);
        }
    }

    [Fact]
    public async Task A_file_is_downloaded_with_its_name()
    {
        using HttpResponseMessage response = await GetAsync("d/a%20file.txt");
        Assert.Equal("0123456789", await response.Content.ReadAsStringAsync(PachdProcess.Token));
        Assert.Equal("application/octet-stream", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal(10, response.Content.Headers.ContentLength);
        Assert.Equal("attachment", response.Content.Headers.ContentDisposition!.DispositionType);
        Assert.Equal("a file.txt", response.Content.Headers.ContentDisposition.FileName!.Trim('"'));
    }

    [Theory]
    [InlineData("bytes=2-4", HttpStatusCode.PartialContent, "234", "bytes 2-4/10")]
    [InlineData("bytes=7-", HttpStatusCode.PartialContent, "789", "bytes 7-9/10")]
    [InlineData("bytes=-3", HttpStatusCode.PartialContent, "789", "bytes 7-9/10")]
    [InlineData("bytes=5-100", HttpStatusCode.PartialContent, "56789", "bytes 5-9/10")]
    [InlineData("bytes=10-", HttpStatusCode.RequestedRangeNotSatisfiable, "", "bytes */10")]
    public async Task A_range_of_a_file_can_be_asked_for(string range, HttpStatusCode status, string expected, string contentRange)
    {
        using HttpResponseMessage response = await GetAsync(
            "d/a%20file.txt", request => request.Headers.Range = RangeHeaderValue.Parse(range));
        Assert.Equal(status, response.StatusCode);
        Assert.Equal(expected, await response.Content.ReadAsStringAsync(PachdProcess.Token));
        Assert.Equal(contentRange, response.Content.Headers.ContentRange!.ToString());
    }

    [Fact]
    public async Task A_file_that_the_client_has_is_not_sent_again()
    {
        using HttpResponseMessage first = await GetAsync("d/a%20file.txt");
        using HttpResponseMessage second = await GetAsync(
            "d/a%20file.txt", request => request.Headers.IfNoneMatch.Add(first.Headers.ETag!));
        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
        using HttpResponseMessage head = await GetAsync("d/a%20file.txt", request => request.Method = HttpMethod.Head);
        Assert.Equal((HttpStatusCode.OK, 10L), (head.StatusCode, head.Content.Headers.ContentLength!.Value));
    }

    [Theory]
    [InlineData("nowhere", HttpStatusCode.NotFound, "file nowhere not found")]
    [InlineData("d", HttpStatusCode.BadRequest, "is a directory")]
    public async Task What_cannot_be_downloaded_is_told(string path, HttpStatusCode status, string fragment)
    {
        using HttpResponseMessage response = await GetAsync(path);
        Assert.Equal(status, response.StatusCode);
        Assert.Contains(fragment, await response.Content.ReadAsStringAsync(PachdProcess.Token), StringComparison.Ordinal);
    }

    private Task<HttpResponseMessage> GetAsync(string path, Action<HttpRequestMessage>? prepare = null)
    {
        HttpRequestMessage request = new(HttpMethod.Get, $"/v1/pfs/repos/{repo}/commits/master/files/{path}");
        prepare?.Invoke(request);
        return http.SendAsync(request, PachdProcess.Token);
    }
}
