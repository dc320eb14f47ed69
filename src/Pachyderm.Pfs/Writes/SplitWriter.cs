using System.Collections.Immutable;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>
/// Splits a stream into files at the ends of values or lines. Holds a few chunks of content at most; long lists of files are written to chunks, so that
/// memory stays bounded however many files there are.
/// </summary>
internal sealed class SplitWriter(PutOptions options, IDatumScanner scanner, IChunkWriter writer)
{
    /// <summary>Contents that are kept in one pending write.</summary>
    private const int BlockLength = 8_192;

    private readonly List<FileContent> contents = [];
    private readonly List<ChunkId> blocks = [];
    private ContentBuilder? builder;
    private long datums;
    private long bytes;

    /// <summary>Reads the stream to its end.</summary>
    /// <returns>The pending writes that add the files to the directory, to be recorded together.</returns>
    /// <exception cref="PfsException">The stream is not what it should be split as.</exception>
    public async Task<ImmutableArray<ReadOnlyMemory<byte>>> WriteAsync(
        TreePath directory, IAsyncEnumerable<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (ReadOnlyMemory<byte> piece in content.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                await SplitAsync(piece, cancellationToken).ConfigureAwait(false);
            }
            if (scanner.Complete())
            {
                datums++;
            }
            await EndFileAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (builder is not null)
            {
                await builder.DisposeAsync().ConfigureAwait(false);
            }
        }
        List<ReadOnlyMemory<byte>> writes = [];
        foreach (ChunkId block in blocks)
        {
            writes.Add(PendingWriteCodec.EncodeSplitInChunk(directory, block, options.Overwrite && writes.Count == 0));
        }
        if (contents.Count > 0 || writes.Count == 0)
        {
            writes.Add(PendingWriteCodec.Encode(new PutSplit(directory, [.. contents], options.Overwrite && writes.Count == 0)));
        }
        return [.. writes];
    }

    private async ValueTask SplitAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
    {
        while (!piece.IsEmpty)
        {
            DatumPart part = scanner.Scan(piece.Span);
            if (part.Length > 0)
            {
                builder ??= FileContents.OpenBuilder(writer);
                await builder.AppendAsync(piece.Slice(part.Skipped, part.Length), cancellationToken).ConfigureAwait(false);
                bytes += part.Length;
            }
            piece = piece[(part.Skipped + part.Length)..];
            if (part.IsEnd)
            {
                datums++;
                if (IsFull)
                {
                    await EndFileAsync(cancellationToken).ConfigureAwait(false);
                }
            }
        }
    }

    private bool IsFull => (options.TargetBytes == 0 && options.TargetDatums == 0)
        || (options.TargetBytes != 0 && bytes >= options.TargetBytes)
        || (options.TargetDatums != 0 && datums >= options.TargetDatums);

    private async ValueTask EndFileAsync(CancellationToken cancellationToken)
    {
        if (builder is not null)
        {
            contents.Add(await builder.CompleteAsync(cancellationToken).ConfigureAwait(false));
            await builder.DisposeAsync().ConfigureAwait(false);
            builder = null;
        }
        datums = 0;
        bytes = 0;
        if (contents.Count == BlockLength)
        {
            blocks.Add(await writer.PutAsync(PendingWriteCodec.EncodeContents(contents), cancellationToken).ConfigureAwait(false));
            contents.Clear();
        }
    }
}
