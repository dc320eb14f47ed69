namespace Pachyderm.Metadata.Tests;

/// <summary>The change feed.</summary>
public abstract partial class MetadataStoreConformance
{
    private Task AddChangeAsync(string repo) => WriteAsync(writer => writer.AddChange(new Change(0, ChangeKind.RepoCreated, repo)));

    [Fact]
    public async Task Changes_read_back_as_they_were_appended_in_order_also_after_reopening()
    {
        Change[] changes =
        [
            new(0, ChangeKind.RepoCreated, "r"),
            new(0, ChangeKind.CommitStarted, "r", "1", "master"),
            new(0, ChangeKind.BranchMoved, "r", "1", "master"),
            new(0, ChangeKind.CommitFinished, "r", "1"),
            new(0, ChangeKind.CommitDeleted, "r", "1"),
            new(0, ChangeKind.BranchDeleted, "r", null, "master"),
            new(0, ChangeKind.RepoDeleted, "r", "", ""),
        ];
        await WriteAsync(writer =>
        {
            foreach (Change change in changes)
            {
                writer.AddChange(change);
            }
        });
        await ReopenAsync();
        IReadOnlyList<Change> read = await ReadAsync(reader => reader.ListChanges(0, 100));
        Assert.Equal(changes, read.Select(change => change with { Sequence = 0 }));
        Assert.Equal(read.Select(change => change.Sequence).Distinct().Order(), read.Select(change => change.Sequence));
        Assert.Equal(read[^1].Sequence, await ReadAsync(reader => reader.LastChange));
        Assert.Equal(read.Skip(3).Take(2), await ReadAsync(reader => reader.ListChanges(read[2].Sequence, 2)));
        Assert.Empty(await ReadAsync(reader => reader.ListChanges(read[^1].Sequence, 2)));
    }

    [Fact]
    public async Task Waiting_behind_an_older_change_ends_at_once()
    {
        await AddChangeAsync("r");
        Assert.True(Store.WaitForChangeAsync(0, Token).IsCompletedSuccessfully);
        await ReopenAsync();
        Assert.True(Store.WaitForChangeAsync(0, Token).IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Waiting_ends_with_the_next_change_and_not_with_other_writes()
    {
        Task[] waits = [.. Enumerable.Range(0, 50).Select(_ => Store.WaitForChangeAsync(0, Token))];
        await WriteAsync(writer => writer.PutRepo(Repo("r")));
        await Assert.ThrowsAsync<ChangeException>(() => WriteAsync(writer =>
        {
            writer.AddChange(new Change(0, ChangeKind.RepoCreated, "r"));
            throw new ChangeException();
        }));
        Assert.All(waits, wait => Assert.False(wait.IsCompleted));
        await AddChangeAsync("r");
        await Task.WhenAll(waits);
        Assert.Single(await ReadAsync(reader => reader.ListChanges(0, 10)));
    }

    [Fact]
    public async Task Waiting_for_a_later_change_goes_on_through_an_earlier_one()
    {
        await AddChangeAsync("a");
        long next = await ReadAsync(reader => reader.LastChange) + 1;
        Task wait = Store.WaitForChangeAsync(next, Token);
        await AddChangeAsync("b");
        Assert.Equal(next, await ReadAsync(reader => reader.LastChange));
        Assert.False(wait.IsCompleted);
        await AddChangeAsync("c");
        await wait;
    }

    [Fact]
    public async Task A_cancelled_wait_ends_and_the_others_go_on()
    {
        using CancellationTokenSource cancellation = new();
        Task[] cancelled = [.. Enumerable.Range(0, 20).Select(_ => Store.WaitForChangeAsync(0, cancellation.Token))];
        Task other = Store.WaitForChangeAsync(0, Token);
        await cancellation.CancelAsync();
        foreach (Task wait in cancelled)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
        }

        Assert.False(other.IsCompleted);
        await AddChangeAsync("r");
        await other;
    }

    [Fact]
    public async Task Closing_ends_the_waiting()
    {
        Task wait = Store.WaitForChangeAsync(0, Token);
        await Store.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => wait);
    }

    [Fact]
    public async Task A_reader_of_the_feed_misses_nothing_and_gets_nothing_twice_while_many_write()
    {
        const int Writers = 16;
        const int Each = 60;
        Task<List<Change>> reader = Task.Run(() => FollowAsync(0, Writers * Each), Token);
        Task<List<Change>> other = Task.Run(() => FollowAsync(0, Writers * Each), Token);
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(worker => Task.Run(
            async () =>
            {
                for (int i = 0; i < Each; i++)
                {
                    await AddChangeAsync($"{worker}/{i:d3}");
                }
            },
            Token)));
        List<Change> read = await reader;
        Assert.Equal(read, await other);
        Assert.Equal(Writers * Each, read.Select(change => change.Repo).Distinct(StringComparer.Ordinal).Count());
        Assert.All(
            read.GroupBy(change => change.Repo.Split('/')[0], StringComparer.Ordinal),
            worker =>
                Assert.Equal(worker.Select(change => change.Repo).Order(StringComparer.Ordinal), worker.Select(change => change.Repo)));
    }

    [Fact]
    public async Task A_reader_of_the_feed_goes_on_where_it_was_when_the_store_reopens()
    {
        List<Change> read = [];
        for (int round = 0; round < 4; round++)
        {
            for (int i = 0; i < 5; i++)
            {
                await AddChangeAsync($"{round}/{i}");
            }

            read.AddRange(await FollowAsync(read.Count == 0 ? 0 : read[^1].Sequence, round == 0 ? 3 : 5));
            await ReopenAsync();
        }

        read.AddRange(await FollowAsync(read[^1].Sequence, 2));
        Assert.Equal(
            Enumerable.Range(0, 4).SelectMany(round => Enumerable.Range(0, 5).Select(i => $"{round}/{i}")),
            read.Select(change => change.Repo));
        Assert.Equal(read.Select(change => change.Sequence).Distinct().Order(), read.Select(change => change.Sequence));
    }

    // One change more each time somebody waits for it: a wake-up that got lost would hang this.
    [Fact]
    public async Task No_wakeup_is_lost_between_looking_and_waiting()
    {
        const int Rounds = 500;
        Task waiter = Task.Run(() => FollowAsync(0, Rounds), Token);
        for (int i = 0; i < Rounds; i++)
        {
            long before = await ReadAsync(reader => reader.LastChange);
            Task wait = Task.Run(() => Store.WaitForChangeAsync(before, Token), Token);
            await AddChangeAsync("r");
            await wait;
        }

        await waiter;
    }

    private async Task<List<Change>> FollowAsync(long after, int count)
    {
        List<Change> read = [];
        while (read.Count < count)
        {
            await Store.WaitForChangeAsync(after, Token);
            IReadOnlyList<Change> page = await ReadAsync(reader => reader.ListChanges(after, Math.Min(7, count - read.Count)));
            Assert.NotEmpty(page);
            read.AddRange(page);
            after = page[^1].Sequence;
        }

        return read;
    }
}
