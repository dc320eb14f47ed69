using System.Security.Cryptography;
using System.Text;
using Pachyderm.ObjectStores;

namespace Pachyderm.Backup;

/// <summary>
/// The objects of a repository: as they are, or sealed under the repository's key. In an encrypted repository the keys of content are
/// replaced by a keyed hash, since the hash of a content tells whether somebody has it.
/// </summary>
/// <param name="store">Where the objects are.</param>
/// <param name="repositoryKey">The key of 32 bytes, or null for a repository in the clear.</param>
internal sealed class RepositoryStore(IObjectStore store, byte[]? repositoryKey)
{
    private readonly byte[]? _nameKey = repositoryKey is null
        ? null
        : HKDF.DeriveKey(HashAlgorithmName.SHA256, repositoryKey, 32, info: "pachyderm-backup names"u8.ToArray());

    /// <summary>The store underneath.</summary>
    public IObjectStore Inner => store;

    /// <summary>Whether objects are sealed.</summary>
    public bool Encrypted => repositoryKey is not null;

    /// <summary>The key under which content is stored.</summary>
    public string ContentKey(string name)
    {
        if (_nameKey is null)
        {
            return "content/" + name;
        }

        string hidden = Convert.ToHexStringLower(HMACSHA256.HashData(_nameKey, Encoding.UTF8.GetBytes(name)));
        return $"content/{hidden[..2]}/{hidden}";
    }

    /// <summary>
    /// Size of an object's plaintext as its stored size tells it; null if it does not exist, -1 if the size is impossible.
    /// </summary>
    public async Task<long?> GetSizeAsync(string key, CancellationToken cancellationToken)
    {
        if (await store.GetPropertiesAsync(key, cancellationToken) is not { } properties)
        {
            return null;
        }

        if (!Encrypted)
        {
            return properties.SizeBytes;
        }

        long payload = properties.SizeBytes - SealedFormat.HeaderBytes;
        long frames = (payload + SealedFormat.SealedFrameBytes - 1) / SealedFormat.SealedFrameBytes;
        long plain = payload - (frames * SealedFormat.TagBytes);
        return plain >= 0 && SealedFormat.SealedSize(plain) == properties.SizeBytes ? plain : -1;
    }

    /// <summary>Stores a plaintext.</summary>
    /// <returns>Whether it was written; false if the key exists and <paramref name="overwrite"/> is not set.</returns>
    public async Task<bool> PutAsync(string key, Stream plain, bool overwrite, CancellationToken cancellationToken)
    {
        if (repositoryKey is null)
        {
            return await store.PutAsync(key, plain, overwrite, cancellationToken);
        }

        await using SealingStream sealing = new(plain, repositoryKey, key);
        return await store.PutAsync(key, sealing, overwrite, cancellationToken);
    }

    /// <summary>Opens the plaintext from an offset to its end; null if the key does not exist.</summary>
    public async Task<Stream?> OpenAsync(string key, long offset, CancellationToken cancellationToken)
    {
        if (repositoryKey is null)
        {
            return await store.OpenReadAsync(key, offset, null, cancellationToken);
        }

        string thing = $"{store.Location}, {key}";
        long frame = offset / SealedFormat.FrameBytes;
        Stream? stored = await store.OpenReadAsync(key, 0, frame == 0 ? null : SealedFormat.HeaderBytes, cancellationToken);
        if (stored is null)
        {
            return null;
        }

        byte[] header = new byte[SealedFormat.HeaderBytes];
        UnsealingStream? unsealing = null;
        try
        {
            int read = await stored.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false, cancellationToken);
            SealedFormat.FrameCipher cipher = SealedFormat.OpenCipher(repositoryKey, header.AsSpan(0, read), key, thing);
            if (frame > 0)
            {
                await stored.DisposeAsync();
                stored = await store.OpenReadAsync(
                    key, SealedFormat.HeaderBytes + (frame * SealedFormat.SealedFrameBytes), null, cancellationToken);
                if (stored is null)
                {
                    cipher.Dispose();
                    return null;
                }
            }

            unsealing = new UnsealingStream(stored, cipher, frame, thing);
            stored = null;
            await SkipAsync(unsealing, (int)(offset % SealedFormat.FrameBytes), thing, cancellationToken);
            Stream result = unsealing;
            unsealing = null;
            return result;
        }
        finally
        {
            if (stored is not null)
            {
                await stored.DisposeAsync();
            }

            if (unsealing is not null)
            {
                await unsealing.DisposeAsync();
            }
        }
    }

    /// <summary>Reads a small plaintext whole; null if the key does not exist.</summary>
    public async Task<byte[]?> ReadAsync(string key, int maxBytes, CancellationToken cancellationToken)
    {
        await using Stream? stream = await OpenAsync(key, 0, cancellationToken);
        if (stream is null)
        {
            return null;
        }

        using MemoryStream content = new();
        byte[] buffer = new byte[16 * 1024];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellationToken)) > 0)
        {
            if (content.Length + read > maxBytes)
            {
                throw SealedFormat.Damaged($"{store.Location}, {key}", "it is too long");
            }

            content.Write(buffer, 0, read);
        }

        return content.ToArray();
    }

    private static async Task SkipAsync(UnsealingStream stream, int count, string thing, CancellationToken cancellationToken)
    {
        byte[] skipped = new byte[count];
        if (await stream.ReadAtLeastAsync(skipped, count, throwOnEndOfStream: false, cancellationToken) < count)
        {
            throw SealedFormat.Damaged(thing, "it is shorter than its size tells");
        }
    }
}
