using System.Security.Cryptography;
using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.Metadata;
using Pachyderm.Migration.Survey;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Migration.Steps.Native;

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
    public override FileContent? TryMake(ReadOnlySpan<byte> name, long size, ChunkId hash) => null;

    /// <inheritdoc/>
    protected override bool IsFull(IReadOnlyList<ContentPlace> batch) =>
        batch.Count >= BatchObjects || batch.Sum(static found => found.SizeBytes) >= BatchBytes;

    /// <inheritdoc/>
    protected override async Task<IReadOnlyList<ObjectRecord>> CarryAsync(
        LegacyContentStore source, IReadOnlyList<ContentPlace> batch, IChunkWriter writer, FindingList findings,
        CancellationToken cancellationToken)
    {
        List<ObjectRecord> records = new(batch.Count);
        foreach (ContentPlace place in batch)
        {
            try
            {
                FileContent file = await CopyAsync(source, place.Hash, writer, cancellationToken);
                records.Add(new ObjectRecord(place.Hash, file.Size, FileContentCodec.Encode(file), TimeProvider.System.GetUtcNow()));
            }
            catch (CorruptionException exception) when (exception.Id == "object-damaged")
            {
                findings.Add(LeftOut(place, exception.Problem));
            }
        }
        return records;
    }

    private static async Task<FileContent> CopyAsync(
        LegacyContentStore source, string hash, IChunkWriter writer, CancellationToken cancellationToken)
    {
        await using Stream content = await source.OpenObjectAsync(hash, cancellationToken)
            ?? throw new OperatorException(
                "object-vanished", $"object {hash}", "it vanished while it was copied",
                "stop what writes to the source, and run the same command again");
        await using HashingStream hashed = new(content);
        FileContent file = await FileContents.WriteAsync(hashed, writer, cancellationToken);
        string actual = hashed.Finish();
        return actual == hash
            ? file
            : throw new CorruptionException(
                "object-damaged", $"object {hash}", $"its content has the SHA-512 {actual}",
                "restore the object from a backup of the object store");
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
