using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Security.Cryptography;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Adoption;

/// <summary>
/// The SHA-256 of each slice of objects that are longer than a chunk, whose own names say nothing of a part. Who reads such an object for
/// the first time waits until all of it was compared with its SHA-512, in memory of a few slices; what is learnt is kept beside the chunk
/// index. Derived data: what is lost of it is read again.
/// </summary>
/// <param name="options">The store's settings.</param>
/// <param name="reader">Reads the objects.</param>
internal sealed class SliceDigests(PackStoreOptions options, AdoptedReader reader) : IAsyncDisposable
{
    // Digests of 8 GiB of objects per MiB.
    private const long CacheBytes = 32L << 20;
    private const int HeaderLength = 96;
    private const ushort Version = 1;
    private const string DirectoryName = "slices";

    private readonly Lock _gate = new();
    private readonly Dictionary<ChunkId, LinkedListNode<(ChunkId Id, byte[] Digests)>> _cache = [];
    private readonly LinkedList<(ChunkId Id, byte[] Digests)> _byUse = new();
    private readonly Dictionary<ChunkId, Task<byte[]>> _running = [];
    private readonly CancellationTokenSource _stop = new();
    private long _cachedBytes;

    private static ReadOnlySpan<byte> Magic => "PACHSLIC"u8;

    /// <summary>The SHA-256 of a slice, for which its object is read if nobody has done so before.</summary>
    /// <param name="reference">The slice.</param>
    /// <param name="cancellationToken">Ends the waiting; the reading goes on for the next one.</param>
    /// <exception cref="Pachyderm.Errors.OperatorException">The source is not configured, or cannot be read.</exception>
    /// <exception cref="Pachyderm.Errors.CorruptionException">The object is not what its name says.</exception>
    public async ValueTask<byte[]> GetAsync(AdoptedReference reference, CancellationToken cancellationToken)
    {
        byte[] digests = await GetAllAsync(reference, cancellationToken);
        int place = (int)(reference.SliceOffset / AdoptedChunks.SliceLength) * SHA256.HashSizeInBytes;
        return digests[place..(place + SHA256.HashSizeInBytes)];
    }

    /// <summary>Compares a whole object with its name, whether that was done before or not.</summary>
    /// <exception cref="Pachyderm.Errors.CorruptionException">It is not what its name says.</exception>
    public async Task VerifyAsync(AdoptedReference reference, CancellationToken cancellationToken) =>
        Remember(reference, await ComputeAsync(reference, cancellationToken));

    /// <summary>Removes everything.</summary>
    /// <exception cref="Pachyderm.Errors.OperatorException">The disk refuses.</exception>
    public void Clear()
    {
        lock (_gate)
        {
            _cache.Clear();
            _byUse.Clear();
            _cachedBytes = 0;
        }

        string path = Path.Combine(options.IndexDirectory, DirectoryName);
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // No long object was ever read.
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Task[] running;
        lock (_gate)
        {
            running = [.. _running.Values];
        }

        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private Task<byte[]> GetAllAsync(AdoptedReference reference, CancellationToken cancellationToken)
    {
        ChunkId id = new(reference.Sha512);
        Task<byte[]>? task;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
            if (_cache.TryGetValue(id, out LinkedListNode<(ChunkId Id, byte[] Digests)>? node))
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
                return Task.FromResult(node.Value.Digests);
            }

            if (!_running.TryGetValue(id, out task))
            {
                task = Task.Run(() => FindAsync(id, reference), CancellationToken.None);
                _running[id] = task;
            }
        }

        return task.WaitAsync(cancellationToken);
    }

    private async Task<byte[]> FindAsync(ChunkId id, AdoptedReference reference)
    {
        try
        {
            if (Load(id, reference) is { } kept)
            {
                Cache(id, kept);
                return kept;
            }

            byte[] digests = await ComputeAsync(reference, _stop.Token);
            Remember(reference, digests);
            return digests;
        }
        finally
        {
            lock (_gate)
            {
                _running.Remove(id);
            }
        }
    }

    private async Task<byte[]> ComputeAsync(AdoptedReference reference, CancellationToken cancellationToken)
    {
        // Before so much memory is taken for what may be a lie of a damaged pack.
        long size = (await reader.DescribeAsync(reference, cancellationToken)).SizeBytes;
        if (size < reference.Offset + reference.ObjectLength)
        {
            throw reader.TooShort(reference, size);
        }

        byte[] digests = new byte[AdoptedChunks.CountOf(reference.ObjectLength) * SHA256.HashSizeInBytes];
        using IncrementalHash whole = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        await using Stream content = await reader.OpenAsync(reference, reference.Offset, reference.ObjectLength, cancellationToken);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(AdoptedChunks.SliceLength);
        try
        {
            for (long offset = 0; offset < reference.ObjectLength; offset += AdoptedChunks.SliceLength)
            {
                Memory<byte> slice = buffer.AsMemory(0, AdoptedChunks.LengthAt(reference.ObjectLength, offset));
                int read = await reader.ReadFullyAsync(content, reference, slice, cancellationToken);
                if (read < slice.Length)
                {
                    throw reader.TooShort(reference, reference.Offset + offset + read);
                }

                int place = (int)(offset / AdoptedChunks.SliceLength) * SHA256.HashSizeInBytes;
                Task part = Task.Run(() => SHA256.HashData(slice.Span, digests.AsSpan(place)), CancellationToken.None);
                whole.AppendData(slice.Span);
                await part;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return whole.GetHashAndReset().AsSpan().SequenceEqual(reference.Sha512) ? digests : throw reader.Damaged(reference);
    }

    private void Remember(AdoptedReference reference, byte[] digests)
    {
        ChunkId id = new(reference.Sha512);
        Cache(id, digests);
        if (options.ReadOnly)
        {
            return;
        }

        string path = PathOf(id);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path + ".new", Encode(reference, digests));
            File.Move(path + ".new", path, overwrite: true);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            Pachyderm.Errors.OperatorException told = StorageErrors.Translate(exception, path);
            options.Report(new StorageFinding(
                told.Id, told.Thing, told.Problem, told.Remedy + "; until then long adopted objects are read twice after each start",
                Fixed: false));
        }
    }

    // Layout: magic 8, version 2, reserved 6, length of an object 8, of a slice 4, reserved 4, SHA-512 64; 32 for each slice; check 8.
    private static byte[] Encode(AdoptedReference reference, byte[] digests)
    {
        byte[] bytes = new byte[HeaderLength + digests.Length + sizeof(ulong)];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), Version);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), reference.ObjectLength);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(24), AdoptedChunks.SliceLength);
        reference.Sha512!.CopyTo(bytes, 32);
        digests.CopyTo(bytes, HeaderLength);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(^8), XxHash3.HashToUInt64(bytes.AsSpan(..^8)));
        return bytes;
    }

    // Null if there is nothing that can be used: it is then made again.
    private byte[]? Load(ChunkId id, AdoptedReference reference)
    {
        try
        {
            string path = PathOf(id);
            long expected = HeaderLength + (AdoptedChunks.CountOf(reference.ObjectLength) * SHA256.HashSizeInBytes) + sizeof(ulong);
            if (new FileInfo(path) is not { Exists: true } file || file.Length != expected)
            {
                return null;
            }

            byte[] bytes = File.ReadAllBytes(path);
            byte[] digests = bytes[HeaderLength..^8];
            return bytes.AsSpan().SequenceEqual(Encode(reference, digests)) ? digests : null;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, PathOf(id));
        }
    }

    private void Cache(ChunkId id, byte[] digests)
    {
        lock (_gate)
        {
            if (_cache.ContainsKey(id))
            {
                return;
            }

            _cache[id] = _byUse.AddFirst((id, digests));
            _cachedBytes += digests.Length;
            while (_cachedBytes > CacheBytes && _byUse.Count > 1)
            {
                LinkedListNode<(ChunkId Id, byte[] Digests)> oldest = _byUse.Last!;
                _byUse.Remove(oldest);
                _cache.Remove(oldest.Value.Id);
                _cachedBytes -= oldest.Value.Digests.Length;
            }
        }
    }

    private string PathOf(ChunkId id)
    {
        string name = id.ToString();
        return Path.Combine(options.IndexDirectory, DirectoryName, name[..2], name);
    }
}
