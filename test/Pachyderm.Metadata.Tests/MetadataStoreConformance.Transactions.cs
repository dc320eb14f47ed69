namespace Pachyderm.Metadata.Tests;

/// <summary>Isolation, atomicity, order and concurrency.</summary>
public abstract partial class MetadataStoreConformance
{
    private sealed class ChangeException : Exception;

    [Fact]
    public async Task A_change_reads_its_own_writes()
    {
        await WriteAsync(writer =>
        {
            writer.PutRepo(Repo("r", "src"));
            Assert.Equal(["src"], writer.FindRepo("r")!.Provenance);
            Assert.Equal(["r"], writer.ListReposWithProvenance("src"));
            writer.PutCommit(Commit("r", "1"));
            Assert.True(writer.FindCommit(One)!.Revision > writer.FindRepo("r")!.Revision);
            Assert.Single(writer.ListCommits("r", null, 10));
            writer.AddChange(new Change(0, ChangeKind.RepoCreated, "r"));
            Assert.Equal(writer.LastChange, Assert.Single(writer.ListChanges(0, 10)).Sequence);
            writer.DeleteRepo("r");
            Assert.Null(writer.FindRepo("r"));
            Assert.Null(writer.FindCommit(One));
        });
    }

    [Fact]
    public async Task A_change_that_throws_leaves_nothing_and_the_exception_comes_out()
    {
        await WriteAsync(writer =>
        {
            writer.PutRepo(Repo("kept"));
            writer.AddPendingWrite(One, Bytes("kept"));
        });
        await Assert.ThrowsAsync<ChangeException>(() => WriteAsync(writer =>
        {
            writer.PutRepo(Repo("lost"));
            writer.DeleteRepo("kept");
            writer.PutCommit(Commit("r", "1", Two));
            writer.AddPendingWrite(One, Bytes("lost"));
            writer.AddPendingWrite(Two, Bytes("lost"));
            writer.AddChange(new Change(0, ChangeKind.RepoCreated, "lost"));
            throw new ChangeException();
        }));
        await ReadAsync(reader =>
        {
            Assert.Equal(["kept"], reader.ListRepos().Select(repo => repo.Name));
            Assert.Null(reader.FindCommit(One));
            Assert.Equal((1, 4), reader.CountPendingWrites(One));
            Assert.Equal((0, 0), reader.CountPendingWrites(Two));
            Assert.Equal(0, reader.LastChange);
            return 0;
        });
        await WriteAsync(writer => writer.AddPendingWrite(Two, Bytes("12")));
        Assert.Equal((1, 2), await ReadAsync(reader => reader.CountPendingWrites(Two)));
    }

    [Fact]
    public async Task Of_many_concurrent_changes_those_that_throw_are_undone_alone()
    {
        Task[] writes = [.. Enumerable.Range(0, 300).Select(i => WriteAsync(writer =>
        {
            writer.PutRepo(Repo($"{i}"));
            writer.AddPendingWrite(One, Bytes("x"));
            if (i % 3 == 0)
            {
                throw new ChangeException();
            }
        }))];
        for (int i = 0; i < writes.Length; i++)
        {
            if (i % 3 == 0)
            {
                await Assert.ThrowsAsync<ChangeException>(() => writes[i]);
            }
            else
            {
                await writes[i];
            }
        }

        IReadOnlyList<RepoRecord> repos = await ReadAsync(reader => reader.ListRepos());
        Assert.Equal(200, repos.Count);
        Assert.DoesNotContain(repos, repo => int.Parse(repo.Name, System.Globalization.CultureInfo.InvariantCulture) % 3 == 0);
        Assert.Equal((200, 200), await ReadAsync(reader => reader.CountPendingWrites(One)));
    }

    [Fact]
    public async Task A_read_that_throws_throws_here_and_the_next_one_works()
    {
        for (int i = 0; i < 50; i++)
        {
            await Assert.ThrowsAsync<ChangeException>(() => ReadAsync<int>(reader =>
            {
                _ = reader.ListRepos();
                throw new ChangeException();
            }));
        }

        Assert.Empty(await ReadAsync(reader => reader.ListRepos()));
    }

    [Fact]
    public async Task A_view_is_dead_behind_its_function()
    {
        IMetadataReader reader = await ReadAsync(view => view);
        IMetadataWriter? writer = null;
        await WriteAsync(view => writer = view);
        IMetadataWriter? failed = null;
        await Assert.ThrowsAsync<ChangeException>(() => WriteAsync(view =>
        {
            failed = view;
            throw new ChangeException();
        }));
        Assert.Throws<InvalidOperationException>(() => reader.ListRepos());
        Assert.Throws<InvalidOperationException>(() => reader.LastChange);
        foreach (IMetadataWriter dead in (IMetadataWriter[])[writer!, failed!])
        {
            Assert.Throws<InvalidOperationException>(() => dead.PutRepo(Repo("late")));
            Assert.Throws<InvalidOperationException>(() => dead.AddPendingWrite(One, Bytes("late")));
            Assert.Throws<InvalidOperationException>(() => dead.AddChange(new Change(0, ChangeKind.RepoCreated, "late")));
            Assert.Throws<InvalidOperationException>(() => dead.CountPendingWrites(One));
            Assert.Throws<InvalidOperationException>(() => dead.LastChange);
        }
    }

    [Fact]
    public async Task A_read_sees_one_moment_while_changes_go_on()
    {
        await WriteAsync(writer => writer.PutRepo(Repo("a")));
        using SemaphoreSlim looked = new(0);
        using ManualResetEventSlim written = new();
        Task<(int Before, int After)> read = Task.Run(
            () => ReadAsync(reader =>
            {
                int before = reader.ListRepos().Count;
                looked.Release();
                written.Wait(Token);
                return (before, reader.ListRepos().Count);
            }),
            Token);
        await looked.WaitAsync(Token);
        await WriteAsync(writer => writer.PutRepo(Repo("b")));
        Assert.Equal(2, await ReadAsync(reader => reader.ListRepos().Count));
        written.Set();
        Assert.Equal((1, 1), await read);
    }

    [Fact]
    public async Task A_read_sees_every_change_that_was_answered_before()
    {
        await Task.WhenAll(Enumerable.Range(0, 16).Select(worker => Task.Run(
            async () =>
            {
                for (int i = 0; i < 50; i++)
                {
                    await WriteAsync(writer => writer.PutBranch(Branch($"{worker}", "master", $"{i}")));
                    Assert.Equal($"{i}", (await ReadAsync(reader => reader.FindBranch($"{worker}", "master")))!.Head);
                }
            },
            Token)));
    }

    [Fact]
    public async Task Sixty_four_writers_that_increment_lose_no_increment()
    {
        await WriteAsync(writer => writer.PutRepo(Repo("counter") with { SizeBytes = 0 }));
        long[][] answers = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Task.Run(
            async () =>
            {
                long[] mine = new long[25];
                for (int i = 0; i < mine.Length; i++)
                {
                    mine[i] = await Store.WriteAsync(
                        writer =>
                        {
                            RepoRecord counter = writer.FindRepo("counter")!;
                            writer.PutRepo(counter with { SizeBytes = counter.SizeBytes + 1 });
                            return counter.SizeBytes + 1;
                        },
                        Token);
                }

                return mine;
            },
            Token)));
        Assert.Equal(64 * 25, (await ReadAsync(reader => reader.FindRepo("counter")))!.SizeBytes);
        Assert.Equal(Enumerable.Range(1, 64 * 25).Select(i => (long)i), answers.SelectMany(mine => mine).Order());
        Assert.All(answers, mine => Assert.Equal(mine.Order(), mine));
    }

    [Fact]
    public async Task Heads_of_branches_are_linearizable()
    {
        // Each writer starts a commit on the head it finds, so the commits form one chain; readers never see it go back.
        await WriteAsync(writer =>
        {
            writer.PutCommit(Commit("r", "0"));
            writer.PutBranch(Branch("r", "master", "0"));
        });
        using CancellationTokenSource done = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task[] readers = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(
            async () =>
            {
                long last = 0;
                while (!done.IsCancellationRequested)
                {
                    (BranchRecord branch, CommitRecord? head) = await ReadAsync(reader =>
                    {
                        BranchRecord found = reader.FindBranch("r", "master")!;
                        return (found, reader.FindCommit(new CommitKey("r", found.Head)));
                    });
                    Assert.NotNull(head);
                    Assert.True(branch.Revision >= last);
                    last = branch.Revision;
                }
            },
            Token))];
        await Task.WhenAll(Enumerable.Range(0, 32).Select(worker => Task.Run(
            async () =>
            {
                for (int i = 0; i < 10; i++)
                {
                    string id = $"{worker}-{i}";
                    await WriteAsync(writer =>
                    {
                        writer.PutCommit(Commit("r", id) with { Parent = writer.FindBranch("r", "master")!.Head });
                        writer.PutBranch(Branch("r", "master", id));
                    });
                }
            },
            Token)));
        await done.CancelAsync();
        await Task.WhenAll(readers);

        int length = 0;
        await ReadAsync(reader =>
        {
            string? id = reader.FindBranch("r", "master")!.Head;
            while (id != "0")
            {
                id = reader.FindCommit(new CommitKey("r", id!))!.Parent;
                length++;
            }

            return 0;
        });
        Assert.Equal(320, length);
    }

    [Fact]
    public async Task Revisions_ascend_over_all_records_and_are_never_given_twice()
    {
        long last = 0;
        for (int round = 0; round < 3; round++)
        {
            List<long> revisions = await Store.WriteAsync(
                writer =>
                {
                    writer.PutRepo(Repo("r"));
                    writer.PutCommit(Commit("r", "1"));
                    writer.PutBranch(Branch("r", "master", "1"));
                    List<long> seen =
                        [writer.FindRepo("r")!.Revision, writer.FindCommit(One)!.Revision, writer.FindBranch("r", "master")!.Revision];
                    writer.PutRepo(Repo("r"));
                    seen.Add(writer.FindRepo("r")!.Revision);
                    writer.DeleteRepo("r");
                    return seen;
                },
                Token);
            Assert.Equal(revisions.Distinct().Order(), revisions);
            Assert.True(revisions[0] > last);
            last = revisions[^1];
            await ReopenAsync();
        }
    }

    [Fact]
    public async Task A_token_cancelled_before_is_honoured_and_the_function_does_not_run()
    {
        bool ran = false;
        CancellationToken cancelled = new(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.WriteAsync(_ => ran = true, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.ReadAsync(_ => ran = true, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.WaitForChangeAsync(0, cancelled));
        Assert.False(ran);
    }

    [Fact]
    public async Task A_change_cancelled_while_it_waits_does_not_run()
    {
        using SemaphoreSlim running = new(0);
        using ManualResetEventSlim release = new();
        Task first = Task.Run(
            () => WriteAsync(writer =>
            {
                writer.PutRepo(Repo("first"));
                running.Release();
                release.Wait(Token);
            }),
            Token);
        await running.WaitAsync(Token);

        using CancellationTokenSource cancellation = new();
        Task<int> second = Store.WriteAsync(
            writer =>
            {
                writer.PutRepo(Repo("second"));
                return 0;
            },
            cancellation.Token);
        Task third = WriteAsync(writer => writer.PutRepo(Repo("third")));
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        release.Set();
        await first;
        await third;
        Assert.Equal(["third", "first"], (await ReadAsync(reader => reader.ListRepos())).Select(repo => repo.Name));
    }

    [Fact]
    public async Task Cancelling_a_change_that_has_begun_does_not_stop_it()
    {
        using CancellationTokenSource cancellation = new();
        int answer = await Store.WriteAsync(
            writer =>
            {
                cancellation.Cancel();
                writer.PutRepo(Repo("r"));
                return 5;
            },
            cancellation.Token);
        Assert.Equal(5, answer);
        Assert.NotNull(await ReadAsync(reader => reader.FindRepo("r")));
    }

    [Fact]
    public async Task Closing_finishes_the_changes_that_were_queued_and_refuses_later_ones()
    {
        Task[] writes = [.. Enumerable.Range(0, 200).Select(i => WriteAsync(writer => writer.PutRepo(Repo($"{i}"))))];
        await Store.DisposeAsync();
        // Done by now, but whoever wraps the store may still be on the way back to the caller.
        await Task.WhenAll(writes).WaitAsync(TimeSpan.FromMinutes(1), Token);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => WriteAsync(writer => writer.PutRepo(Repo("late"))));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => ReadAsync(reader => reader.ListRepos()));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Store.WaitForChangeAsync(0, Token));
        await Store.DisposeAsync();
        await ReopenAsync();
        Assert.Equal(200, (await ReadAsync(reader => reader.ListRepos())).Count);
    }
}
