using System.Text.Json;
using Pachyderm.Client;
using Pachyderm.EndToEnd.Tests.Pfs;
using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests.Backup;

/// <summary>A cluster with something of everything, and its stream.</summary>
public sealed class StreamCluster : IAsyncLifetime
{
    private const string Upper = "for f in $PACH_PFS/in/*; do echo on $(basename $f); tr a-z A-Z < $f > $PACH_PFS/out/$(basename $f); done";

    private readonly PfsCluster _cluster = new();

    /// <summary>The server.</summary>
    public PachdProcess Server => _cluster.Server;

    /// <summary>The file of the stream.</summary>
    public string Stream => this["stream"];

    /// <summary>What the cluster answers.</summary>
    public IReadOnlyList<string> Answers { get; private set; } = [];

    /// <summary>What the programs printed.</summary>
    public string Logs { get; private set; } = "";

    /// <summary>Jobs of the pipeline.</summary>
    public int JobCount { get; private set; }

    public string this[string relative] => _cluster[relative];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _cluster.InitializeAsync();
        await _cluster.RunAsync("create-repo", "lines", "-d", "what comes in");
        await File.WriteAllTextAsync(this["upper.json"], Spec("upper", "lines", "/*", Upper) + "\n" + Spec("joined", "upper", "/", "cat $PACH_PFS/in/* > $PACH_PFS/out/all"), Cancel);
        await _cluster.RunAsync("create-pipeline", "-f", this["upper.json"]);
        await using PachClient client = new(Server.Address);
        await PutAsync(client, "/a", "one\n");
        await PutAsync(client, "/b", "two\n");
        await _cluster.RunAsync("flush-commit", "lines/master");
        await _cluster.RunAsync("set-branch", "lines", "master", "kept");

        // Large enough for a list of chunks and a directory that is a search tree.
        await _cluster.RunAsync("create-repo", "large");
        Directory.CreateDirectory(this["many"]);
        for (int i = 0; i < 3_000; i++)
        {
            await File.WriteAllTextAsync(this[$"many/{i}"], $"content {i % 100}", Cancel);
        }

        byte[] noise = new byte[30_000_000];
        new Random(7).NextBytes(noise);
        await File.WriteAllBytesAsync(this["many/noise"], noise, Cancel);
        await _cluster.RunAsync("put-file", "large", "master", "/", "-c", "-r", "-f", this["many"]);
        CommitRef emptied = await client.Commits.StartAsync("large", branch: "master", cancellationToken: Cancel);
        await client.Files.DeleteAsync(emptied, "/", Cancel);
        await client.Commits.FinishAsync(emptied, Cancel);
        using MemoryStream content = new("an object"u8.ToArray());
        await client.Objects.PutAsync(content, ["a-tag", "another"], Cancel);

        // Stays open, with writes that are not folded.
        CommitRef open = await client.Commits.StartAsync("lines", branch: "master", cancellationToken: Cancel);
        using MemoryStream third = new("three\n"u8.ToArray());
        await client.Files.PutAsync(open, "/c", third, cancellationToken: Cancel);

        Answers = await ClusterAnswers.ReadAsync(Server.Address, Cancel);
        Logs = await _cluster.RunAsync("get-logs", "--pipeline", "upper");
        JobCount = await client.Jobs.ListAsync("upper", Cancel).CountAsync(Cancel);
        await _cluster.RunAsync("extract", "-f", Stream);
    }

    /// <summary>Runs pachctl on this cluster, which must succeed.</summary>
    public Task<string> RunAsync(params string[] arguments) => _cluster.RunAsync(arguments);

    /// <summary>Runs pachctl on this cluster.</summary>
    public Task<PachctlResult> TryAsync(params string[] arguments) => _cluster.TryAsync(arguments);

    /// <summary>Runs a shell script in which <c>"$@"</c> is pachctl.</summary>
    public Task<PachctlResult> ShellAsync(string script) => _cluster.ShellAsync(script);

    /// <summary>Runs pachctl on another cluster, which must succeed.</summary>
    public async Task<string> RunAtAsync(string address, params string[] arguments) =>
        (await TryAtAsync(address, arguments)).MustExitWith(0).Output;

    /// <summary>Runs pachctl on another cluster.</summary>
    public Task<PachctlResult> TryAtAsync(string address, params string[] arguments) => PachctlProcess.RunAsync(
        arguments, new Dictionary<string, string>(StringComparer.Ordinal) { ["HOME"] = this["home"], ["ADDRESS"] = address });

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    private static async Task PutAsync(PachClient client, string path, string text)
    {
        CommitRef commit = await client.Commits.StartAsync("lines", branch: "master", cancellationToken: Cancel);
        using MemoryStream content = new(System.Text.Encoding.UTF8.GetBytes(text));
        await client.Files.PutAsync(commit, path, content, cancellationToken: Cancel);
        await client.Commits.FinishAsync(commit, Cancel);
    }

    private static string Spec(string name, string repo, string glob, string script) => JsonSerializer.Serialize(new
    {
        pipeline = new { name },
        transform = new { cmd = (string[])["sh"], stdin = (string[])[script] },
        input = new { atom = new { repo, name = "in", glob } },
    });
}
