using System.Buffers;
using System.Security.Cryptography;
using Google.Protobuf;
using Pachyderm.Chunking;
using Pachyderm.Wire.Native;

namespace Pachyderm.Client.Transport;

/// <summary>
/// A piece of a file on its way to the server: bytes, and the chunks that they are if the server is to be asked for them.
/// </summary>
/// <param name="buffer">A buffer of the shared pool, which goes back with this.</param>
/// <param name="length">Bytes of the file in it.</param>
internal sealed class ContentWindow(byte[] buffer, int length) : IDisposable
{
    private readonly List<Task<byte[]>> _hashes = [];

    /// <summary>The bytes.</summary>
    public ReadOnlyMemory<byte> Content => buffer.AsMemory(0, length);

    /// <summary>Length of each chunk; empty if the server is not asked.</summary>
    public List<int> Chunks { get; } = [];

    /// <summary>Adds the chunk that follows those added before, and begins to hash it.</summary>
    public void AddChunk(int start, int count)
    {
        Chunks.Add(count);
        _hashes.Add(Task.Run(() => SHA256.HashData(buffer.AsSpan(start, count))));
    }

    /// <summary>The names of the chunks.</summary>
    public async Task<ChunkNames> NameAsync()
    {
        ChunkNames names = new();
        byte[] hashes = new byte[Chunks.Count * SHA256.HashSizeInBytes];
        for (int index = 0; index < Chunks.Count; index++)
        {
            (await _hashes[index]).CopyTo(hashes, index * SHA256.HashSizeInBytes);
            names.Lengths.Add((uint)Chunks[index]);
        }

        names.Hashes = UnsafeByteOperations.UnsafeWrap(hashes);
        return names;
    }

    /// <summary>The runs of bytes that the server wants.</summary>
    /// <param name="known">Its answer: for each chunk whether it has it.</param>
    public IEnumerable<ReadOnlyMemory<byte>> Wanted(ReadOnlyMemory<byte> known)
    {
        int start = 0;
        int position = 0;
        for (int index = 0; index < Chunks.Count; index++)
        {
            if (known.Span[index] != 0)
            {
                if (position > start)
                {
                    yield return Content[start..position];
                }

                start = position + Chunks[index];
            }

            position += Chunks[index];
        }

        if (position > start)
        {
            yield return Content[start..position];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // What is still being hashed reads from the buffer, which is then left to the garbage collector.
        if (_hashes.TrueForAll(static hash => hash.IsCompleted))
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

/// <summary>Reads a file in windows, cut where the server would cut it.</summary>
/// <param name="content">The file.</param>
internal sealed class WindowReader(Stream content)
{
    private const int WindowSize = 8 << 20;

    private byte[] _rest = [];
    private bool _ended;

    /// <summary>The next window; null behind the end.</summary>
    /// <param name="named">Whether the server is to be asked for its chunks.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<ContentWindow?> ReadAsync(bool named, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(WindowSize);
        _rest.CopyTo(buffer, 0);
        int length = _rest.Length;
        _rest = [];
        if (!_ended)
        {
            length += await content.ReadAtLeastAsync(
                buffer.AsMemory(length, WindowSize - length), WindowSize - length, throwOnEndOfStream: false, cancellationToken);
            _ended = length < WindowSize;
        }

        if (length == 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            return null;
        }

        return named ? Cut(buffer, length) : new ContentWindow(buffer, length);
    }

    private ContentWindow Cut(byte[] buffer, int length)
    {
        List<(int Start, int Count)> chunks = [];
        int start = 0;
        Chunker chunker = default;
        for (int position = 0; position < length;)
        {
            position += chunker.Take(buffer.AsSpan(position, length - position), out bool isEnd);
            if (isEnd || (position == length && _ended))
            {
                chunks.Add((start, position - start));
                start = position;
            }
        }

        // A window is four times as long as the longest chunk, so it has one at least.
        _rest = buffer.AsSpan(start, length - start).ToArray();
        ContentWindow window = new(buffer, start);
        foreach ((int at, int count) in chunks)
        {
            window.AddChunk(at, count);
        }

        return window;
    }
}
