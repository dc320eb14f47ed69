using System.Text.Json;
using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.ObjectStores;
using Pachyderm.ObjectStores.Tests;

namespace Pachyderm.Backup.Tests;

public sealed class RefusalTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_missing_object_makes_the_backup_refuse_and_names_it_and_who_needs_it()
    {
        using BackupFixture fixture = new();
        BackupRequest request = await fixture.RequestAsync("first");
        ObjectReference commit = await fixture.TreesAsync().FirstAsync(Token);
        HashTree tree = await request.Content!.ReadHashTreeAsync(commit.ObjectHash, Token);
        HashTreeNode file = tree.Walk().First(node => node.Objects.Count > 0);
        File.Delete(Path.Combine(fixture.Content.Root, "object", file.Objects[0]));

        BackupRepository repository = await fixture.OpenAsync();
        OperatorException refusal = await Assert.ThrowsAsync<OperatorException>(() => repository.CreateAsync(
            request with { References = token => TreeReferences.WalkAsync(request.Content, fixture.TreesAsync(), token) }, Token));
        Assert.Equal("object-missing", refusal.Id);
        Assert.Contains(file.Objects[0], refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"{commit.ReferencedBy}:{file.Path}", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
        Assert.Empty(await repository.ListAsync(Token).ToListAsync(Token));
        Assert.Empty(fixture.RepositoryFiles("backups"));
    }

    [Fact]
    public async Task A_tag_whose_object_is_missing_makes_the_backup_refuse()
    {
        using BackupFixture fixture = new();
        BackupRequest request = await fixture.RequestAsync("first");
        ContentTag tag = await request.Content!.ListTagsAsync("", Token).FirstAsync(Token);
        File.Delete(Path.Combine(fixture.Content.Root, "object", tag.ObjectHash));
        BackupRepository repository = await fixture.OpenAsync();
        OperatorException refusal = await Assert.ThrowsAsync<OperatorException>(
            () => repository.CreateAsync(request with { References = token => TreeReferences.TagsAsync(request.Content, token) }, Token));
        Assert.Contains($"object {tag.ObjectHash} of tag {tag.Name}", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_many_missing_objects_twenty_are_named_and_all_are_counted()
    {
        using BackupFixture fixture = new();
        BackupRequest request = await fixture.RequestAsync("first");
        IAsyncEnumerable<ObjectReference> References(CancellationToken token) => Enumerable.Range(0, 1000)
            .Select(i => new ObjectReference(i.ToString("x128"), $"commit {i}")).ToAsyncEnumerable();
        BackupRepository repository = await fixture.OpenAsync();
        OperatorException refusal = await Assert.ThrowsAsync<OperatorException>(() => repository.CreateAsync(request with { References = References }, Token));
        Assert.Contains("1000 referenced objects", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("commit 19,", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("commit 20,", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_object_that_is_deleted_after_it_was_checked_makes_the_backup_refuse()
    {
        using BackupFixture fixture = new();
        BackupRequest request = await fixture.RequestAsync("first");
        string victim = (await request.Content!.ListObjectsAsync(Token).FirstAsync(Token)).Hash;
        Directory.SetLastWriteTimeUtc(Path.Combine(fixture.Content.Root, "object"), new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        int calls = 0;
        async IAsyncEnumerable<ObjectReference> References()
        {
            calls++;
            yield return new ObjectReference(victim, "commit a@b");

            // The check has gone on from the object now.
            File.Delete(Path.Combine(fixture.Content.Root, "object", victim));
            await Task.CompletedTask;
        }

        BackupRepository repository = await fixture.OpenAsync();
        Assert.Equal("object-missing", (await Assert.ThrowsAsync<OperatorException>(
            () => repository.CreateAsync(request with { References = _ => References() }, Token))).Id);
        Assert.Equal(2, calls);
    }

    [Fact]
    public async Task References_are_checked_once_when_nothing_comes_or_goes()
    {
        using BackupFixture fixture = new();
        BackupRequest request = await fixture.RequestAsync("first");
        int calls = 0;
        IAsyncEnumerable<ObjectReference> References(CancellationToken token)
        {
            calls++;
            return fixture.TreesAsync();
        }

        await (await fixture.OpenAsync()).CreateAsync(request with { References = References }, Token);
        Assert.Equal(1, calls);
    }

    [Fact]
    public async Task An_object_with_wrong_content_is_refused_or_kept_as_it_is_when_that_is_accepted()
    {
        using BackupFixture fixture = new();
        string path = Directory.GetFiles(Path.Combine(fixture.Content.Root, "object")).Order(StringComparer.Ordinal).First();
        byte[] bytes = await File.ReadAllBytesAsync(path, Token);
        bytes[0] ^= 1;
        await File.WriteAllBytesAsync(path, bytes, Token);
        BackupRepository repository = await fixture.OpenAsync();
        BackupRequest request = await fixture.RequestAsync("first");
        CorruptionException refusal = await Assert.ThrowsAsync<CorruptionException>(() => repository.CreateAsync(request, Token));
        Assert.Equal("object-damaged", refusal.Id);
        Assert.Contains(path, refusal.Message, StringComparison.Ordinal);

        BackupSummary summary = await repository.CreateAsync(request with { AcceptDamaged = true }, Token);
        Assert.Equal("object/" + Path.GetFileName(path), Assert.Single(summary.Damaged));
        Assert.True((await repository.VerifyAsync("first", readData: true, null, Token)).IsSound);
        await repository.RestoreAsync("first", new RestoreTarget(fixture["pach"], null), null, Token);
        Assert.Equal(BackupFixture.Describe(fixture.Content.Root), BackupFixture.Describe(fixture["pach"]));
    }

    [Theory]
    [InlineData("a\\b")]
    [InlineData("a\nb")]
    public async Task A_file_that_could_not_be_written_back_is_refused_when_the_backup_is_made(string name)
    {
        using BackupFixture fixture = new();
        await File.WriteAllTextAsync(Path.Combine(fixture.Content.Root, "tag", name), "odd", Token);
        OperatorException refusal = await Assert.ThrowsAsync<OperatorException>(
            async () => await (await fixture.OpenAsync()).CreateAsync(await fixture.RequestAsync("first"), Token));
        Assert.Equal("content-path-refused", refusal.Id);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Fact]
    public async Task A_restore_goes_only_into_an_empty_place()
    {
        using BackupFixture fixture = new();
        BackupRepository repository = await fixture.OpenAsync();
        await repository.CreateAsync(await fixture.RequestAsync("first"), Token);
        Directory.CreateDirectory(fixture["used"]);
        await File.WriteAllTextAsync(fixture["used/file"], "precious", Token);
        await AssertRefusedAsync(new RestoreTarget(fixture["used"], null));
        await AssertRefusedAsync(new RestoreTarget(fixture["used/file"], null));
        await AssertRefusedAsync(new RestoreTarget(fixture["new"], fixture["used/file"]));
        Assert.False(Directory.Exists(fixture["new"]));
        Assert.Equal("precious", await File.ReadAllTextAsync(fixture["used/file"], Token));

        Directory.CreateDirectory(fixture["empty"]);
        await repository.RestoreAsync("first", new RestoreTarget(fixture["empty"], null), null, Token);

        async Task AssertRefusedAsync(RestoreTarget target) => Assert.Equal(
            "restore-target-exists", (await Assert.ThrowsAsync<OperatorException>(() => repository.RestoreAsync("first", target, null, Token))).Id);
    }

    [Theory]
    [InlineData("")]
    [InlineData("../x")]
    [InlineData("a/b")]
    [InlineData(".hidden")]
    [InlineData("-option")]
    [InlineData("a b")]
    public async Task A_name_that_is_no_plain_word_is_refused(string name)
    {
        using BackupFixture fixture = new();
        BackupRepository repository = await fixture.OpenAsync();
        await AssertRefusedAsync(async () => await repository.CreateAsync(await fixture.RequestAsync(name), Token));
        await AssertRefusedAsync(() => repository.VerifyAsync(name, readData: false, null, Token));
        await AssertRefusedAsync(() => repository.RestoreAsync(name, new RestoreTarget(fixture["x"], null), null, Token));

        static async Task AssertRefusedAsync(Func<Task> call) =>
            Assert.Equal("backup-name-refused", (await Assert.ThrowsAsync<OperatorException>(call)).Id);
    }

    [Fact]
    public async Task A_directory_that_is_no_repository_is_refused_and_left_alone()
    {
        using BackupFixture fixture = new();
        Assert.Equal("backup-repository-not-found", (await Assert.ThrowsAsync<OperatorException>(
            () => BackupRepository.OpenAsync(fixture.Store, null, null, Token))).Id);
        Assert.False(Directory.Exists(fixture.Store.RootPath));

        Directory.CreateDirectory(fixture["other"]);
        await File.WriteAllTextAsync(fixture["other/file"], "precious", Token);
        Assert.Equal("backup-repository-foreign", (await Assert.ThrowsAsync<OperatorException>(
            () => fixture.OpenAsync(store: new LocalObjectStore(fixture["other"])))).Id);
        Assert.Equal("file", Path.GetFileName(Assert.Single(Directory.GetFileSystemEntries(fixture["other"]))));
    }

    [Fact]
    public async Task An_unknown_format_is_refused_and_one_that_still_allows_this_reader_is_not()
    {
        using BackupFixture fixture = new();
        await fixture.OpenAsync();
        string path = Path.Combine(fixture.Store.RootPath, "repository.json");
        string json = await File.ReadAllTextAsync(path, Token);
        await File.WriteAllTextAsync(path, json.Replace("\"version\": 1", "\"version\": 2", StringComparison.Ordinal), Token);
        Assert.Equal(2, (await BackupRepository.OpenAsync(fixture.Store, null, null, Token)).Version);
        await File.WriteAllTextAsync(path, json.Replace("\"minReader\": 1", "\"minReader\": 2", StringComparison.Ordinal), Token);
        Assert.Equal("backup-format-unknown", (await Assert.ThrowsAsync<OperatorException>(() => BackupRepository.OpenAsync(fixture.Store, null, null, Token))).Id);
        await File.WriteAllTextAsync(path, "{", Token);
        Assert.Equal("backup-repository-damaged", (await Assert.ThrowsAsync<CorruptionException>(() => BackupRepository.OpenAsync(fixture.Store, null, null, Token))).Id);
        await File.WriteAllTextAsync(path, "{}", Token);
        Assert.Equal("backup-repository-foreign", (await Assert.ThrowsAsync<OperatorException>(() => BackupRepository.OpenAsync(fixture.Store, null, null, Token))).Id);
    }

    [Fact]
    public async Task Metadata_that_cannot_be_read_leave_no_backup()
    {
        using BackupFixture fixture = new();
        BackupRepository repository = await fixture.OpenAsync();
        OperatorException failure = new("etcd-unreachable", "etcd", "it is away", "start it");
        BackupRequest request = await fixture.RequestAsync("first") with
        {
            Metadata = new MetadataSource("etcd", 1, null, async (stream, token) =>
            {
                await stream.WriteAsync(new byte[300_000], token);
                throw failure;
            }),
        };
        Assert.Same(failure, await Assert.ThrowsAsync<OperatorException>(() => repository.CreateAsync(request, Token)));
        Assert.Empty(fixture.RepositoryFiles("backups"));
        Assert.Empty(await repository.ListAsync(Token).ToListAsync(Token));
    }

    [Fact]
    public async Task A_full_disk_leaves_no_backup_and_the_next_run_succeeds_with_space()
    {
        using BackupFixture fixture = new();
        using TinyFileSystem? disk = TinyFileSystem.TryMount(fixture["tiny"], "size=900k");
        IObjectStore store = disk is not null
            ? new LocalObjectStore(disk.Path)
            : new FaultInjectingObjectStore(fixture.Store, call => call.Number == 60 ? new ObjectStoreFault(FaultMoment.During, Full()) : null);
        BackupRepository repository = await fixture.OpenAsync(store: store);
        BackupRequest request = await fixture.RequestAsync("first");
        Assert.Equal("storage-full", (await Assert.ThrowsAsync<OperatorException>(() => repository.CreateAsync(request, Token))).Id);
        Assert.Empty(await repository.ListAsync(Token).ToListAsync(Token));

        if (disk is not null)
        {
            foreach (string left in Directory.GetFiles(disk.Path, "*", SearchOption.AllDirectories))
            {
                File.Delete(left);
            }

            repository = await fixture.OpenAsync(store: store);
            await repository.CreateAsync(request with { Content = null }, Token);
        }
        else
        {
            await repository.CreateAsync(request, Token);
        }

        Assert.True((await repository.VerifyAsync("first", readData: true, null, Token)).IsSound);

        static OperatorException Full() => StorageErrors.Translate(new IOException("No space left on device", 28), "/disk");
    }

    [Fact]
    public async Task Only_so_much_of_a_tree_is_walked_as_is_shared_by_commits()
    {
        using BackupFixture fixture = new();
        LegacyContentStore store = await LegacyContentStore.OpenAsync(fixture.Content.Root, Token);
        List<ObjectReference> trees = await fixture.TreesAsync().ToListAsync(Token);
        List<ObjectReference> all = await TreeReferences.WalkAsync(store, trees.ToAsyncEnumerable(), Token).ToListAsync(Token);
        List<ObjectReference> twice = await TreeReferences.WalkAsync(store, trees.Concat(trees).ToAsyncEnumerable(), Token).ToListAsync(Token);
        Assert.Equal(all.Count + trees.Count, twice.Count);
        foreach (ObjectReference reference in all)
        {
            Assert.True(await store.ObjectExistsAsync(reference.ObjectHash, Token), reference.ReferencedBy);
        }
    }

    [Fact]
    public async Task Of_two_that_create_at_once_both_succeed_under_their_own_names_and_the_repository_is_sound()
    {
        using BackupFixture fixture = new();
        BackupRequest request = await fixture.RequestAsync();
        BackupSummary[] made = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(
            async () => await (await fixture.OpenAsync()).CreateAsync(request, Token), Token)));
        Assert.Equal(4, made.Select(summary => summary.Name).Distinct(StringComparer.Ordinal).Count());
        BackupRepository repository = await fixture.OpenAsync();
        foreach (BackupSummary summary in made)
        {
            Assert.True((await repository.VerifyAsync(summary.Name, readData: true, null, Token)).IsSound);
        }
    }

    [Fact]
    public async Task Of_two_that_want_one_name_one_wins_and_the_other_is_told()
    {
        using BackupFixture fixture = new();
        BackupRequest request = await fixture.RequestAsync("wanted");
        object[] outcomes = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run<object>(
            async () =>
            {
                try
                {
                    return await (await fixture.OpenAsync()).CreateAsync(request, Token);
                }
                catch (OperatorException exception)
                {
                    return exception.Id;
                }
            },
            Token)));
        Assert.Single(outcomes.OfType<BackupSummary>());
        Assert.All(outcomes.OfType<string>(), id => Assert.True(id is "backup-in-progress" or "backup-exists", id));
        Assert.True((await (await fixture.OpenAsync()).VerifyAsync("wanted", readData: true, null, Token)).IsSound);
    }

    [Fact]
    public async Task What_a_killed_writer_left_is_removed_and_its_name_is_free()
    {
        using BackupFixture fixture = new();
        BackupRepository repository = await fixture.OpenAsync();
        string claim = await LeaveAsync(fixture, "first", Environment.MachineName, processId: 0x3fffffff, DateTimeOffset.UnixEpoch);
        Assert.Empty(await repository.ListAsync(Token).ToListAsync(Token));
        Assert.Equal(1, await repository.PruneIncompleteAsync(Token));
        Assert.Empty(fixture.RepositoryFiles("backups"));

        await LeaveAsync(fixture, "first", Environment.MachineName, processId: 0x3fffffff, DateTimeOffset.UnixEpoch);
        BackupSummary summary = await repository.CreateAsync(await fixture.RequestAsync("first"), Token);
        Assert.DoesNotContain(fixture.RepositoryFiles("backups"), path => path.Contains(claim, StringComparison.Ordinal));
        Assert.True((await repository.VerifyAsync(summary.Name, readData: true, null, Token)).IsSound);
    }

    [Fact]
    public async Task A_process_that_took_the_number_of_the_killed_one_is_not_mistaken_for_it()
    {
        using BackupFixture fixture = new();
        BackupRepository repository = await fixture.OpenAsync();
        await LeaveAsync(fixture, "first", Environment.MachineName, Environment.ProcessId, DateTimeOffset.UnixEpoch);
        Assert.Equal(1, await repository.PruneIncompleteAsync(Token));
    }

    [Fact]
    public async Task What_another_host_is_writing_is_left_alone()
    {
        using BackupFixture fixture = new();
        BackupRepository repository = await fixture.OpenAsync();
        await LeaveAsync(fixture, "first", "another-host", 1, DateTimeOffset.UnixEpoch, TimeProvider.System.GetUtcNow());
        Assert.Equal(0, await repository.PruneIncompleteAsync(Token));
        OperatorException refusal = await Assert.ThrowsAsync<OperatorException>(async () => await repository.CreateAsync(await fixture.RequestAsync("first"), Token));
        Assert.Equal("backup-in-progress", refusal.Id);
        Assert.Contains("another-host", refusal.Message, StringComparison.Ordinal);

        await LeaveAsync(fixture, "second", "another-host", 1, DateTimeOffset.UnixEpoch, TimeProvider.System.GetUtcNow().AddDays(-3));
        Assert.Equal(1, await repository.PruneIncompleteAsync(Token));
    }

    [Fact]
    public async Task A_writer_that_was_killed_after_the_manifest_leaves_a_whole_backup()
    {
        using BackupFixture fixture = new();
        BackupRepository repository = await fixture.OpenAsync();
        await repository.CreateAsync(await fixture.RequestAsync("first"), Token);
        await WriteClaimAsync(fixture, "first", new string('0', 32), Environment.MachineName, 0x3fffffff, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch);
        Assert.Equal(0, await repository.PruneIncompleteAsync(Token));
        Assert.True((await repository.VerifyAsync("first", readData: true, null, Token)).IsSound);
        Assert.DoesNotContain(fixture.RepositoryFiles("backups"), path => path.EndsWith("claim", StringComparison.Ordinal));
    }

    private static async Task<string> LeaveAsync(
        BackupFixture fixture, string name, string host, int processId, DateTimeOffset started, DateTimeOffset? time = null)
    {
        string claim = Guid.NewGuid().ToString("N");
        await WriteClaimAsync(fixture, name, claim, host, processId, started, time ?? DateTimeOffset.UnixEpoch);
        foreach (string part in (string[])["metadata", "files"])
        {
            await File.WriteAllTextAsync(Path.Combine(fixture.Store.RootPath, "backups", name, $"{part}-{claim}"), "half", Token);
        }

        return claim;
    }

    private static async Task WriteClaimAsync(
        BackupFixture fixture, string name, string claim, string host, int processId, DateTimeOffset started, DateTimeOffset time)
    {
        string directory = Path.Combine(fixture.Store.RootPath, "backups", name);
        Directory.CreateDirectory(directory);
        string json = JsonSerializer.Serialize(new { id = claim, host, processId, processStarted = started, time });
        await File.WriteAllTextAsync(Path.Combine(directory, "claim"), json, Token);
    }
}
