using System.Net;
using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests.Pfs;

/// <summary>Files that pachd fetches from other servers.</summary>
public class RemoteSourceTests(PfsCluster cluster) : IClassFixture<PfsCluster>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Files_and_directories_of_another_pachd_are_fetched_by_their_urls()
    {
        await using PachdProcess other = await PachdProcess.StartAsync(cluster["other-data"]);
        string[] there = ["--address", other.Address];
        await cluster.RunAsync(["create-repo", "source", .. there]);
        Directory.CreateDirectory(cluster["source/sub/deep"]);
        await File.WriteAllTextAsync(cluster["source/sub/a"], "one", Cancel);
        await File.WriteAllTextAsync(cluster["source/sub/deep/b c"], "two", Cancel);
        await File.WriteAllBytesAsync(cluster["source/large"], [.. Enumerable.Range(0, 5_000_000).Select(static number => (byte)(number * 31 >> 7))], Cancel);
        await cluster.RunAsync(["put-file", "source", "master", "/", "-c", "-r", "-f", cluster["source"], .. there]);
        await cluster.RunAsync("create-repo", "target");
        string from = $"pfs://{other.Address}/source/master";

        await cluster.RunAsync("put-file", "target", "master", "/one", "-c", "-f", $"{from}/sub/a");
        await cluster.RunAsync("put-file", "target", "master", "-c", "-f", $"{from}/sub/a");
        await cluster.RunAsync("put-file", "target", "master", "/all", "-c", "-r", "-f", $"{from}/");
        await cluster.RunAsync("put-file", "target", "master", "/part", "-c", "-r", "-f", $"{from}/sub");

        Assert.Equal("one", await cluster.RunAsync("get-file", "target", "master", "/one"));
        Assert.Equal("one", await cluster.RunAsync("get-file", "target", "master", "/sub/a"));
        await cluster.RunAsync("get-file", "target", "master", "/all", "-r", "-o", cluster["all"]);
        (await cluster.ShellAsync($"diff -r '{cluster["source"]}' '{cluster["all"]}'")).MustExitWith(0);
        await cluster.RunAsync("get-file", "target", "master", "/part", "-r", "-o", cluster["part"]);
        (await cluster.ShellAsync($"diff -r '{cluster["source/sub"]}' '{cluster["part"]}'")).MustExitWith(0);

        await cluster.RefusesAsync("not found", "put-file", "target", "master", "/x", "-c", "-f", $"{from}/missing");
        await cluster.RefusesAsync("pfs put-file path must be of form", "put-file", "target", "master", "/x", "-c", "-f", $"pfs://{other.Address}/source");
        await other.KillAsync();
        await cluster.RefusesAsync("cannot fetch pfs://", "put-file", "target", "master", "/x", "-c", "-f", $"{from}/sub/a");
        Assert.Equal("/all /one /part /sub", await cluster.NamesAsync("list-file", "target", "master"));
    }

    [Fact]
    public async Task A_web_page_is_fetched_and_an_error_page_is_not()
    {
        using WebServer web = new();
        await cluster.RunAsync("create-repo", "web");

        await cluster.RunAsync("put-file", "web", "master", "-c", "-f", $"{web.Address}/pages/hello.txt");
        await File.WriteAllTextAsync(cluster["urls"], $"{web.Address}/a\n{web.Address}/b\n", Cancel);
        await cluster.RunAsync("put-file", "web", "master", "listed", "-c", "-i", cluster["urls"]);

        Assert.Equal("this is /pages/hello.txt", await cluster.RunAsync("get-file", "web", "master", "/pages/hello.txt"));
        Assert.Equal("this is /b", await cluster.RunAsync("get-file", "web", "master", "/listed/b"));
        await cluster.RefusesAsync("404", "put-file", "web", "master", "/x", "-c", "-f", $"{web.Address}/missing");
        Assert.Equal("/listed /pages", await cluster.NamesAsync("list-file", "web", "master"));
        Assert.Equal(2, (await cluster.RunAsync("list-commit", "web")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length - 1);
    }

    /// <summary>Answers each path with its name, and <c>/missing</c> with 404.</summary>
    private sealed class WebServer : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly Task _serving;

        public WebServer()
        {
            using (System.Net.Sockets.TcpListener free = new(IPAddress.Loopback, 0))
            {
                free.Start();
                Address = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}";
            }

            _listener.Prefixes.Add(Address + "/");
            _listener.Start();
            _serving = ServeAsync();
        }

        public string Address { get; }

        public void Dispose()
        {
            _listener.Stop();
            _serving.GetAwaiter().GetResult();
            _listener.Close();
        }

        private async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    HttpListenerContext request = await _listener.GetContextAsync();
                    string path = request.Request.Url!.AbsolutePath;
                    request.Response.StatusCode = path == "/missing" ? 404 : 200;
                    request.Response.Close(System.Text.Encoding.UTF8.GetBytes("this is " + path), willBlock: false);
                }
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                // Stopped by the test.
            }
        }
    }
}
