using System.Buffers.Binary;
using System.Text.Json;
using Pachyderm.Errors;
using Pachyderm.Metadata;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Portable;

/// <summary>
/// Reads a stream into a cluster that serves. Chunks are stored as they come, and nobody sees them; records are put aside until the end of the
/// stream proves that it is whole. Then one transaction writes all of them, or none.
/// </summary>
/// <param name="metadata">The records.</param>
/// <param name="chunks">The content.</param>
/// <param name="workDirectory">Where records are put aside; what a killed process left there goes.</param>
public sealed class ClusterRestore(IMetadataStore metadata, PackChunkStore chunks, string workDirectory)
{
    private const long BatchBytes = 64L << 20;

    /// <summary>Reads a stream. Garbage collection waits meanwhile.</summary>
    /// <param name="source">The stream, read once to its end.</param>
    /// <param name="cancellationToken">Ends it; nothing is visible then.</param>
    /// <returns>What was written.</returns>
    /// <exception cref="CorruptionException"><c>stream-foreign</c>, <c>stream-damaged</c>; nothing was restored.</exception>
    /// <exception cref="OperatorException">
    /// <c>stream-format-unknown</c>; <c>restore-conflict</c> (the cluster has something else under the same name; the message names up to 20);
    /// a disk fails.
    /// </exception>
    public async Task<RestoreSummary> ReadAsync(Stream source, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        using IDisposable pause = await chunks.PauseMaintenanceAsync(cancellationToken);
        string path = Path.Combine(workDirectory, "records");
        try
        {
            DeleteWork();
            Directory.CreateDirectory(workDirectory);
            await using FileStream aside = new(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, bufferSize: 1 << 18);
            (long bytes, long count) = await ReceiveAsync(source, aside, cancellationToken);
            return await ApplyAsync(aside, bytes, count, cancellationToken);
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException or FormatException)
        {
            throw new CorruptionException("stream-damaged", "the stream", "a record in it is not of its form", "extract it again", exception);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception) && !cancellationToken.IsCancellationRequested)
        {
            throw StorageErrors.Translate(exception, workDirectory);
        }
        finally
        {
            DeleteWork();
        }
    }

    /// <summary>Reads the records that were put aside.</summary>
    internal static IEnumerable<(FrameKind Kind, ReadOnlyMemory<byte> Payload)> ReadAside(Stream aside)
    {
        aside.Position = 0;
        byte[] header = new byte[StreamFormat.FrameHeaderLength];
        byte[] payload = new byte[64 * 1024];
        while (aside.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) == header.Length)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(4));
            if (length > payload.Length)
            {
                payload = new byte[length];
            }

            aside.ReadExactly(payload, 0, length);
            yield return ((FrameKind)header[0], payload.AsMemory(0, length));
        }
    }

    private void DeleteWork()
    {
        if (Directory.Exists(workDirectory))
        {
            Directory.Delete(workDirectory, recursive: true);
        }
    }

    private async Task<(long Bytes, long Chunks)> ReceiveAsync(Stream source, Stream aside, CancellationToken cancellationToken)
    {
        using FrameReader frames = new(source);
        await frames.BeginAsync(cancellationToken);
        byte[] header = new byte[StreamFormat.FrameHeaderLength];
        long count = 0;
        long unflushed = 0;
        NamedChunkWriter named = chunks.OpenNamedWriter();
        IChunkWriter writer = chunks.OpenWriter();
        try
        {
            while (await frames.ReadAsync(cancellationToken))
            {
                if (frames.Kind is not (FrameKind.Chunk or FrameKind.NamedChunk))
                {
                    header[0] = (byte)frames.Kind;
                    BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), frames.Payload.Length);
                    await aside.WriteAsync(header, cancellationToken);
                    await aside.WriteAsync(frames.Payload, cancellationToken);
                    continue;
                }

                await (frames.Kind == FrameKind.Chunk ? PutAsync(writer, frames, cancellationToken) : PutAsync(named, frames, cancellationToken));
                count++;
                unflushed += frames.Payload.Length;
                if (unflushed >= BatchBytes)
                {
                    // A writer remembers what it was given. No collection begins meanwhile, so what it forgets stays all the same.
                    await writer.FlushAsync(cancellationToken);
                    writer.Dispose();
                    writer = chunks.OpenWriter();
                    unflushed = 0;
                }
            }

            await writer.FlushAsync(cancellationToken);
            await named.FlushAsync(cancellationToken);
            await aside.FlushAsync(cancellationToken);
            return (frames.Bytes, count);
        }
        finally
        {
            writer.Dispose();
        }
    }

    private static async Task PutAsync(IChunkWriter writer, FrameReader frames, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> payload = frames.Payload;
        if (payload.Length < ChunkId.Length
            || await writer.PutAsync(payload[ChunkId.Length..], cancellationToken) != new ChunkId(payload.Span[..ChunkId.Length]))
        {
            throw StreamFormat.Damaged(frames.Bytes, "a chunk before does not have its SHA-256");
        }
    }

    private static async Task PutAsync(NamedChunkWriter writer, FrameReader frames, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> payload = frames.Payload;
        int seal = payload.Length > ChunkId.Length ? payload.Span[ChunkId.Length] : 0;
        int start = ChunkId.Length + 1 + seal;
        if (payload.Length <= start)
        {
            throw StreamFormat.Damaged(frames.Bytes, "a chunk before is too short");
        }

        try
        {
            await writer.PutAsync(new ChunkId(payload.Span[..ChunkId.Length]), payload[(ChunkId.Length + 1)..start], payload[start..], cancellationToken);
        }
        catch (CorruptionException exception) when (exception.Id is "chunk-misnamed")
        {
            throw StreamFormat.Damaged(frames.Bytes, "a chunk before does not have the hash that is its name", exception);
        }
    }

    private Task<RestoreSummary> ApplyAsync(Stream aside, long bytes, long count, CancellationToken cancellationToken) => metadata.WriteAsync(
        writer =>
        {
            // May run twice, when a transaction that it shared with others failed.
            RecordRestore restore = new(writer, chunks.Contains);
            foreach ((FrameKind kind, ReadOnlyMemory<byte> payload) in ReadAside(aside))
            {
                cancellationToken.ThrowIfCancellationRequested();
                restore.Apply(kind, payload);
            }

            restore.Finish();
            return new RestoreSummary(bytes, count, restore.Created, restore.Present, [.. restore.Pipelines]);
        },
        cancellationToken);
}
