using System.Buffers;
using System.Text;
using CsCheck;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;

namespace Pachyderm.Backup.Tests;

public sealed class DamageTests
{
    private const string Passphrase = "correct horse battery staple";

    // Made with another implementation of HKDF and AES-GCM: key 00..1f, random bytes ff..e0, name "golden", content "plaintext".
    private const string GoldenSealed =
        "50414348534541310000000000000000fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0"
        + "494d2cb15d462d00037b5226fece380ec01f56bc8873cc1049";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null)]
    [InlineData(Passphrase)]
    public async Task A_flipped_bit_anywhere_is_found_by_reading_the_data(string? passphrase)
    {
        using BackupFixture fixture = new();
        BackupRepository repository = await fixture.OpenAsync(passphrase);
        await repository.CreateAsync(await fixture.RequestAsync("first"), Token);
        Random random = new(3);
        foreach (string path in fixture.RepositoryFiles().Where(path => new FileInfo(path).Length > 0 && !path.EndsWith("repository.json", StringComparison.Ordinal))
            .Where((_, i) => i % 9 == 0).Concat(fixture.RepositoryFiles("backups")))
        {
            byte[] sound = await File.ReadAllBytesAsync(path, Token);
            byte[] damaged = [.. sound];
            damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(path, damaged, Token);
            Assert.True(await IsDamagedAsync(repository), path);
            await File.WriteAllBytesAsync(path, sound, Token);
        }

        Assert.True((await repository.VerifyAsync("first", readData: true, null, Token)).IsSound);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(Passphrase)]
    public async Task Missing_and_cut_off_contents_are_found_without_reading_the_data_and_stored_again_by_the_next_backup(string? passphrase)
    {
        using BackupFixture fixture = new();
        BackupRepository repository = await fixture.OpenAsync(passphrase);
        BackupRequest request = await fixture.RequestAsync("first");
        await repository.CreateAsync(request, Token);
        string[] contents = fixture.RepositoryFiles("content");
        File.Delete(contents[0]);
        await using (FileStream file = File.OpenWrite(contents[1]))
        {
            file.SetLength(file.Length - 1);
        }

        BackupVerification verification = await repository.VerifyAsync("first", readData: false, null, Token);
        Assert.Equal(2, verification.ProblemCount);
        Assert.All(verification.Problems, problem => Assert.StartsWith("object/", problem.Thing, StringComparison.Ordinal));
        await Assert.ThrowsAsync<CorruptionException>(() => repository.RestoreAsync("first", new RestoreTarget(fixture["pach"], null), null, Token));

        BackupSummary second = await repository.CreateAsync(request with { Name = "second" }, Token);
        Assert.True(second.NewContentBytes > 0);
        Assert.True((await repository.VerifyAsync("first", readData: true, null, Token)).IsSound);
    }

    [Fact]
    public async Task A_manifest_that_was_changed_is_listed_as_damaged_and_never_used()
    {
        using BackupFixture fixture = new();
        BackupRepository repository = await fixture.OpenAsync();
        await repository.CreateAsync(await fixture.RequestAsync("first"), Token);
        await repository.CreateAsync(await fixture.RequestAsync("second"), Token);
        string path = Path.Combine(fixture.Store.RootPath, "backups", "first", "manifest");
        string text = await File.ReadAllTextAsync(path, Token);
        await File.WriteAllTextAsync(path, text.Replace("1234", "1235", StringComparison.Ordinal), Token);
        List<BackupSummary> listed = await repository.ListAsync(Token).ToListAsync(Token);
        Assert.Contains("SHA-256", listed[0].Problem!, StringComparison.Ordinal);
        Assert.Null(listed[1].Problem);
        Assert.Equal("backup-damaged", (await Assert.ThrowsAsync<CorruptionException>(
            () => repository.RestoreAsync("first", new RestoreTarget(fixture["pach"], null), null, Token))).Id);
        Assert.False(Directory.Exists(fixture["pach"]));
    }

    [Fact]
    public async Task A_manifest_under_another_name_is_refused()
    {
        using BackupFixture fixture = new();
        BackupRepository repository = await fixture.OpenAsync();
        await repository.CreateAsync(await fixture.RequestAsync("first"), Token);
        Directory.Move(Path.Combine(fixture.Store.RootPath, "backups", "first"), Path.Combine(fixture.Store.RootPath, "backups", "renamed"));
        Assert.Equal("backup-damaged", (await Assert.ThrowsAsync<CorruptionException>(
            () => repository.VerifyAsync("renamed", readData: false, null, Token))).Id);
    }

    [Fact]
    public async Task An_encrypted_repository_shows_nothing_of_what_is_in_it()
    {
        using BackupFixture fixture = new("pachyderm-1.4.8-objstore", "object-store-before-compaction.tar.gz");
        BackupRepository repository = await fixture.OpenAsync(Passphrase);
        await repository.CreateAsync(await fixture.RequestAsync("first"), Token);
        byte[][] secrets =
        [
            "pachyderm_pfs"u8.ToArray(), "master"u8.ToArray(), "commits"u8.ToArray(), "genuine"u8.ToArray(), "etcd.snap"u8.ToArray(),
            Encoding.UTF8.GetBytes(Passphrase), Encoding.UTF8.GetBytes(fixture.Content.Root),
            .. Directory.GetFiles(Path.Combine(fixture.Content.Root, "object")).Take(20).Select(path => Encoding.UTF8.GetBytes(Path.GetFileName(path)[..24])),
            .. Directory.GetFiles(Path.Combine(fixture.Content.Root, "tag")).Take(20).Select(path => Encoding.UTF8.GetBytes(Path.GetFileName(path)[..24])),
            .. Directory.GetFiles(Path.Combine(fixture.Content.Root, "block")).Select(File.ReadAllBytes).Where(bytes => bytes.Length > 40).Take(50).Select(bytes => bytes[..24]),
        ];
        foreach (string path in fixture.RepositoryFiles())
        {
            byte[] bytes = await File.ReadAllBytesAsync(path, Token);
            byte[] name = Encoding.UTF8.GetBytes(path[fixture.Store.RootPath.Length..]);
            Assert.All(secrets, secret => Assert.True(bytes.AsSpan().IndexOf(secret) < 0 && name.AsSpan().IndexOf(secret) < 0, $"{path} shows {Encoding.Latin1.GetString(secret)}"));
        }
    }

    [Fact]
    public async Task A_wrong_or_missing_passphrase_is_one_clear_line()
    {
        using BackupFixture fixture = new();
        await fixture.OpenAsync(Passphrase);
        OperatorException wrong = await Assert.ThrowsAsync<OperatorException>(() => fixture.OpenAsync("another"));
        Assert.Equal("wrong-passphrase", wrong.Id);
        Assert.DoesNotContain("another", wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', wrong.Message);
        Assert.Equal("passphrase-needed", (await Assert.ThrowsAsync<OperatorException>(() => fixture.OpenAsync())).Id);

        LocalObjectStore clear = new(fixture["clear"]);
        await fixture.OpenAsync(store: clear);
        Assert.Equal("backup-not-encrypted", (await Assert.ThrowsAsync<OperatorException>(() => fixture.OpenAsync(Passphrase, clear))).Id);
        Assert.Equal("passphrase-needed", (await Assert.ThrowsAsync<OperatorException>(() => fixture.OpenAsync("", new LocalObjectStore(fixture["none"])))).Id);
    }

    [Fact]
    public async Task Frames_cannot_be_cut_off_swapped_repeated_or_moved_to_another_name()
    {
        using BackupFixture fixture = new();
        byte[] key = new byte[32];
        RepositoryStore store = new(fixture.Store, key);
        byte[] content = new byte[(SealedFormat.FrameBytes * 3) + 100];
        new Random(1).NextBytes(content);
        await store.PutAsync("a", new MemoryStream(content), overwrite: false, Token);
        Assert.Equal(content, await store.ReadAsync("a", content.Length, Token));
        string path = Path.Combine(fixture.Store.RootPath, "a");
        byte[] sound = await File.ReadAllBytesAsync(path, Token);
        Assert.Equal(SealedFormat.SealedSize(content.Length), sound.Length);
        Range Frame(int i) => (SealedFormat.HeaderBytes + (i * SealedFormat.SealedFrameBytes))..(SealedFormat.HeaderBytes + ((i + 1) * SealedFormat.SealedFrameBytes));
        byte[] header = sound[..SealedFormat.HeaderBytes];
        byte[] last = sound[^(100 + SealedFormat.TagBytes)..];

        await AssertRefusedAsync([]);
        await AssertRefusedAsync(header);
        await AssertRefusedAsync(sound[..(header.Length / 2)]);
        await AssertRefusedAsync([.. header, .. sound[Frame(0)]]);
        await AssertRefusedAsync([.. header, .. sound[Frame(0)], .. sound[Frame(1)], .. sound[Frame(2)]]);
        await AssertRefusedAsync(sound[..^1]);
        await AssertRefusedAsync([.. sound, 0]);
        await AssertRefusedAsync([.. header, .. sound[Frame(1)], .. sound[Frame(0)], .. sound[Frame(2)], .. last]);
        await AssertRefusedAsync([.. header, .. sound[Frame(0)], .. sound[Frame(0)], .. sound[Frame(2)], .. last]);
        await AssertRefusedAsync([.. header, .. last]);
        File.Move(path, path + "b");
        Assert.Equal("backup-damaged", (await Assert.ThrowsAsync<CorruptionException>(() => store.ReadAsync("ab", content.Length, Token))).Id);

        async Task AssertRefusedAsync(byte[] bytes)
        {
            await File.WriteAllBytesAsync(path, bytes, Token);
            Assert.Equal("backup-damaged", (await Assert.ThrowsAsync<CorruptionException>(() => store.ReadAsync("a", content.Length, Token))).Id);
            await File.WriteAllBytesAsync(path, sound, Token);
        }
    }

    [Fact]
    public void Sealing_and_unsealing_gives_the_same_bytes_from_every_offset() =>
        Gen.Select(Gen.Int[0, 200_000], Gen.Int[0, 200_000]).Sample(
            (size, offset) =>
            {
                using BackupFixtureStore fixture = new();
                return fixture.RoundTripsAsync(size, Math.Min(offset, size)).GetAwaiter().GetResult();
            },
            iter: 60);

    [Fact]
    public async Task A_list_that_leads_out_of_the_root_is_refused()
    {
        foreach (string path in (string[])["../etc/passwd", "/etc/passwd", "object/../../x", "etc/passwd", "object", "tag/a\0b", "", "object/nohash"])
        {
            await AssertRefusedAsync(new ContentRecord(ContentRecordKind.Object, path, 1, default));
        }

        await AssertRefusedAsync(Tag("tag/b"), Tag("tag/a"));
        await AssertRefusedAsync(Tag("tag/a"), Tag("tag/a"));

        static ContentRecord Tag(string path) => new(ContentRecordKind.Inline, path, 1, new byte[] { 1 });

        static async Task AssertRefusedAsync(params ContentRecord[] records) =>
            Assert.Equal("backup-damaged", (await Assert.ThrowsAsync<CorruptionException>(() => ReadAsync(Write(records)))).Id);
    }

    [Fact]
    public async Task A_list_is_refused_when_it_is_cut_off_or_has_more_behind_its_end()
    {
        ContentRecord[] records = [new(ContentRecordKind.Inline, "tag/a", 2, new byte[] { 1, 2 }), new(ContentRecordKind.Link, "tag/b", 0, "/x"u8.ToArray())];
        byte[] sound = Write(records);
        Assert.Equal(2, (await ReadAsync(sound)).Count);
        for (int length = 0; length < sound.Length; length++)
        {
            await Assert.ThrowsAsync<CorruptionException>(() => ReadAsync(sound[..length]));
        }

        await Assert.ThrowsAsync<CorruptionException>(() => ReadAsync([.. sound, 0]));
        await Assert.ThrowsAsync<CorruptionException>(() => ReadAsync([.. sound, .. sound]));
    }

    [Fact]
    public void Any_bytes_as_a_list_are_refused_and_nothing_else_is_thrown() =>
        Gen.Byte[0, 9].Array[0, 60].Sample(bytes =>
        {
            try
            {
                ReadAsync(bytes).GetAwaiter().GetResult();
            }
            catch (CorruptionException)
            {
                return true;
            }

            // The only list without a record is the end record with a count of zero.
            return bytes.Length == ContentRecord.HeaderBytes && bytes.All(value => value == 0);
        });

    [Fact]
    public void The_bytes_of_a_list_are_those_of_format_1()
    {
        byte[] list = Write([new(ContentRecordKind.Inline, "tag/a", 2, new byte[] { 0xaa, 0xbb }), new(ContentRecordKind.Link, "tag/b", 0, "/x"u8.ToArray())]);
        Assert.Equal(
            "0305000200" + "0200000000000000" + "7461672f61" + "aabb"
            + "0505000200" + "0000000000000000" + "7461672f62" + "2f78"
            + "0000000000" + "0200000000000000",
            Convert.ToHexStringLower(list));
    }

    [Fact]
    public void The_bytes_of_a_manifest_are_those_of_format_1()
    {
        BackupManifest manifest = new(
            RepositoryHeader.FormatName, 1, 1, "n", new string('c', 32), DateTimeOffset.UnixEpoch, "s",
            new MetadataPart("etcd", 7, null, 5, "ab"),
            new ContentPart("/pach", Formats.Content.LayoutKind.Cloud, ["block"], 1, 2, 3, 4, 5, "cd", [], []),
            6);
        string text = Encoding.UTF8.GetString(manifest.Serialize());
        Assert.Equal(
            """
            {
              "format": "pachyderm-backup",
              "version": 1,
              "minReader": 1,
              "name": "n",
              "claim": "cccccccccccccccccccccccccccccccc",
              "created": "1970-01-01T00:00:00+00:00",
              "source": "s",
              "metadata": {
                "location": "etcd",
                "revision": 7,
                "records": null,
                "bytes": 5,
                "sha256": "ab"
              },
              "content": {
                "location": "/pach",
                "layout": "Cloud",
                "directories": [
                  "block"
                ],
                "files": 1,
                "links": 2,
                "bytes": 3,
                "newBytes": 4,
                "listBytes": 5,
                "listSha256": "cd",
                "leftOut": [],
                "damaged": []
              },
              "referencesChecked": 6
            }

            """.ReplaceLineEndings("\n"),
            text[..text.IndexOf("sha256:", StringComparison.Ordinal)]);
        Assert.Equal(manifest.Serialize(), BackupManifest.Parse(manifest.Serialize(), "manifest").Serialize());
    }

    [Fact]
    public void A_sealed_stream_of_format_1_is_still_read()
    {
        byte[] sealedBytes = Convert.FromHexString(GoldenSealed);
        byte[] key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
        using SealedFormat.FrameCipher cipher = SealedFormat.OpenCipher(key, sealedBytes.AsSpan(0, SealedFormat.HeaderBytes), "golden", "golden");
        byte[] plain = new byte[9];
        cipher.Unseal(0, last: true, sealedBytes.AsSpan(SealedFormat.HeaderBytes), plain);
        Assert.Equal("plaintext", Encoding.ASCII.GetString(plain));
    }

    private static byte[] Write(ContentRecord[] records)
    {
        ArrayBufferWriter<byte> bytes = new();
        foreach (ContentRecord record in records)
        {
            record.Write(bytes);
        }

        ContentRecord.EndOf(records.Length).Write(bytes);
        return bytes.WrittenSpan.ToArray();
    }

    private static async Task<List<ContentRecord>> ReadAsync(byte[] list) =>
        await ContentRecordReader.ReadAsync(new MemoryStream(list), "list", isData: false, CancellationToken.None).ToListAsync();

    private static async Task<bool> IsDamagedAsync(BackupRepository repository)
    {
        try
        {
            return !(await repository.VerifyAsync("first", readData: true, null, Token)).IsSound;
        }
        catch (CorruptionException)
        {
            return true;
        }
    }

    private sealed class BackupFixtureStore : IDisposable
    {
        private readonly ObjectStores.Tests.TemporaryDirectory _directory = new();

        public async Task<bool> RoundTripsAsync(int size, int offset)
        {
            RepositoryStore store = new(new LocalObjectStore(_directory.Path), new byte[32]);
            byte[] content = new byte[size];
            new Random(size).NextBytes(content);
            await store.PutAsync("k", new MemoryStream(content), overwrite: false, CancellationToken.None);
            await using Stream stream = (await store.OpenAsync("k", offset, CancellationToken.None))!;
            using MemoryStream read = new();
            await stream.CopyToAsync(read);
            return read.ToArray().AsSpan().SequenceEqual(content.AsSpan(offset)) && await store.GetSizeAsync("k", CancellationToken.None) == size;
        }

        public void Dispose() => _directory.Dispose();
    }
}
