namespace Pachyderm.Metadata.Tests;

/// <summary>Pending writes, and what deleting repos and commits takes with it.</summary>
public abstract partial class MetadataStoreConformance
{
    private static readonly CommitKey One = new("r", "1");
    private static readonly CommitKey Two = new("r", "2");

    [Fact]
    public async Task Pending_writes_are_paged_in_order_and_counted()
    {
        await WriteAsync(writer =>
        {
            for (int i = 0; i < 5; i++)
            {
                writer.AddPendingWrite(One, Bytes($"one{i}"));
                writer.AddPendingWrite(Two, Bytes($"two-{i}"));
            }
        });
        await WriteAsync(writer => writer.AddPendingWrite(One, ReadOnlyMemory<byte>.Empty));
        Assert.Equal((6, 20), await ReadAsync(reader => reader.CountPendingWrites(One)));
        Assert.Equal((5, 25), await ReadAsync(reader => reader.CountPendingWrites(Two)));

        List<PendingWrite> read = [];
        while (await ReadAsync(reader => reader.ListPendingWrites(One, read.Count == 0 ? 0 : read[^1].Sequence, 4)) is { Count: > 0 } page)
        {
            Assert.True(page.Count <= 4);
            read.AddRange(page);
        }

        Assert.Equal(["one0", "one1", "one2", "one3", "one4", ""], read.Select(write => Text(write.Payload)));
        Assert.Equal(read.Select(write => write.Sequence).Distinct().Order(), read.Select(write => write.Sequence));
        Assert.True(read[0].Sequence > 0);
    }

    [Fact]
    public async Task Large_pending_writes_read_back_byte_by_byte()
    {
        byte[][] payloads = [.. new[] { 900, 1_100, 5_000, 3_000_000 }.Select(size =>
        {
            byte[] payload = new byte[size];
            new Random(size).NextBytes(payload);
            return payload;
        })];
        await WriteAsync(writer =>
        {
            foreach (byte[] payload in payloads)
            {
                writer.AddPendingWrite(One, payload);
            }
        });
        IReadOnlyList<PendingWrite> read = await ReadAsync(reader => reader.ListPendingWrites(One, 0, int.MaxValue));
        Assert.Equal(payloads.Length, read.Count);
        Assert.All(payloads.Zip(read), pair => Assert.True(pair.Second.Payload.Span.SequenceEqual(pair.First)));
        Assert.Equal((4, payloads.Sum(payload => payload.Length)), await ReadAsync(reader => reader.CountPendingWrites(One)));
    }

    [Fact]
    public async Task Deleting_pending_writes_goes_through_a_sequence_and_no_further()
    {
        await WriteAsync(writer =>
        {
            foreach (string payload in (string[])["a", "bb", "ccc", "dddd"])
            {
                writer.AddPendingWrite(One, Bytes(payload));
                writer.AddPendingWrite(Two, Bytes(payload));
            }
        });
        IReadOnlyList<PendingWrite> writes = await ReadAsync(reader => reader.ListPendingWrites(One, 0, 10));
        await WriteAsync(writer =>
        {
            writer.DeletePendingWrites(One, writes[1].Sequence);
            Assert.Equal((2, 7), writer.CountPendingWrites(One));
            writer.AddPendingWrite(One, Bytes("e"));
        });
        Assert.Equal(["ccc", "dddd", "e"],
            (await ReadAsync(reader => reader.ListPendingWrites(One, 0, 10))).Select(write => Text(write.Payload)));
        Assert.Equal((3, 8), await ReadAsync(reader => reader.CountPendingWrites(One)));
        Assert.Equal((4, 10), await ReadAsync(reader => reader.CountPendingWrites(Two)));

        await WriteAsync(writer => writer.DeletePendingWrites(One, long.MaxValue));
        Assert.Equal((0, 0), await ReadAsync(reader => reader.CountPendingWrites(One)));
        Assert.Empty(await ReadAsync(reader => reader.ListPendingWrites(One, 0, 10)));
        await WriteAsync(writer => writer.DeletePendingWrites(new CommitKey("never", "never"), long.MaxValue));
    }

    [Fact]
    public async Task The_sequence_of_pending_writes_goes_on_after_all_were_deleted_and_the_store_reopened()
    {
        long last = 0;
        for (int round = 0; round < 3; round++)
        {
            await WriteAsync(writer => writer.AddPendingWrite(One, Bytes("x")));
            PendingWrite write = Assert.Single(await ReadAsync(reader => reader.ListPendingWrites(One, last, 10)));
            Assert.True(write.Sequence > last);
            last = write.Sequence;
            await WriteAsync(writer => writer.DeletePendingWrites(One, last));
            await ReopenAsync();
        }
    }

    [Fact]
    public async Task A_change_counts_the_pending_writes_that_it_adds_itself()
    {
        (long, long)[] counts = await Store.WriteAsync(
            writer =>
            {
                List<(long, long)> seen = [writer.CountPendingWrites(One)];
                writer.AddPendingWrite(One, Bytes("12"));
                seen.Add(writer.CountPendingWrites(One));
                writer.DeletePendingWrites(One, writer.ListPendingWrites(One, 0, 1)[0].Sequence);
                seen.Add(writer.CountPendingWrites(One));
                writer.AddPendingWrite(One, Bytes("345"));
                seen.Add(writer.CountPendingWrites(One));
                return seen.ToArray();
            },
            Token);
        Assert.Equal([(0, 0), (1, 2), (0, 0), (1, 3)], counts);
        Assert.Equal((1, 3), await ReadAsync(reader => reader.CountPendingWrites(One)));
    }

    [Fact]
    public async Task Deleting_a_commit_takes_its_pending_writes_and_provenance_and_nothing_else()
    {
        CommitKey source = new("src", "1");
        await WriteAsync(writer =>
        {
            foreach (CommitKey key in (CommitKey[])[One, Two])
            {
                writer.PutCommit(Commit(key.Repo, key.Id, source));
                writer.AddPendingWrite(key, Bytes("x"));
            }

            writer.PutCommit(Commit("src", "1"));
        });
        await WriteAsync(writer =>
        {
            writer.DeleteCommit(One);
            writer.DeleteCommit(new CommitKey("never", "never"));
        });
        await ReadAsync(reader =>
        {
            Assert.Null(reader.FindCommit(One));
            Assert.NotNull(reader.FindCommit(Two));
            Assert.NotNull(reader.FindCommit(source));
            Assert.Equal([Two], reader.ListCommitsWithProvenance("r", source));
            Assert.Equal((0, 0), reader.CountPendingWrites(One));
            Assert.Empty(reader.ListPendingWrites(One, 0, 10));
            Assert.Equal((1, 1), reader.CountPendingWrites(Two));
            return 0;
        });
    }

    [Fact]
    public async Task Deleting_a_repo_takes_all_that_is_in_it_and_nothing_else()
    {
        await WriteAsync(writer =>
        {
            foreach (string repo in (string[])["r", "rr"])
            {
                writer.PutRepo(Repo(repo, "src"));
                writer.PutCommit(Commit(repo, "1", new CommitKey("src", "1")));
                writer.PutBranch(Branch(repo, "master", "1"));
                writer.AddPendingWrite(new CommitKey(repo, "1"), Bytes("x"));
                writer.AddPendingWrite(new CommitKey(repo, "without-record"), Bytes("y"));
            }
        });
        await WriteAsync(writer =>
        {
            writer.AddPendingWrite(One, Bytes("added by the change that deletes"));
            writer.AddPendingWrite(new CommitKey("rr", "1"), Bytes("zz"));
            writer.DeleteRepo("r");
            writer.DeleteRepo("never");
        });
        await ReadAsync(reader =>
        {
            Assert.Equal(["rr"], reader.ListRepos().Select(repo => repo.Name));
            Assert.Equal(["rr"], reader.ListReposWithProvenance("src"));
            Assert.Equal(["rr"], reader.ListAllCommits(null, 10).Select(commit => commit.Key.Repo));
            Assert.Empty(reader.ListBranches("r"));
            Assert.Single(reader.ListBranches("rr"));
            Assert.Empty(reader.ListCommitsWithProvenance("r", new CommitKey("src", "1")));
            Assert.Equal((0, 0), reader.CountPendingWrites(One));
            Assert.Equal((0, 0), reader.CountPendingWrites(new CommitKey("r", "without-record")));
            Assert.Equal((2, 3), reader.CountPendingWrites(new CommitKey("rr", "1")));
            Assert.Equal(2, reader.ListPendingWrites(new CommitKey("rr", "1"), 0, 10).Count);
            return 0;
        });
    }
}
