using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pachyderm.Errors;

namespace Pachyderm.Backup;

/// <summary>The first object of a repository, <c>repository.json</c>: its format, and how its key is wrapped if it is encrypted.</summary>
internal sealed record RepositoryHeader(
    string Format,
    int Version,
    int MinReader,
    string Id,
    DateTimeOffset Created,
    KeyWrapping? Encryption)
{
    public const string Key = "repository.json";
    public const string FormatName = "pachyderm-backup";
    public const int CurrentVersion = 1;
    public const int MaxBytes = 64 * 1024;

    public static RepositoryHeader Parse(byte[] json, string location)
    {
        RepositoryHeader? header;
        try
        {
            header = JsonSerializer.Deserialize(json, BackupJson.Default.RepositoryHeader);
        }
        catch (JsonException exception)
        {
            throw new CorruptionException(
                "backup-repository-damaged", $"{location}, {Key}", "it cannot be read",
                "restore this file; without it the backups cannot be opened", exception);
        }

        if (header is not { Format: FormatName, Id.Length: > 0 and < 200 })
        {
            throw new OperatorException(
                "backup-repository-foreign", $"{location}, {Key}", "it is not the header of a backup repository",
                "give a directory of backups or an empty one");
        }

        BackupFormat.CheckReader(header.Version, header.MinReader, CurrentVersion, location);
        return header;
    }
}

/// <summary>A random key, encrypted with AES-256-GCM under a key that PBKDF2 makes from a passphrase. All byte strings in base64.</summary>
internal sealed record KeyWrapping(string Kdf, int Iterations, byte[] Salt, string Cipher, byte[] Nonce, byte[] WrappedKey)
{
    private const string KdfName = "PBKDF2-HMAC-SHA256";
    private const string CipherName = "AES-256-GCM";
    private const int MinIterations = 600_000;
    private const int MaxIterations = 100_000_000;
    private const int SaltBytes = 32;
    private const int NonceBytes = 12;
    private const int KeyBytes = 32;
    private const int TagBytes = 16;

    public static KeyWrapping Wrap(ReadOnlySpan<byte> key, string passphrase, string repositoryId)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(SaltBytes);
        byte[] nonce = RandomNumberGenerator.GetBytes(NonceBytes);
        byte[] wrapped = new byte[KeyBytes + TagBytes];
        byte[] kek = Rfc2898DeriveBytes.Pbkdf2(passphrase, salt, MinIterations, HashAlgorithmName.SHA256, KeyBytes);
        using AesGcm aes = new(kek, TagBytes);
        aes.Encrypt(nonce, key, wrapped.AsSpan(0, KeyBytes), wrapped.AsSpan(KeyBytes), Encoding.UTF8.GetBytes(repositoryId));
        CryptographicOperations.ZeroMemory(kek);
        return new KeyWrapping(KdfName, MinIterations, salt, CipherName, nonce, wrapped);
    }

    public byte[] Unwrap(string passphrase, string repositoryId, string location)
    {
        if (Kdf is not KdfName || Cipher is not CipherName || Iterations is < MinIterations or > MaxIterations

                || Salt is not { Length: SaltBytes }
                || Nonce is not { Length: NonceBytes }
                || WrappedKey is not { Length: KeyBytes + TagBytes })
        {
            throw new CorruptionException(
                "backup-repository-damaged", $"{location}, {RepositoryHeader.Key}", "its key is not wrapped as this format wraps keys",
                "restore this file");
        }

        byte[] kek = Rfc2898DeriveBytes.Pbkdf2(passphrase, Salt, Iterations, HashAlgorithmName.SHA256, KeyBytes);
        byte[] key = new byte[KeyBytes];
        using AesGcm aes = new(kek, TagBytes);
        try
        {
            aes.Decrypt(Nonce, WrappedKey.AsSpan(0, KeyBytes), WrappedKey.AsSpan(KeyBytes), key, Encoding.UTF8.GetBytes(repositoryId));
            return key;
        }
        catch (AuthenticationTagMismatchException exception)
        {
            throw new OperatorException(
                "wrong-passphrase", location, "the passphrase is wrong", "give the passphrase that the repository was created with",
                exception);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(kek);
        }
    }
}

/// <summary>The rule for versions of the format, the same for a repository and a manifest.</summary>
internal static class BackupFormat
{
    public static void CheckReader(int version, int minReader, int known, string thing)
    {
        if (version < 1 || minReader < 1 || minReader > known)
        {
            throw new OperatorException(
                "backup-format-unknown",
                thing,
                $"it has backup format {version}, readable from format {minReader} on, and this release knows {known}",
                "use the release that wrote it, or a later one");
        }
    }
}

/// <summary>How the documents of a repository are written as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(RepositoryHeader))]
[JsonSerializable(typeof(BackupManifest))]
[JsonSerializable(typeof(BackupClaim))]
internal sealed partial class BackupJson : JsonSerializerContext;
