using System.Globalization;
using System.Text;
using static Pachyderm.Pfs.Tests.TestFileSystem;

namespace Pachyderm.Pfs.Tests;

public sealed class ConcurrencyTests : IAsyncLifetime
{
    private const int Writers = 64;

    private TestFileSystem pfs = null!;

    public async ValueTask InitializeAsync()
    {
        pfs = await OpenAsync();
        await pfs.CreateRepoAsync("data");
    }

    public ValueTask DisposeAsync() => pfs.DisposeAsync();

    [Fact]
    public async Task Every_write_of_many_writers_to_one_commit_is_there()
    {
        CommitName commit = await pfs.StartAsync("data", "master");
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(
            async () =>
            {
                for (int number = 0; number < 20; number++)
                {
                    await pfs.PutAsync(commit, $"own/{writer}-{number}", $"{writer}:{number}");
                    await pfs.PutAsync(commit, "shared", $"[{writer}:{number}]");
                    if (number % 7 == 0)
                    {
                        await pfs.ListAsync(commit, "/own");
                    }
                }
            },
            Token)));
        await pfs.FinishAsync(commit);
        SortedDictionary<string, string> files = await pfs.ReadAllAsync(commit);
        Assert.Equal(Writers * 20 + 1, files.Count);
        Assert.All(files.Where(file => file.Key != "/shared"), file => Assert.Equal(file.Key["/own/".Length..].Replace('-', ':'), file.Value));
        string[] shared = files["/shared"].Trim('[', ']').Split("][");
        Assert.Equal(Writers * 20, shared.Distinct().Count());
        // Each writer's own are in the order in which they were acknowledged.
        Assert.All(shared.GroupBy(entry => entry.Split(':')[0]), group =>
            Assert.Equal(Enumerable.Range(0, 20), group.Select(entry => int.Parse(entry.Split(':')[1], CultureInfo.InvariantCulture))));
    }

    [Fact]
    public async Task A_put_beside_the_finish_is_in_the_commit_or_refused()
    {
        for (int round = 0; round < 10; round++)
        {
            CommitName commit = await pfs.StartAsync("data", "master");
            Task<string?>[] puts = [.. Enumerable.Range(0, 16).Select(number => Task.Run(() => TryPutAsync(commit, $"{round}-{number}"), Token))];
            Task finish = Task.Run(() => pfs.FinishAsync(commit), Token);
            await finish;
            string[] written = [.. (await Task.WhenAll(puts)).OfType<string>().Order(StringComparer.Ordinal)];
            IEnumerable<string> found = (await pfs.ListAsync(commit)).Select(path => path[1..]).Where(path => path.StartsWith($"{round}-", StringComparison.Ordinal));
            Assert.Equal(written, found);
        }

        async Task<string?> TryPutAsync(CommitName commit, string path)
        {
            try
            {
                await pfs.PutAsync(commit, path, path);
                return path;
            }
            catch (PfsException exception) when (exception.Kind == PfsErrorKind.FailedPrecondition)
            {
                Assert.Equal($"commit {commit.Id} is not open", exception.Message);
                return null;
            }
        }
    }

    [Fact]
    public async Task Of_many_that_finish_a_commit_one_succeeds()
    {
        CommitName commit = await pfs.StartAsync("data", "master");
        await pfs.PutAsync(commit, "f", "1");
        Task[] calls = [.. Enumerable.Range(0, 16).Select(_ => Task.Run(() => pfs.FinishAsync(commit), Token))];
        await SettledAsync(calls);
        Assert.Equal(1, calls.Count(call => call.IsCompletedSuccessfully));
        Assert.Equal(1, (await pfs.Files.Repos.InspectAsync(new RepoName("data"), Token)).SizeBytes);
    }

    [Fact]
    public async Task What_is_pending_stays_bounded_when_a_commit_grows_large()
    {
        const int count = CommitFolder.BackgroundWrites * 2;
        CommitName commit = await pfs.StartAsync("data", "master");
        BulkSummary summary = await pfs.Files.Writer.PutManyAsync(new CommitReference(commit), Parts().ToAsyncEnumerable(), Token);
        Assert.Equal(count, summary.Files);
        await pfs.FinishAsync(commit);
        using CommitView view = await pfs.Files.Reader.OpenAsync(new CommitReference(commit), Token);
        Assert.Equal(count, view.Root!.Value.Files);
        Assert.Equal("99999", await pfs.ReadAsync(commit, "099/99999"));

        static IEnumerable<BulkPart> Parts() => Enumerable.Range(0, count).Select(number => new BulkPart(
            string.Create(CultureInfo.InvariantCulture, $"{number / 1000:000}/{number}"), Encoding.UTF8.GetBytes($"{number}"), true, false));
    }
}
