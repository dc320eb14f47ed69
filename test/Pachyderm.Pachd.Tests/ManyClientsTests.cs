using System.Collections.Concurrent;
using System.Text;
using Grpc.Core;
using Pachyderm.Client;
using Pachyderm.ObjectStores.Tests;
using Pachyderm.Wire.Native;
using static Pachyderm.Pachd.Tests.PachdProcess;

namespace Pachyderm.Pachd.Tests;

/// <summary>64 clients at once, each with a connection of its own.</summary>
public sealed class ManyClientsTests : IAsyncLifetime
{
    private const int Clients = 64;

    // How often each client does its work.
    private static readonly int Rounds = Environment.GetEnvironmentVariable("PACHYDERM_LONG_TESTS") == "1" ? 100 : 4;

    private readonly TemporaryDirectory directory = new();
    private PachdProcess pachd = null!;
    private PachClient[] clients = [];

    public async ValueTask InitializeAsync()
    {
        pachd = await StartAsync(directory["data"]);
        clients = [.. Enumerable.Range(0, Clients).Select(_ => new PachClient(pachd.GrpcAddress))];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (PachClient client in clients)
        {
            await client.DisposeAsync();
        }
        await pachd.DisposeAsync();
        directory.Dispose();
    }

    [Fact]
    public async Task What_all_of_them_write_to_one_commit_is_there()
    {
        await clients[0].Repos.CreateAsync("one", cancellationToken: Token);
        CommitRef commit = await clients[0].Commits.StartAsync("one", "master", cancellationToken: Token);

        await ForEachAsync(async (client, number) =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                // A file of one's own, which is read back at once from the open commit; a line of a file of all; and a file that all replace.
                await PutAsync(client, commit, $"/own/{number}/{round}", $"{number} {round}");
                Assert.Equal($"{number} {round}", await GetAsync(client, commit, $"/own/{number}/{round}"));
                await PutAsync(client, commit, "/lines", $"{number} {round}\n");
                await PutAsync(client, commit, "/last", $"{number} {round}", overwrite: true);
            }
        });

        await clients[1].Commits.FinishAsync(commit, Token);
        string[] all = [.. from number in Enumerable.Range(0, Clients) from round in Enumerable.Range(0, Rounds) select $"{number} {round}"];
        string[] lines = (await GetAsync(clients[2], commit, "/lines")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(all.Order(StringComparer.Ordinal), lines.Order(StringComparer.Ordinal));
        foreach (IGrouping<string, string> own in lines.GroupBy(static line => line.Split(' ')[0]))
        {
            // Of one client each write is behind the one before.
            Assert.Equal(Enumerable.Range(0, Rounds).Select(round => $"{own.Key} {round}"), own);
        }
        Assert.Contains(await GetAsync(clients[3], commit, "/last"), all.Where(text => text.EndsWith($" {Rounds - 1}", StringComparison.Ordinal)));
        Assert.Equal(
            all.Length, await clients[4].Files.ListAsync(commit, "/own", recursive: true, Token).CountAsync(file => file.FileType == Wire.Pfs.FileType.File, Token));
        await CheckAsync();
    }

    [Fact]
    public async Task The_head_of_one_branch_moves_from_commit_to_commit_and_never_back()
    {
        await clients[0].Repos.CreateAsync("one", cancellationToken: Token);
        ConcurrentBag<(string Own, string Seen)> finished = [];

        await ForEachAsync(async (client, number) =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                CommitRef commit = await OpenAsync(client);
                await PutAsync(client, commit, $"/{number}/{round}", "x");
                await client.Commits.FinishAsync(commit, Token);
                Wire.Pfs.CommitInfo head = await client.Commits.InspectAsync(new CommitRef("one", "master"), Token);
                finished.Add((commit.Id, head.Commit.Id));
            }
        });

        List<Wire.Pfs.CommitInfo> chain = await clients[0].Commits.ListAsync("one", "master", cancellationToken: Token).ToListAsync(Token);
        chain.Reverse();
        Dictionary<string, int> places = chain.Select(static (info, place) => (info.Commit.Id, place)).ToDictionary(StringComparer.Ordinal);
        Assert.Equal(finished.Select(static pair => pair.Own).Order(StringComparer.Ordinal), places.Keys.Order(StringComparer.Ordinal));
        Assert.All(finished, pair => Assert.InRange(places[pair.Seen], places[pair.Own], chain.Count));
        Assert.All(chain.Skip(1).Zip(chain), static pair => Assert.Equal(pair.Second.Commit.Id, pair.First.ParentCommit.Id));
        Assert.Equal(
            Clients * Rounds,
            await clients[0].Files.ListAsync(new CommitRef("one", "master"), "/", recursive: true, Token).CountAsync(file => file.FileType == Wire.Pfs.FileType.File, Token));
        await CheckAsync();
    }

    [Fact]
    public async Task On_many_repos_none_sees_anything_of_another()
    {
        await ForEachAsync(async (client, number) =>
        {
            string repo = $"r{number}";
            await client.Repos.CreateAsync(repo, cancellationToken: Token);
            List<CommitRef> commits = [];
            for (int round = 0; round < Rounds; round++)
            {
                CommitRef commit = await client.Commits.StartAsync(repo, "master", cancellationToken: Token);
                commits.Add(commit);
                await PutAsync(client, commit, "/grows", $"{number} {round}\n");
                await PutAsync(client, commit, $"/{round}", new string((char)('a' + (round % 26)), number * 100));
                await client.Commits.FinishAsync(commit, Token);
            }
            for (int round = 0; round < Rounds; round++)
            {
                string expected = string.Concat(Enumerable.Range(0, round + 1).Select(earlier => $"{number} {earlier}\n"));
                Assert.Equal(expected, await GetAsync(client, commits[round], "/grows"));
                Assert.Equal(round + 2, await client.Files.ListAsync(commits[round], cancellationToken: Token).CountAsync(Token));
            }
            Assert.Equal(commits.AsEnumerable().Reverse(), await client.Commits.ListAsync(repo, cancellationToken: Token).Select(static info => CommitRef.From(info.Commit)).ToListAsync(Token));
        });

        Assert.Equal(Clients, await clients[0].Repos.ListAsync(cancellationToken: Token).CountAsync(Token));
        await CheckAsync();
    }

    private Task ForEachAsync(Func<PachClient, int, Task> workAsync) =>
        Task.WhenAll(clients.Select((client, number) => Task.Run(() => workAsync(client, number), Token)));

    // Only one commit of a branch is open at a time: whoever finds one asks again.
    private static async Task<CommitRef> OpenAsync(PachClient client)
    {
        while (true)
        {
            try
            {
                return await client.Commits.StartAsync("one", "master", cancellationToken: Token);
            }
            catch (PachException busy) when (busy.Status == StatusCode.FailedPrecondition)
            {
                // The one who has it open is at work meanwhile.
                await Task.Yield();
            }
        }
    }

    private static Task PutAsync(PachClient client, CommitRef commit, string path, string content, bool overwrite = false) =>
        client.Files.PutAsync(commit, path, new MemoryStream(Encoding.UTF8.GetBytes(content)), new PutFileOptions { Overwrite = overwrite }, cancellationToken: Token);

    private static async Task<string> GetAsync(PachClient client, CommitRef commit, string path)
    {
        using MemoryStream content = new();
        await client.Files.GetAsync(commit, path, content, cancellationToken: Token);
        return Encoding.UTF8.GetString(content.ToArray());
    }

    private async Task CheckAsync()
    {
        FsckResponse last = await clients[0].Maintenance.FsckAsync(fix: false, readData: true, Token).LastAsync(Token);
        Assert.Equal(0ul, last.Summary.Findings);
    }
}
