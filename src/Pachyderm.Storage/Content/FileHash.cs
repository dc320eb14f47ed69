using System.Security.Cryptography;

namespace Pachyderm.Storage.Content;

/// <summary>
/// What identifies a small file: as in 1.5 (spec/storage.md section 3), the SHA-256 of the lower-case hexadecimal SHA-512 of its bytes.
/// So a file that is put again after an upgrade is known to pipelines that have processed it before.
/// </summary>
internal static class FileHash
{
    /// <summary>The hash of the file that has these bytes.</summary>
    internal static ChunkId Of(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[SHA512.HashSizeInBytes];
        SHA512.HashData(content, hash);
        Span<byte> text = stackalloc byte[2 * SHA512.HashSizeInBytes];
        Convert.TryToHexStringLower(hash, text, out _);
        return ChunkId.Of(text);
    }
}
