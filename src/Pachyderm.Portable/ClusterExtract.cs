using Pachyderm.Errors;
using Pachyderm.Metadata;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores;
using Pachyderm.Pfs;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Records;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Portable;

/// <summary>
/// Writes everything that a cluster keeps as one stream, as of one moment, while it serves: first the chunks that the records need, then
/// the records. Memory is bounded whatever the size.
/// </summary>
/// <param name="metadata">The records.</param>
/// <param name="chunks">The content.</param>
/// <param name="workDirectory">For the copy of the records; what a killed process left there goes.</param>
/// <param name="time">Tells when the stream was made.</param>
public sealed class ClusterExtract(IMetadataMaintenance metadata, PackChunkStore chunks, string workDirectory, TimeProvider time)
{
    private const int PageLength = 1_000;
    private const int CacheBytes = 16 << 20;
    private const int RememberedChunks = 2_000_000;
    private const int GatheredChunks = 256;

    /// <summary>Writes the stream. Garbage is not swept meanwhile, and another extraction or a backup waits.</summary>
    /// <param name="target">Where to; should gather small writes.</param>
    /// <param name="cancellationToken">Ends it; the stream is then one without its end.</param>
    /// <exception cref="CorruptionException">Something that is needed is missing or damaged.</exception>
    /// <exception cref="OperatorException">A disk, or an older store whose objects were adopted, fails.</exception>
    public Task WriteAsync(Stream target, CancellationToken cancellationToken) => WriteAsync(target, Guid.NewGuid(), cancellationToken);

    /// <summary>Writes the stream under an identity of the caller's, by which <see cref="StreamProof"/> knows it again.</summary>
    /// <param name="target">As above.</param>
    /// <param name="identity">The identity.</param>
    /// <param name="cancellationToken">As above.</param>
    /// <exception cref="OperatorException">As above.</exception>
    public async Task WriteAsync(Stream target, Guid identity, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        await using PackHold hold = await chunks.HoldPacksAsync("an extraction", cancellationToken);
        string path = Path.Combine(workDirectory, "metadata.db");
        try
        {
            DeleteWork();
            Directory.CreateDirectory(workDirectory);
            await metadata.BackupToAsync(path, cancellationToken);
            await using SqliteMetadataStore copy = await SqliteMetadataStore.OpenAsync(
                new SqliteMetadataOptions { Path = path, ReadOnly = true }, cancellationToken);
            using FrameWriter frames = new(target);
            await frames.BeginAsync(identity, time.GetUtcNow(), cancellationToken);
            await WriteChunksAsync(copy, frames, cancellationToken);
            await new RecordExtract(copy, frames, PageLength).WriteAsync(cancellationToken);
            await frames.EndAsync(cancellationToken);
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

    private void DeleteWork()
    {
        if (Directory.Exists(workDirectory))
        {
            Directory.Delete(workDirectory, recursive: true);
        }
    }

    private async Task WriteChunksAsync(SqliteMetadataStore copy, FrameWriter frames, CancellationToken cancellationToken)
    {
        SentChunks sent = new(RememberedChunks);
        TreeReader reader = new(chunks, new NodeCache(CacheBytes));
        FileContents contents = new(chunks);
        List<ChunkId> gathered = [];
        await foreach (LiveRoot root in Liveness.Of(copy, chunks).ListAsync(expiry: null, cancellationToken))
        {
            await SendAsync(root.Tree, root.Files, root.Chunk);
        }

        for (DatumTag? after = null; ;)
        {
            DatumTag? start = after;
            IReadOnlyList<KeyValuePair<DatumTag, ResultRecord>> page = await copy.ReadAsync(
                records => new PpsReader(records).ListResults(start, PageLength), cancellationToken);
            foreach ((_, ResultRecord result) in page)
            {
                await SendAsync(DirectoryReferenceCodec.Decode(result.Output.Span), [], null);
            }

            if (page.Count < PageLength)
            {
                return;
            }

            after = page[^1].Key;
        }

        async Task SendAsync(DirectoryReference? tree, IReadOnlyList<FileContent> files, ChunkId? chunk)
        {
            if (chunk is { } single)
            {
                IsNew(single);
            }

            foreach (FileContent file in files)
            {
                await VisitFileAsync(file, cancellationToken);
            }

            if (tree is { } directory)
            {
                await reader.VisitAsync(directory, IsNew, VisitFileAsync, cancellationToken);
            }

            await FlushAsync();
        }

        bool IsNew(ChunkId id)
        {
            bool isNew = sent.Add(id);
            if (isNew)
            {
                gathered.Add(id);
            }

            return isNew;
        }

        async Task VisitFileAsync(FileContent file, CancellationToken token)
        {
            await contents.VisitAsync(file, reference => IsNew(reference.Id), token);
            if (gathered.Count >= GatheredChunks)
            {
                await FlushAsync();
            }
        }

        async Task FlushAsync()
        {
            foreach (ChunkId id in gathered)
            {
                await WriteChunkAsync(id, frames, cancellationToken);
            }

            gathered.Clear();
        }
    }

    private async Task WriteChunkAsync(ChunkId id, FrameWriter frames, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte>? seal = await chunks.ReadSealAsync(id, cancellationToken);
        using ChunkBuffer buffer = await chunks.ReadAsync(id, cancellationToken);
        if (seal is { } proof)
        {
            byte[] name = [.. id.ToArray(), checked((byte)proof.Length), .. proof.Span];
            await frames.WriteBytesAsync(FrameKind.NamedChunk, name, buffer.Memory, cancellationToken);
            return;
        }

        await frames.WriteBytesAsync(FrameKind.Chunk, id.ToArray(), buffer.Memory, cancellationToken);
    }
}
