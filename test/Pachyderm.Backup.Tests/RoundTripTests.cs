using Pachyderm.Formats.Content;
using Pachyderm.Tests;

namespace Pachyderm.Backup.Tests;

public sealed class RoundTripTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, string, string?> Stores
    {
        get
        {
            TheoryData<string, string, string?> data = [];
            foreach ((string set, string archive) in FixtureContent.All)
            {
                data.Add(set, archive, null);
                data.Add(set, archive, "correct horse battery staple");
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task What_is_restored_is_byte_for_byte_what_was_backed_up(string set, string archive, string? passphrase)
    {
        using BackupFixture fixture = new(set, archive);
        BackupRepository repository = await fixture.OpenAsync(passphrase);
        BackupRequest request = await fixture.RequestAsync("first") with
        {
            References = token => TreeReferences.WalkAsync(LegacyContentStore.OpenAsync(fixture.Content.Root, token).GetAwaiter().GetResult(), fixture.TreesAsync(), token),
        };
        BackupSummary summary = await repository.CreateAsync(request, Token);
        Assert.Equal(passphrase is not null, summary.Encrypted);
        Assert.True(summary.ReferencesChecked > 100);
        Assert.True(summary.ContentBytes > 0 && summary.Files > 70);
        Assert.Equal(new FileInfo(fixture.Snapshot).Length, summary.MetadataBytes);

        BackupVerification verification = await repository.VerifyAsync("first", readData: true, null, Token);
        Assert.True(verification.IsSound, string.Join('\n', verification.Problems));
        Assert.Equal(summary.Files + summary.Links, verification.Files);

        // Another process, later.
        BackupRepository again = await BackupRepository.OpenAsync(fixture.Store, passphrase, null, Token);
        RestoreResult restored = await again.RestoreAsync("first", new RestoreTarget(fixture["restored/pach"], fixture["restored/etcd.snap"]), null, Token);
        Assert.Equal(BackupFixture.Describe(fixture.Content.Root), BackupFixture.Describe(fixture["restored/pach"]));
        Assert.Equal(await File.ReadAllBytesAsync(fixture.Snapshot, Token), await File.ReadAllBytesAsync(fixture["restored/etcd.snap"], Token));
        Assert.Equal(summary.ContentBytes, restored.ContentBytes);
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task A_second_backup_of_the_same_content_stores_no_content(string set, string archive, string? passphrase)
    {
        using BackupFixture fixture = new(set, archive);
        BackupRepository repository = await fixture.OpenAsync(passphrase);
        BackupSummary first = await repository.CreateAsync(await fixture.RequestAsync("first"), Token);
        string[] contents = fixture.RepositoryFiles("content");
        Dictionary<string, DateTime> written = contents.ToDictionary(path => path, File.GetLastWriteTimeUtc, StringComparer.Ordinal);
        BackupSummary second = await repository.CreateAsync(await fixture.RequestAsync("second"), Token);

        Assert.True(first.NewContentBytes > 0);
        Assert.Equal(0, second.NewContentBytes);
        Assert.Equal(first.ContentBytes, second.ContentBytes);
        Assert.Equal(contents, fixture.RepositoryFiles("content"), StringComparer.Ordinal);
        Assert.All(contents, path => Assert.Equal(written[path], File.GetLastWriteTimeUtc(path)));
        Assert.True((await repository.VerifyAsync("second", readData: true, null, Token)).IsSound);
    }

    [Fact]
    public async Task Only_what_is_new_is_stored()
    {
        using BackupFixture fixture = new();
        BackupRepository repository = await fixture.OpenAsync();
        await repository.CreateAsync(await fixture.RequestAsync("first"), Token);
        byte[] content = "something new"u8.ToArray();
        string hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA512.HashData(content));
        await File.WriteAllBytesAsync(Path.Combine(fixture.Content.Root, "object", hash), content, Token);
        BackupSummary second = await repository.CreateAsync(await fixture.RequestAsync("second"), Token);
        Assert.Equal(content.Length, second.NewContentBytes);

        await repository.RestoreAsync("first", new RestoreTarget(fixture["one"], null), null, Token);
        await repository.RestoreAsync("second", new RestoreTarget(fixture["two"], null), null, Token);
        Assert.False(File.Exists(Path.Combine(fixture["one"], "object", hash)));
        Assert.Equal(content, await File.ReadAllBytesAsync(Path.Combine(fixture["two"], "object", hash), Token));
    }

    [Fact]
    public async Task Metadata_and_content_can_be_backed_up_and_restored_alone()
    {
        using BackupFixture fixture = new();
        BackupRepository repository = await fixture.OpenAsync();
        BackupRequest both = await fixture.RequestAsync();
        await repository.CreateAsync(both with { Name = "metadata", Content = null }, Token);
        await repository.CreateAsync(both with { Name = "content", Metadata = null }, Token);
        await repository.RestoreAsync("metadata", new RestoreTarget(null, fixture["etcd.snap"]), null, Token);
        await repository.RestoreAsync("content", new RestoreTarget(fixture["pach"], null), null, Token);
        Assert.Equal("backup-lacks-part", (await Assert.ThrowsAsync<Errors.OperatorException>(
            () => repository.RestoreAsync("metadata", new RestoreTarget(fixture["other"], null), null, Token))).Id);
        Assert.Equal(BackupFixture.Describe(fixture.Content.Root), BackupFixture.Describe(fixture["pach"]));
    }

    [Fact]
    public async Task The_listing_tells_what_each_backup_holds()
    {
        using BackupFixture fixture = new();
        BackupRepository repository = await fixture.OpenAsync(time: new FixedTime(new DateTimeOffset(2026, 11, 22, 21, 22, 54, TimeSpan.Zero)));
        Directory.CreateDirectory(Path.Combine(fixture.Content.Root, "lost+found"));
        BackupRequest request = await fixture.RequestAsync();
        BackupSummary first = await repository.CreateAsync(request, Token);
        BackupSummary second = await repository.CreateAsync(request, Token);
        Assert.Equal("20261122T212254Z", first.Name);
        Assert.Equal("20261122T212254Z-2", second.Name);

        List<BackupSummary> listed = await repository.ListAsync(Token).ToListAsync(Token);
        Assert.Equivalent(new[] { first, second }, listed, strict: true);
        Assert.Equal("a genuine cluster", listed[0].Source);
        Assert.Equal(1234, listed[0].Revision);
        Assert.Equal(99, listed[0].Records);
        Assert.Equal(203, listed[0].Files);
        Assert.Equal(60, listed[0].Links);
        Assert.Equal("lost+found", Assert.Single(listed[0].LeftOut));
        Assert.Equal(1, listed[0].Version);
    }

    [Fact]
    public async Task An_empty_content_store_round_trips()
    {
        using BackupFixture fixture = new();
        foreach (string name in (string[])["object", "tag", "block"])
        {
            Directory.Delete(Path.Combine(fixture.Content.Root, name), recursive: true);
            Directory.CreateDirectory(Path.Combine(fixture.Content.Root, name));
        }

        BackupRepository repository = await fixture.OpenAsync();
        BackupSummary summary = await repository.CreateAsync(await fixture.RequestAsync("empty"), Token);
        Assert.Equal(0, summary.Files);
        await repository.RestoreAsync("empty", new RestoreTarget(fixture["pach"], null), null, Token);
        Assert.Equal(BackupFixture.Describe(fixture.Content.Root), BackupFixture.Describe(fixture["pach"]));
    }

    [Fact]
    public async Task Large_files_and_those_of_exactly_a_frame_round_trip_encrypted_and_in_the_clear()
    {
        using BackupFixture fixture = new("pachyderm-1.4.8-objstore");
        Random random = new(5);
        foreach (int size in (int[])[0, 1, 4096, 4097, 65_535, 65_536, 65_537, 65_504, 65_505, 131_040, 131_072, 1_000_000])
        {
            byte[] content = new byte[size];
            random.NextBytes(content);
            await File.WriteAllBytesAsync(Path.Combine(fixture.Content.Root, "block", $"block{size}"), content, Token);
            await File.WriteAllBytesAsync(Path.Combine(fixture.Content.Root, "object", $"odd{size}"), content, Token);
        }

        foreach (string? passphrase in (string?[])[null, "a passphrase"])
        {
            BackupRepository repository = await fixture.OpenAsync(passphrase, new ObjectStores.LocalObjectStore(fixture["r" + passphrase]));
            BackupRequest request = await fixture.RequestAsync("sizes");
            await repository.CreateAsync(request, Token);
            BackupSummary second = await repository.CreateAsync(request with { Name = "again" }, Token);
            Assert.Equal(0, second.NewContentBytes);
            Assert.True((await repository.VerifyAsync("again", readData: true, null, Token)).IsSound);
            await repository.RestoreAsync("again", new RestoreTarget(fixture["t" + passphrase], null), null, Token);
            Assert.Equal(BackupFixture.Describe(fixture.Content.Root), BackupFixture.Describe(fixture["t" + passphrase]));
        }
    }

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
