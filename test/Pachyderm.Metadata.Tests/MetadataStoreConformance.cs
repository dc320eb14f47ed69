using System.Security.Cryptography;
using System.Text;

namespace Pachyderm.Metadata.Tests;

/// <summary>
/// What every metadata store must do. A store's test class inherits it and opens one store, empty at first, as often as asked.
/// The parts are: records and lists here, transactions, and the change feed.
/// </summary>
public abstract partial class MetadataStoreConformance : IAsyncLifetime
{
    protected static readonly DateTimeOffset Moment = new(2020, 3, 4, 5, 6, 7, TimeSpan.Zero);

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    protected IMetadataStore Store { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Store = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        await CleanUpAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the store. It is not open elsewhere then.</summary>
    protected abstract Task<IMetadataStore> OpenAsync();

    /// <summary>Removes what the store left.</summary>
    protected abstract ValueTask CleanUpAsync();

    protected async Task ReopenAsync()
    {
        await Store.DisposeAsync();
        Store = await OpenAsync();
    }

    protected Task<T> ReadAsync<T>(Func<IMetadataReader, T> query) => Store.ReadAsync(query, Token);

    protected Task WriteAsync(Action<IMetadataWriter> change) => Store.WriteAsync(
        writer =>
        {
            change(writer);
            return 0;
        },
        Token);

    protected static RepoRecord Repo(string name, params string[] provenance) => new(name, Moment, "about " + name, 7, [.. provenance]);

    protected static CommitRecord Commit(string repo, string id, params CommitKey[] provenance) =>
        new(new CommitKey(repo, id), null, Moment, null, 0, null, [.. provenance]);

    protected static BranchRecord Branch(string repo, string name, string head) => new(repo, name, head);

    protected static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    [Fact]
    public async Task A_new_store_has_the_newest_format_and_nothing_in_it()
    {
        Assert.Equal(2, Store.Format);
        await ReadAsync(reader =>
        {
            Assert.Empty(reader.ListRepos());
            Assert.Empty(reader.ListAllCommits(null, 10));
            Assert.Empty(reader.ListObjects(null, 10));
            Assert.Empty(reader.ListTags("", null, 10));
            Assert.Empty(reader.ListChanges(0, 10));
            Assert.Equal(0, reader.LastChange);
            Assert.Null(reader.FindRepo("a"));
            Assert.Null(reader.FindCommit(new CommitKey("a", "b")));
            Assert.Null(reader.FindBranch("a", "b"));
            Assert.Null(reader.FindObject("a"));
            Assert.Null(reader.FindTag("a"));
            Assert.Equal((0, 0), reader.CountPendingWrites(new CommitKey("a", "b")));
            return 0;
        });
    }

    [Fact]
    public async Task A_repo_reads_back_as_it_was_written_also_after_reopening()
    {
        RepoRecord written = new("images", Moment.AddTicks(1_234_567), "Zeilen\nund ünïcode 𝄞 \0", long.MaxValue, ["b", "a", "c"]);
        await WriteAsync(writer => writer.PutRepo(written));
        for (int round = 0; round < 2; round++)
        {
            RepoRecord read = (await ReadAsync(reader => reader.FindRepo("images")))!;
            Assert.True(read.Revision > 0);
            Assert.Equal(["b", "a", "c"], read.Provenance);
            Assert.Equal(written with { Revision = read.Revision, Provenance = read.Provenance }, read);
            Assert.Equal(TimeSpan.Zero, read.Created.Offset);
            await ReopenAsync();
        }
    }

    [Fact]
    public async Task Writing_a_repo_again_replaces_it_with_its_provenance()
    {
        await WriteAsync(writer => writer.PutRepo(Repo("a", "x", "y", "z")));
        await WriteAsync(writer => writer.PutRepo(Repo("a", "y") with { Description = "", SizeBytes = 0 }));
        RepoRecord read = (await ReadAsync(reader => reader.FindRepo("a")))!;
        Assert.Equal(["y"], read.Provenance);
        Assert.Equal(("", 0), (read.Description, read.SizeBytes));
        Assert.Empty(await ReadAsync(reader => reader.ListReposWithProvenance("x")));
        Assert.Single(await ReadAsync(reader => reader.ListRepos()));
    }

    [Fact]
    public async Task Repos_are_listed_last_written_first()
    {
        foreach (string name in (string[])["b", "c", "a", "b"])
        {
            await WriteAsync(writer => writer.PutRepo(Repo(name)));
        }

        Assert.Equal(["b", "a", "c"], (await ReadAsync(reader => reader.ListRepos())).Select(repo => repo.Name));
    }

    [Fact]
    public async Task Repos_with_a_provenance_are_listed_once_each_in_byte_order()
    {
        // U+FFFD comes before U+1D11E in bytes, and behind it in UTF-16.
        string[] names = ["b", "a", "B", "\ufffd", "𝄞", "é"];
        await WriteAsync(writer =>
        {
            foreach (string name in names)
            {
                writer.PutRepo(Repo(name, "src", "other", "src"));
            }

            writer.PutRepo(Repo("none", "SRC"));
        });
        Assert.Equal(["B", "a", "b", "é", "\ufffd", "𝄞"], await ReadAsync(reader => reader.ListReposWithProvenance("src")));
        Assert.Equal(["src", "other", "src"], (await ReadAsync(reader => reader.FindRepo("a")))!.Provenance);
    }

    [Fact]
    public async Task Names_are_compared_byte_by_byte()
    {
        string[] names = ["a", "A", "a ", "ä", "a\u0308", ""];
        await WriteAsync(writer =>
        {
            foreach (string name in names)
            {
                writer.PutRepo(Repo(name));
            }
        });
        Assert.Equal(names.Length, (await ReadAsync(reader => reader.ListRepos())).Count);
        Assert.Equal("about a ", (await ReadAsync(reader => reader.FindRepo("a ")))!.Description);
    }

    [Fact]
    public async Task A_name_with_half_a_surrogate_pair_is_refused_and_nothing_of_the_change_is_kept()
    {
        await Assert.ThrowsAnyAsync<ArgumentException>(() => WriteAsync(writer =>
        {
            writer.PutRepo(Repo("good"));
            writer.PutRepo(Repo("bad\ud800"));
        }));
        Assert.Empty(await ReadAsync(reader => reader.ListRepos()));
    }

    [Fact]
    public async Task A_commit_reads_back_as_it_was_written_also_after_reopening()
    {
        CommitRecord open = Commit("r", "1", new CommitKey("q", "9"), new CommitKey("p", "8"));
        CommitRecord finished = new(
            new CommitKey("r", "2"), "1", Moment.AddTicks(1), DateTimeOffset.MaxValue.ToUniversalTime(), long.MaxValue, Bytes("tree"), []);
        CommitRecord emptyTree =
            finished with { Key = new CommitKey("r", "3"), Tree = ReadOnlyMemory<byte>.Empty, Started = DateTimeOffset.MinValue };
        await WriteAsync(writer =>
        {
            writer.PutCommit(open);
            writer.PutCommit(finished);
            writer.PutCommit(emptyTree);
        });
        await ReopenAsync();
        foreach (CommitRecord written in (CommitRecord[])[open, finished, emptyTree])
        {
            CommitRecord read = (await ReadAsync(reader => reader.FindCommit(written.Key)))!;
            Assert.Equal(written.Provenance, read.Provenance);
            Assert.Equal(written.Tree?.ToArray(), read.Tree?.ToArray());
            Assert.Equal(written with { Tree = read.Tree, Provenance = read.Provenance, Revision = read.Revision }, read);
            Assert.Equal(written.Finished is null, read.IsOpen);
        }
    }

    [Fact]
    public async Task The_time_of_another_zone_is_the_same_moment_in_utc()
    {
        DateTimeOffset elsewhere = new(2020, 1, 1, 3, 0, 0, TimeSpan.FromHours(3));
        await WriteAsync(writer => writer.PutCommit(Commit("r", "1") with { Started = elsewhere }));
        DateTimeOffset read = (await ReadAsync(reader => reader.FindCommit(new CommitKey("r", "1"))))!.Started;
        Assert.Equal((elsewhere, TimeSpan.Zero), (read, read.Offset));
    }

    [Fact]
    public async Task Writing_a_commit_again_replaces_all_of_it()
    {
        CommitKey key = new("r", "1");
        await WriteAsync(writer => writer.PutCommit(Commit("r", "1", new CommitKey("q", "9")) with { Parent = "0", Tree = Bytes("t") }));
        await WriteAsync(writer => writer.PutCommit(Commit("r", "1", new CommitKey("q", "8"), new CommitKey("q", "7"))));
        CommitRecord read = (await ReadAsync(reader => reader.FindCommit(key)))!;
        Assert.Null(read.Parent);
        Assert.Null(read.Tree);
        Assert.Equal([new CommitKey("q", "8"), new CommitKey("q", "7")], read.Provenance);
        Assert.Empty(await ReadAsync(reader => reader.ListCommitsWithProvenance("r", new CommitKey("q", "9"))));
        Assert.Equal([key], await ReadAsync(reader => reader.ListCommitsWithProvenance("r", new CommitKey("q", "7"))));
    }

    [Fact]
    public async Task Commits_are_paged_last_written_first()
    {
        await WriteAsync(writer =>
        {
            for (int i = 0; i < 10; i++)
            {
                writer.PutCommit(Commit("r", $"{i}"));
                writer.PutCommit(Commit("s", $"{i}"));
            }

            writer.PutCommit(Commit("r", "3") with { Finished = Moment });
        });
        List<string> ids = [];
        long? before = null;
        while (await ReadAsync(reader => reader.ListCommits("r", before, 3)) is { Count: > 0 } page)
        {
            Assert.True(page.Count <= 3);
            ids.AddRange(page.Select(commit => commit.Key.Id));
            before = page[^1].Revision;
        }

        Assert.Equal(["3", "9", "8", "7", "6", "5", "4", "2", "1", "0"], ids);
    }

    [Fact]
    public async Task Commits_with_a_provenance_are_listed_in_the_order_of_their_creation()
    {
        CommitKey source = new("src", "1");
        await WriteAsync(writer =>
        {
            foreach (string id in (string[])["c", "a", "b"])
            {
                writer.PutCommit(Commit("r", id, new CommitKey("x", "y"), source));
                writer.PutCommit(Commit("s", id, source));
            }

            writer.PutCommit(Commit("r", "d", new CommitKey("src", "2")));
            writer.PutCommit(Commit("r", "c", source) with { Finished = Moment });
        });
        Assert.Equal(
            [new CommitKey("r", "c"), new CommitKey("r", "a"), new CommitKey("r", "b")],
            await ReadAsync(reader => reader.ListCommitsWithProvenance("r", source)));
    }

    [Fact]
    public async Task All_commits_are_paged_in_order_of_key()
    {
        CommitKey[] keys = [new("", ""), new("", "z"), new("a", "1"), new("a", "2"), new("a-b", "0"), new("b", "0"), new("é", "0")];
        await WriteAsync(writer =>
        {
            foreach (CommitKey key in keys.Reverse())
            {
                writer.PutCommit(Commit(key.Repo, key.Id));
            }
        });
        List<CommitKey> read = [];
        CommitKey? after = null;
        while (await ReadAsync(reader => reader.ListAllCommits(after, 2)) is { Count: > 0 } page)
        {
            read.AddRange(page.Select(commit => commit.Key));
            after = read[^1];
        }

        Assert.Equal(keys, read);
    }

    [Fact]
    public async Task Setting_a_tree_changes_nothing_else()
    {
        CommitKey key = new("r", "1");
        await WriteAsync(writer => writer.PutCommit(Commit("r", "1", new CommitKey("q", "1")) with { SizeBytes = 5 }));
        CommitRecord before = (await ReadAsync(reader => reader.FindCommit(key)))!;
        await WriteAsync(writer => writer.SetTree(key, Bytes("t")));
        CommitRecord after = (await ReadAsync(reader => reader.FindCommit(key)))!;
        Assert.Equal("t", Text(after.Tree!.Value));
        Assert.Equal(before with { Tree = after.Tree, Provenance = after.Provenance }, after);
        await WriteAsync(writer => writer.SetTree(key, null));
        Assert.Null((await ReadAsync(reader => reader.FindCommit(key)))!.Tree);
        await Assert.ThrowsAsync<KeyNotFoundException>(() => WriteAsync(writer => writer.SetTree(new CommitKey("r", "2"), null)));
    }

    [Fact]
    public async Task Branches_are_found_and_listed_last_written_first()
    {
        await WriteAsync(writer =>
        {
            writer.PutBranch(Branch("r", "master", "1"));
            writer.PutBranch(Branch("r", "dev", "1"));
            writer.PutBranch(Branch("s", "master", "5"));
            writer.PutBranch(Branch("r", "old", "0"));
            writer.PutBranch(Branch("r", "master", "2"));
            writer.DeleteBranch("r", "old");
            writer.DeleteBranch("r", "never");
        });
        Assert.Equal(
            [("master", "2"), ("dev", "1")],
            (await ReadAsync(reader => reader.ListBranches("r"))).Select(branch => (branch.Name, branch.Head)));
        Assert.Equal("5", (await ReadAsync(reader => reader.FindBranch("s", "master")))!.Head);
        Assert.Null(await ReadAsync(reader => reader.FindBranch("r", "old")));
    }

    [Fact]
    public async Task Objects_are_replaced_paged_in_order_and_deleted()
    {
        await WriteAsync(writer =>
        {
            foreach (string hash in (string[])["c", "a", "b", "d"])
            {
                writer.PutObject(new ObjectRecord(hash, 1, Bytes("old"), Moment));
            }

            writer.PutObject(new ObjectRecord("b", 2, ReadOnlyMemory<byte>.Empty, Moment));
            writer.DeleteObject("c");
            writer.DeleteObject("never");
        });
        ObjectRecord b = (await ReadAsync(reader => reader.FindObject("b")))!;
        Assert.Equal((2, 0), (b.SizeBytes, b.Content.Length));
        Assert.Equal("old", Text((await ReadAsync(reader => reader.FindObject("a")))!.Content));
        Assert.Equal(["a", "b"], (await ReadAsync(reader => reader.ListObjects(null, 2))).Select(record => record.Hash));
        Assert.Equal(["d"], (await ReadAsync(reader => reader.ListObjects("b", 2))).Select(record => record.Hash));
    }

    [Fact]
    public async Task Objects_keep_their_times_and_hashes_of_128_digits()
    {
        string[] hashes = [.. Enumerable.Range(0, 5).Select(i => Convert.ToHexStringLower(SHA512.HashData([(byte)i])))];
        string upper = hashes[0].ToUpperInvariant();
        await WriteAsync(writer =>
        {
            foreach (string hash in (string[])[.. hashes, upper])
            {
                writer.PutObject(new ObjectRecord(hash, 1, Bytes(hash), Moment.AddTicks(3)));
                writer.PutTag(new TagRecord("tag of " + hash, hash));
            }

            writer.PutObject(new ObjectRecord(hashes[1], 1, Bytes("again"), Moment.AddDays(1)));
            writer.DeleteObject(hashes[2]);
        });
        string[] left = [.. hashes.Where(hash => hash != hashes[2]).Order(StringComparer.Ordinal)];
        IReadOnlyList<ObjectRecord> listed = await ReadAsync(reader => reader.ListObjects(null, 10));
        Assert.Equal(left, listed.Select(record => record.Hash).Where(hash => hash != upper));
        Assert.Equal(left[1..3], (await ReadAsync(reader => reader.ListObjects(left[0], 2))).Select(record => record.Hash));
        Assert.Equal(Moment.AddTicks(3), (await ReadAsync(reader => reader.FindObject(hashes[0])))!.Created);
        Assert.Equal(Moment.AddDays(1), (await ReadAsync(reader => reader.FindObject(hashes[1])))!.Created);
        Assert.Equal(upper, Text((await ReadAsync(reader => reader.FindObject(upper)))!.Content));
        Assert.Equal(hashes[3], (await ReadAsync(reader => reader.FindTag("tag of " + hashes[3])))!.ObjectHash);
        Assert.Equal(upper, (await ReadAsync(reader => reader.FindTag("tag of " + upper)))!.ObjectHash);
    }

    [Fact]
    public async Task Tags_with_a_prefix_are_paged_in_byte_order()
    {
        string[] names = ["a", "ab", "ab/1", "ab\U0010ffff", "ac", "b", "ab\u0001"];
        await WriteAsync(writer =>
        {
            foreach (string name in names)
            {
                writer.PutTag(new TagRecord(name, "old"));
            }

            writer.PutTag(new TagRecord("ab", "new"));
            writer.PutTag(new TagRecord("gone", "x"));
            writer.DeleteTag("gone");
            writer.DeleteTag("never");
        });
        Assert.Equal("new", (await ReadAsync(reader => reader.FindTag("ab")))!.ObjectHash);
        Assert.Equal(["ab", "ab\u0001", "ab/1", "ab\U0010ffff"], await TagsAsync("ab", null, 10));
        Assert.Equal(["ab\u0001", "ab/1"], await TagsAsync("ab", "ab", 2));
        Assert.Equal(["ab", "ab\u0001"], await TagsAsync("ab", "a", 2));
        Assert.Empty(await TagsAsync("ab", "b", 2));
        Assert.Equal(names.Order(StringComparer.Ordinal), await TagsAsync("", null, 100));
    }

    [Fact]
    public async Task A_page_of_nothing_is_refused()
    {
        foreach (int limit in (int[])[0, -1, int.MinValue])
        {
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => ReadAsync(reader => reader.ListCommits("r", null, limit)));
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => ReadAsync(reader => reader.ListAllCommits(null, limit)));
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
                () => ReadAsync(reader => reader.ListPendingWrites(new("r", "1"), 0, limit)));
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => ReadAsync(reader => reader.ListObjects(null, limit)));
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => ReadAsync(reader => reader.ListTags("", null, limit)));
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => ReadAsync(reader => reader.ListChanges(0, limit)));
        }
    }

    private async Task<IEnumerable<string>> TagsAsync(string prefix, string? after, int limit) =>
        (await ReadAsync(reader => reader.ListTags(prefix, after, limit))).Select(tag => tag.Name);
}
