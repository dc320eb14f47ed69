using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pachyderm.Errors;
using Pachyderm.Formats.Content;

namespace Pachyderm.Backup;

/// <summary>
/// What a backup holds. Stored as JSON, followed by a line with the SHA-256 of that JSON; in an encrypted repository the whole is sealed.
/// It is written last: a backup without it does not exist.
/// </summary>
internal sealed record BackupManifest(
    string Format,
    int Version,
    int MinReader,
    string Name,
    string Claim,
    DateTimeOffset Created,
    string Source,
    MetadataPart? Metadata,
    ContentPart? Content,
    long? ReferencesChecked,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] StorePart? Store = null)
{
    /// <summary>Format of the manifest of a cluster of 1.4 or 1.5.</summary>
    public const int ClusterVersion = 1;

    /// <summary>Format of the manifest of a data directory of 3.0, which readers of the first do not understand.</summary>
    public const int StoreVersion = 2;

    public const int MaxBytes = 1024 * 1024;
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");
    private const int DigestLineBytes = 7 + 64 + 1;

    /// <summary>The list of files: how many records, their bytes, and its digest; null without one.</summary>
    [JsonIgnore]
    public (long Records, long Bytes, string Sha256)? List =>
        Store is { } store ? (store.Files, store.Bytes, store.ListSha256)
        : Content is { } content ? (content.Files + content.Links, content.Bytes, content.ListSha256)
        : null;

    public byte[] Serialize()
    {
        byte[] json = [.. JsonSerializer.SerializeToUtf8Bytes(this, BackupJson.Default.BackupManifest), (byte)'\n'];
        return [.. json, .. Encoding.ASCII.GetBytes($"sha256:{Convert.ToHexStringLower(SHA256.HashData(json))}\n")];
    }

    public static BackupManifest Parse(ReadOnlySpan<byte> bytes, string thing)
    {
        if (bytes.Length <= DigestLineBytes)
        {
            throw Damaged(thing, "it is cut off");
        }

        ReadOnlySpan<byte> json = bytes[..^DigestLineBytes];
        if (!bytes[^DigestLineBytes..].SequenceEqual(Encoding.ASCII.GetBytes($"sha256:{Convert.ToHexStringLower(SHA256.HashData(json))}\n")))
        {
            throw Damaged(thing, "its SHA-256 is wrong");
        }

        BackupManifest? manifest;
        try
        {
            manifest = JsonSerializer.Deserialize(json, BackupJson.Default.BackupManifest);
        }
        catch (JsonException exception)
        {
            throw Damaged(thing, "it is not the JSON of a manifest", exception);
        }

        if (manifest is not { Format: RepositoryHeader.FormatName, Name: not null, Source: not null, Claim.Length: 32 })
        {
            throw Damaged(thing, "it is not a manifest");
        }

        if (manifest.Claim.AsSpan().ContainsAnyExcept(HexDigits))
        {
            throw Damaged(thing, "the names of its parts are not of the allowed form");
        }

        BackupFormat.CheckReader(manifest.Version, manifest.MinReader, StoreVersion, thing);
        if (manifest.Metadata is { Sha256: null } or { Bytes: < 0 }
            || manifest.Content is { ListSha256: null } or { Directories: null } or { ListBytes: < 0 }
            || manifest.Store is { ListSha256: null } or { ListBytes: < 0 } or { Damaged: null } or { Adopted: null }
            || (manifest.Store is not null && (manifest.Metadata is null || manifest.Content is not null)))
        {
            throw Damaged(thing, "a part of it is missing");
        }

        return manifest;
    }

    private static CorruptionException Damaged(string thing, string problem, Exception? inner = null) => new(
        "backup-damaged", thing, problem, "use another backup", inner);
}

/// <summary>The metadata of a backup: an etcd snapshot, or the <c>metadata.db</c> of a data directory.</summary>
internal sealed record MetadataPart(string Location, long Revision, long? Records, long Bytes, string Sha256);

/// <summary>The content of a backup. The list of files is an object of its own.</summary>
internal sealed record ContentPart(
    string Location,
    LayoutKind Layout,
    IReadOnlyList<string> Directories,
    long Files,
    long Links,
    long Bytes,
    long NewBytes,
    long ListBytes,
    string ListSha256,
    IReadOnlyList<string> LeftOut,
    IReadOnlyList<string> Damaged);

/// <summary>The files of a data directory of 3.0, beside its metadata. Their list is an object of its own.</summary>
/// <param name="Location">The directory.</param>
/// <param name="Format">Format of the metadata store.</param>
/// <param name="StoreId">Identity of the store.</param>
/// <param name="Files">Files, packs mostly.</param>
/// <param name="Unsealed">Packs among them that were not sealed.</param>
/// <param name="Bytes">Size of all files.</param>
/// <param name="NewBytes">Bytes that no earlier backup had stored.</param>
/// <param name="ListBytes">Size of the list.</param>
/// <param name="ListSha256">Digest of the list.</param>
/// <param name="Damaged">Up to 20 packs that were damaged already.</param>
/// <param name="Adopted">What lies in older stores and is not in the backup.</param>
internal sealed record StorePart(
    string Location,
    int Format,
    string StoreId,
    long Files,
    long Unsealed,
    long Bytes,
    long NewBytes,
    long ListBytes,
    string ListSha256,
    IReadOnlyList<string> Damaged,
    IReadOnlyList<AdoptedPart> Adopted);
