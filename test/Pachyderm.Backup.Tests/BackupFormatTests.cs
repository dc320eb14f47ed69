using System.Buffers;
using System.Text;
using System.Text.Json;
using Pachyderm.Formats.Content;
using Pachyderm.TestSupport;

namespace Pachyderm.Backup.Tests;

/// <summary>What a repository of backups holds does not change without a new number. See <see cref="GoldenFormat"/>; sealed streams are in <see cref="DamageTests"/>.</summary>
public sealed class BackupFormatTests
{
    private static readonly GoldenFormat Repository = new(
        "Pachyderm.Backup.Tests", "repository", RepositoryHeader.CurrentVersion, "RepositoryHeader.CurrentVersion");

    private static readonly GoldenFormat Manifests = new(
        "Pachyderm.Backup.Tests", "manifest", BackupManifest.StoreVersion, "BackupManifest.StoreVersion");

    private static readonly DateTimeOffset Time = new(2021, 2, 3, 4, 5, 6, TimeSpan.Zero);

    private static readonly string Digest = new('a', 64);

    private static readonly RepositoryHeader Header = new(
        RepositoryHeader.FormatName, RepositoryHeader.CurrentVersion, 1, "0123456789abcdef", Time,
        new KeyWrapping("PBKDF2-HMAC-SHA256", 600_000, [1, 2], "AES-256-GCM", [3, 4], [5, 6]));

    private static readonly BackupManifest OfCluster = new(
        RepositoryHeader.FormatName, BackupManifest.ClusterVersion, BackupManifest.ClusterVersion, "name", new string('c', 32), Time, "source",
        new MetadataPart("snapshot", 7, 8, 9, Digest),
        new ContentPart("storage", LayoutKind.Cloud, ["block", "object"], 1, 2, 3, 4, 5, Digest, ["out"], ["damaged"]),
        ReferencesChecked: 6);

    private static readonly BackupManifest OfStore = new(
        RepositoryHeader.FormatName, BackupManifest.StoreVersion, BackupManifest.StoreVersion, "name", new string('c', 32), Time, "source",
        new MetadataPart("metadata.db", 0, null, 9, Digest), Content: null, ReferencesChecked: null,
        new StorePart("data", 2, "id", 1, 2, 3, 4, 5, Digest, ["damaged"], [new AdoptedPart("cluster", 6, 7)]));

    [Fact]
    public void The_fields_of_header_and_claim_are_those_of_the_golden_file() =>
        Repository.HasShape(JsonShape.Of(BackupJson.Default.RepositoryHeader, BackupJson.Default.BackupClaim));

    [Fact]
    public void The_fields_of_a_manifest_are_those_of_the_golden_file() =>
        Manifests.HasShape(JsonShape.Of(BackupJson.Default.BackupManifest) + JsonShape.Of(typeof(ContentRecordKind)));

    [Fact]
    public void The_header_of_a_repository_has_its_golden_bytes()
    {
        Repository.Holds("repository.json", JsonSerializer.SerializeToUtf8Bytes(Header, BackupJson.Default.RepositoryHeader));
        Assert.All(Repository.OfEveryFormat("repository.json"), static bytes =>
        {
            RepositoryHeader read = RepositoryHeader.Parse(bytes, "");
            Assert.Equal(Header with { Encryption = null }, read with { Encryption = null });
            Assert.Equivalent(Header.Encryption, read.Encryption, strict: true);
        });
    }

    [Fact]
    public void A_claim_has_its_golden_bytes()
    {
        BackupClaim claim = new(new string('c', 32), "host", 4711, Time, Time.AddSeconds(1));
        Repository.Holds("claim.json", JsonSerializer.SerializeToUtf8Bytes(claim, BackupJson.Default.BackupClaim));
        Assert.All(
            Repository.OfEveryFormat("claim.json"),
            bytes => Assert.Equal(claim, JsonSerializer.Deserialize(bytes, BackupJson.Default.BackupClaim)));
    }

    [Fact]
    public void The_manifests_of_both_kinds_have_their_golden_bytes()
    {
        Manifests.Holds("cluster.txt", OfCluster.Serialize());
        Manifests.Holds("store.txt", OfStore.Serialize());
        Assert.Equivalent(OfCluster, BackupManifest.Parse(Manifests.OfThisFormat("cluster.txt"), ""), strict: true);
        Assert.Equivalent(OfStore, BackupManifest.Parse(Manifests.OfThisFormat("store.txt"), ""), strict: true);
    }

    [Fact]
    public void The_records_of_a_list_of_files_have_their_golden_bytes()
    {
        ContentRecord[] records =
        [
            new(ContentRecordKind.Object, "object/a", 1, default),
            new(ContentRecordKind.Block, "block/\u00e9", 2, new byte[32]),
            new(ContentRecordKind.Inline, "inline", 3, "abc"u8.ToArray()),
            new(ContentRecordKind.Blob, "blob", 1L << 40, Enumerable.Repeat((byte)7, 32).ToArray()),
            new(ContentRecordKind.Link, "link", 0, Encoding.UTF8.GetBytes("target")),
            new(ContentRecordKind.Pack, "pack", 5, new byte[32]),
            ContentRecord.EndOf(6),
        ];
        ArrayBufferWriter<byte> written = new();
        foreach (ContentRecord record in records)
        {
            record.Write(written);
        }

        Manifests.Holds("list.bin", written.WrittenSpan);
        ReadOnlySpan<byte> rest = Manifests.OfThisFormat("list.bin");
        foreach (ContentRecord expected in records)
        {
            rest = rest[ContentRecord.TryRead(rest, "", out ContentRecord read)..];
            Assert.Equal((expected.Kind, expected.Path, expected.SizeBytes), (read.Kind, read.Path, read.SizeBytes));
            Assert.Equal(expected.Data.ToArray(), read.Data.ToArray());
        }

        Assert.True(rest.IsEmpty);
    }
}
