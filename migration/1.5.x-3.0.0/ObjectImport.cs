using System.Security.Cryptography;
using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.Metadata;
using Pachyderm.Migration.Engine;
using Pachyderm.Pfs;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>Takes the objects of the source into the new stores, and tells what a file consists of that names them.</summary>
internal abstract class ObjectImport
{
    private const string Kind = "objects";

    /// <summary>Takes every object over.</summary>
    /// <param name="source">The content store.</param>
    /// <param name="stores">The new stores.</param>
    /// <param name="observer">Is told of each.</param>
    /// <param name="cancellationToken">Stops; what is done stays done.</param>
    public async Task RunAsync(LegacyContentStore source, DataStores stores, IMigrationObserver observer, CancellationToken cancellationToken)
    {
        long? done = await stores.Metadata.ReadAsync(reader => ImportProgress.Read(reader, Kind), cancellationToken);
        if (done is null)
        {
            return;
        }
        long number = 0;
        List<ContentObject> batch = [];
        await foreach (ContentObject found in source.ListObjectsAsync(cancellationToken))
        {
            if (++number <= done)
            {
                continue;
            }
            batch.Add(found);
            if (IsFull(batch))
            {
                await CarryAsync(source, stores, batch, number, observer, cancellationToken);
                batch.Clear();
            }
        }
        await CarryAsync(source, stores, batch, null, observer, cancellationToken);
    }

    /// <summary>The content of a file that consists of objects.</summary>
    /// <param name="objects">What was found of its objects, in order.</param>
    /// <param name="hash">The hash that the old release gave the file.</param>
    /// <param name="writer">Takes what has to be written.</param>
    /// <param name="cancellationToken">Stops.</param>
    public abstract ValueTask<FileContent> JoinAsync(
        IReadOnlyList<FileContent> objects, ChunkId hash, IChunkWriter writer, CancellationToken cancellationToken);

    /// <summary>Whether a batch is as large as it may be.</summary>
    protected abstract bool IsFull(IReadOnlyList<ContentObject> batch);

    /// <summary>Brings the content of objects into the chunk store; durable when the writer has been flushed.</summary>
    protected abstract Task<IReadOnlyList<ObjectRecord>> CarryAsync(
        LegacyContentStore source, IReadOnlyList<ContentObject> batch, IChunkWriter writer, CancellationToken cancellationToken);

    private async Task CarryAsync(
        LegacyContentStore source, DataStores stores, List<ContentObject> batch, long? done, IMigrationObserver observer,
        CancellationToken cancellationToken)
    {
        using IChunkWriter writer = stores.Chunks.OpenWriter();
        IReadOnlyList<ObjectRecord> records = await CarryAsync(source, batch, writer, cancellationToken);
        await writer.FlushAsync(cancellationToken);
        FaultPoints.Reach("import.objects-flushed");
        await stores.Metadata.WriteAsync(
            transaction =>
            {
                foreach (ObjectRecord record in records)
                {
                    transaction.PutObject(record);
                }
                ImportProgress.Write(transaction, Kind, done);
                return true;
            },
            cancellationToken);
        FaultPoints.Reach("import.objects-written");
        observer.Advanced(batch.Count);
    }
}

/// <summary>Copies objects into packs of this release.</summary>
/// <param name="contents">The new content store.</param>
internal sealed class ObjectCopy(FileContents contents) : ObjectImport
{
    private const int BatchObjects = 1_000;
    private const long BatchBytes = 256L << 20;

    /// <inheritdoc/>
    public override async ValueTask<FileContent> JoinAsync(
        IReadOnlyList<FileContent> objects, ChunkId hash, IChunkWriter writer, CancellationToken cancellationToken)
    {
        FileContent content = objects.Count == 1 ? objects[0] : await contents.ConcatAsync(objects, writer, cancellationToken);
        return content with { Hash = hash };
    }

    /// <inheritdoc/>
    protected override bool IsFull(IReadOnlyList<ContentObject> batch) =>
        batch.Count >= BatchObjects || batch.Sum(static found => found.SizeBytes) >= BatchBytes;

    /// <inheritdoc/>
    protected override async Task<IReadOnlyList<ObjectRecord>> CarryAsync(
        LegacyContentStore source, IReadOnlyList<ContentObject> batch, IChunkWriter writer, CancellationToken cancellationToken)
    {
        List<ObjectRecord> records = new(batch.Count);
        foreach (ContentObject found in batch)
        {
            await using Stream content = await source.OpenObjectAsync(found.Hash, cancellationToken)
                ?? throw new OperatorException("object-missing", $"object {found.Hash}", "it vanished while it was copied", "stop what writes to the source");
            await using HashingStream hashed = new(content);
            FileContent file = await FileContents.WriteAsync(hashed, writer, cancellationToken);
            string actual = hashed.Finish();
            if (actual != found.Hash)
            {
                throw new CorruptionException(
                    "object-damaged", $"object {found.Hash}", $"its content has the SHA-512 {actual}", "restore the object from a backup of the object store");
            }
            records.Add(new ObjectRecord(found.Hash, file.Size, FileContentCodec.Encode(file)));
        }
        return records;
    }

    /// <summary>Hashes what is read through it.</summary>
    private sealed class HashingStream(Stream inner) : Stream
    {
        private readonly IncrementalHash sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public string Finish() => Convert.ToHexStringLower(sha.GetHashAndReset());

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await inner.ReadAsync(buffer, cancellationToken);
            sha.AppendData(buffer.Span[..read]);
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            int read = inner.Read(buffer, offset, count);
            sha.AppendData(buffer, offset, read);
            return read;
        }

        public override void Flush()
        {
            // Nothing is written.
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            sha.Dispose();
            base.Dispose(disposing);
        }
    }
}
