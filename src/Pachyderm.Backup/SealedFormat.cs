using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Pachyderm.Errors;

namespace Pachyderm.Backup;

/// <summary>
/// How an encrypted stream is laid out: a header (8 bytes of magic with the version, 8 reserved bytes that are zero, 32 random bytes),
/// then frames of <see cref="FrameBytes"/> bytes of plaintext each, encrypted with AES-256-GCM and followed by its tag of 16 bytes. The
/// last frame is the only one that may be shorter, and is there even if it is empty. Key and nonce prefix of a stream come from the
/// repository's key, the random bytes and the name of the stream by HKDF-SHA256, so that no two streams share a key and none can stand
/// in for another. The nonce is the prefix and the frame's number; number and whether it is the last are authenticated, so that frames
/// can be neither swapped nor cut off.
/// </summary>
internal static class SealedFormat
{
    public const int FrameBytes = 64 * 1024;
    public const int TagBytes = 16;
    public const int SealedFrameBytes = FrameBytes + TagBytes;
    public const int HeaderBytes = 48;

    private const int SaltOffset = 16;
    private const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int PrefixBytes = 8;

    private static ReadOnlySpan<byte> Magic => "PACHSEA1"u8;

    /// <summary>Size of a sealed stream whose plaintext has <paramref name="plainBytes"/> bytes.</summary>
    public static long SealedSize(long plainBytes)
    {
        long frames = Math.Max(1, (plainBytes + FrameBytes - 1) / FrameBytes);
        return HeaderBytes + plainBytes + (frames * TagBytes);
    }

    public static byte[] NewHeader()
    {
        byte[] header = new byte[HeaderBytes];
        Magic.CopyTo(header);
        RandomNumberGenerator.Fill(header.AsSpan(SaltOffset));
        return header;
    }

    public static FrameCipher OpenCipher(ReadOnlySpan<byte> repositoryKey, ReadOnlySpan<byte> header, string name, string thing)
    {
        if (header.Length != HeaderBytes
            || !header[..Magic.Length].SequenceEqual(Magic)
            || header[Magic.Length..SaltOffset].ContainsAnyExcept((byte)0))
        {
            throw Damaged(thing, "its header is not that of an encrypted stream");
        }

        Span<byte> material = stackalloc byte[KeyBytes + PrefixBytes];
        HKDF.DeriveKey(
            HashAlgorithmName.SHA256, repositoryKey, material, header[SaltOffset..],
            Encoding.UTF8.GetBytes("pachyderm-backup stream " + name));
        FrameCipher cipher = new(material[..KeyBytes], material[KeyBytes..], thing);
        CryptographicOperations.ZeroMemory(material);
        return cipher;
    }

    public static CorruptionException Damaged(string thing, string problem, Exception? inner = null) => new(
        "backup-damaged", thing, problem, "use another backup; this copy was changed or cut off", inner);

    /// <summary>Encrypts and decrypts the frames of one stream.</summary>
    internal sealed class FrameCipher : IDisposable
    {
        private readonly AesGcm _aes;
        private readonly byte[] _prefix;
        private readonly string _thing;

        public FrameCipher(ReadOnlySpan<byte> key, ReadOnlySpan<byte> prefix, string thing)
        {
            _aes = new AesGcm(key, TagBytes);
            _prefix = prefix.ToArray();
            _thing = thing;
        }

        public void Seal(long index, bool last, ReadOnlySpan<byte> plain, Span<byte> target)
        {
            Span<byte> nonce = stackalloc byte[NonceBytes];
            Span<byte> position = stackalloc byte[sizeof(long) + 1];
            Describe(index, last, nonce, position);
            _aes.Encrypt(nonce, plain, target[..plain.Length], target.Slice(plain.Length, TagBytes), position);
        }

        public void Unseal(long index, bool last, ReadOnlySpan<byte> frame, Span<byte> plain)
        {
            Span<byte> nonce = stackalloc byte[NonceBytes];
            Span<byte> position = stackalloc byte[sizeof(long) + 1];
            Describe(index, last, nonce, position);
            try
            {
                _aes.Decrypt(nonce, frame[..^TagBytes], frame[^TagBytes..], plain, position);
            }
            catch (AuthenticationTagMismatchException exception)
            {
                throw Damaged(
                    _thing, last ? $"it is cut off at, or damaged in, its frame {index}" : $"its frame {index} is damaged", exception);
            }
        }

        public void Dispose() => _aes.Dispose();

        private void Describe(long index, bool last, Span<byte> nonce, Span<byte> position)
        {
            // 2^32 frames are 256 TiB, more than any file system holds in one file.
            uint counter = checked((uint)index);
            _prefix.CopyTo(nonce);
            BinaryPrimitives.WriteUInt32BigEndian(nonce[PrefixBytes..], counter);
            BinaryPrimitives.WriteInt64BigEndian(position, index);
            position[^1] = last ? (byte)1 : (byte)0;
        }
    }
}
