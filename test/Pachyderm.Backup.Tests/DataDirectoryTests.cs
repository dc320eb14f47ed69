using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Pachyderm.Backup.Native;
using Pachyderm.Errors;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores;
using Pachyderm.ObjectStores.Tests;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Backup.Tests;

/// <summary>Backups of a data directory, without the processes around it: EndToEnd.Tests has those.</summary>
public sealed class DataDirectoryTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Data => _directory["data"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task An_open_store_is_backed_up_and_restored_with_what_is_sealed_and_what_is_not()
    {
        await using PackChunkStore chunks = await OpenChunksAsync();
        ChunkId stored = await PutAsync(chunks, 1);
        await chunks.SealAsync(Token);
        ChunkId spooled = await PutAsync(chunks, 2);
        await using SqliteMetadataStore metadata = await OpenMetadataAsync();
        await metadata.WriteAsync(
            static writer =>
            {
                writer.PutTag(new Metadata.TagRecord("tag", "hash"));
                return 0;
            },
            Token);
        BackupRepository repository = await OpenRepositoryAsync();

        BackupSummary summary = await repository.CreateAsync(Request(), Token);

        Assert.Equal((3, 2, true), (summary.Files, summary.StoreFormat, (await repository.VerifyAsync(summary.Name, readData: true, null, Token)).IsSound));
        string target = _directory["restored"];
        await repository.RestoreAsync(summary.Name, new RestoreTarget(null, null, target), null, Token);
        await using SqliteMetadataStore records = await SqliteMetadataStore.OpenAsync(
            new SqliteMetadataOptions { Path = Path.Combine(target, "metadata.db") }, Token);
        Assert.Equal("hash", (await records.ReadAsync(static reader => reader.FindTag("tag"), Token))?.ObjectHash);
        await using PackChunkStore read = await OpenChunksAsync(target);
        Assert.Equal(Content(1), await ReadAsync(read, stored));
        Assert.Equal(Content(2), await ReadAsync(read, spooled));
    }

    [Fact]
    public async Task A_damaged_pack_stops_the_backup_and_is_named_unless_it_is_accepted()
    {
        await MakeStoreAsync();
        string pack = Assert.Single(Directory.GetFiles(Path.Combine(Data, "objects"), "*", SearchOption.AllDirectories));
        byte[] bytes = await File.ReadAllBytesAsync(pack, Token);
        bytes[1_000] ^= 4;
        await File.WriteAllBytesAsync(pack, bytes, Token);
        BackupRepository repository = await OpenRepositoryAsync();

        CorruptionException refused = await Assert.ThrowsAsync<CorruptionException>(() => repository.CreateAsync(Request(), Token));

        Assert.Equal(("pack-damaged", pack), (refused.Id, refused.Thing));
        BackupSummary accepted = await repository.CreateAsync(Request() with { AcceptDamaged = true }, Token);
        Assert.EndsWith(Path.GetFileName(pack), Assert.Single(accepted.Damaged), StringComparison.Ordinal);
        await repository.RestoreAsync(accepted.Name, new RestoreTarget(null, null, _directory["restored"]), null, Token);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(pack.Replace(Data, _directory["restored"], StringComparison.Ordinal), Token));

        // The sound pack, brought back by somebody, is stored although one of its name and size was.
        bytes[1_000] ^= 4;
        await File.WriteAllBytesAsync(pack, bytes, Token);
        BackupSummary sound = await repository.CreateAsync(Request(), Token);
        Assert.Equal(bytes.Length, sound.NewContentBytes);
    }

    [Fact]
    public async Task Content_in_an_older_store_is_refused_or_told_and_also_when_its_pack_is_known_already()
    {
        await MakeStoreAsync();
        byte[] old = Content(7);
        string hash = Convert.ToHexStringLower(SHA512.HashData(old));
        LocalObjectStore source = new(_directory["old"]);
        await source.PutAsync("object/" + hash, new MemoryStream(old), overwrite: false, Token);
        await using (PackChunkStore chunks = await OpenChunksAsync(Data, new AdoptionSource("old", source)))
        {
            await chunks.AdoptAsync("old", One(new AdoptedObject(hash, "object/" + hash, 0, old.Length), Token), Token);
        }

        BackupRepository repository = await OpenRepositoryAsync();

        OperatorException refused = await Assert.ThrowsAsync<OperatorException>(() => repository.CreateAsync(Request(), Token));
        Assert.Equal("adopted-content-elsewhere", refused.Id);
        for (int i = 0; i < 2; i++)
        {
            BackupSummary summary = await repository.CreateAsync(Request() with { WithoutAdopted = true }, Token);
            AdoptedPart part = Assert.Single(summary.Adopted);
            Assert.Equal(("old", (long)old.Length), (part.Source, part.Bytes));
        }

        static async IAsyncEnumerable<AdoptedObject> One(AdoptedObject item, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
            yield return item;
        }
    }

    [Fact]
    public async Task The_two_kinds_of_backups_are_not_taken_for_each_other()
    {
        await MakeStoreAsync();
        BackupRepository repository = await OpenRepositoryAsync();
        BackupSummary summary = await repository.CreateAsync(Request(), Token);

        Assert.Equal("backup-lacks-part", (await Assert.ThrowsAsync<OperatorException>(() =>
            repository.RestoreAsync(summary.Name, new RestoreTarget(null, _directory["etcd.snap"]), null, Token))).Id);
        Assert.Equal("backup-not-found", (await Assert.ThrowsAsync<OperatorException>(() =>
            repository.FindAtAsync(DateTimeOffset.MaxValue, wholeStores: false, Token))).Id);
        Assert.Equal(summary.Name, await repository.FindAtAsync(DateTimeOffset.MaxValue, wholeStores: true, Token));
    }

    [Theory]
    [InlineData("missing", "data-directory-missing")]
    [InlineData("empty", "data-directory-foreign")]
    public void What_is_no_data_directory_is_told_so(string name, string id)
    {
        Directory.CreateDirectory(_directory["empty"]);
        Assert.Equal(id, Assert.Throws<OperatorException>(() => DataDirectory.Open(_directory[name])).Id);
    }

    private static byte[] Content(int seed)
    {
        byte[] content = new byte[20_000];
        new Random(seed).NextBytes(content);
        return content;
    }

    private static async Task<byte[]> ReadAsync(PackChunkStore chunks, ChunkId id)
    {
        using ChunkBuffer buffer = await chunks.ReadAsync(id, Token);
        return buffer.Memory.ToArray();
    }

    private static async Task<ChunkId> PutAsync(PackChunkStore chunks, int seed)
    {
        using IChunkWriter writer = chunks.OpenWriter();
        ChunkId id = await writer.PutAsync(Content(seed), Token);
        await writer.FlushAsync(Token);
        return id;
    }

    private BackupRequest Request() => new() { Source = Data, Data = DataDirectory.Open(Data) };

    private Task<BackupRepository> OpenRepositoryAsync() =>
        BackupRepository.OpenOrCreateAsync(new LocalObjectStore(_directory["repository"]), null, null, Token);

    private async Task MakeStoreAsync()
    {
        await using PackChunkStore chunks = await OpenChunksAsync();
        await PutAsync(chunks, 1);
        await using SqliteMetadataStore metadata = await OpenMetadataAsync();
    }

    private Task<PackChunkStore> OpenChunksAsync() => OpenChunksAsync(Data);

    private static Task<PackChunkStore> OpenChunksAsync(string data, params AdoptionSource[] adopted) => PackChunkStore.OpenAsync(
        new PackStoreOptions
        {
            Objects = new LocalObjectStore(Path.Combine(data, "objects")),
            SpoolDirectory = Path.Combine(data, "spool"),
            IndexDirectory = Path.Combine(data, "index"),
            AdoptedFrom = adopted,
        },
        Token);

    private async Task<SqliteMetadataStore> OpenMetadataAsync()
    {
        await File.WriteAllTextAsync(Path.Combine(Data, "format.json"), "{\"format\": 1, \"min_reader\": 1}\n", Token);
        return await SqliteMetadataStore.OpenAsync(new SqliteMetadataOptions { Path = Path.Combine(Data, "metadata.db") }, Token);
    }
}
