using Pachyderm.Metadata;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>
/// Writes to open commits (spec/pfs.md section 4). A task that completed without error means that the write is durable. Writes of many
/// callers to
/// one commit go on side by side and share their disk flushes.
/// </summary>
public sealed class FileWriter
{
    private readonly IChunkStore chunks;
    private readonly CommitWrites writes;

    internal FileWriter(IChunkStore chunks, CommitWrites writes)
    {
        this.chunks = chunks;
        this.writes = writes;
    }

    /// <summary>Appends bytes to a file, or puts them as the files of a directory if they are to be split.</summary>
    /// <param name="commit">An open commit.</param>
    /// <param name="path">The file, as the caller writes it.</param>
    /// <param name="content">The bytes; each piece is valid until the next is asked for.</param>
    /// <param name="options">How to put it.</param>
    /// <param name="cancellationToken">Gives up; nothing is written unless the write had been recorded already.</param>
    /// <exception cref="PfsException">The commit is missing or finished, or the path or the content is not allowed.</exception>
    public async Task PutAsync(
        CommitReference commit, string path, IAsyncEnumerable<ReadOnlyMemory<byte>> content, PutOptions options,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        IDatumScanner? scanner = options.Delimiter switch
        {
            SplitDelimiter.None => null,
            SplitDelimiter.Json => new JsonScanner(),
            SplitDelimiter.Line => new LineScanner(),
            _ => throw PfsErrors.BadSplitDelimiter((int)options.Delimiter),
        };
        TreePath target = scanner is null ? WritePath.ForFile(path) : WritePath.ForDelete(path);
        CommitKey key = await writes.FindOpenAsync(commit, cancellationToken);
        // Until this is disposed, the chunks are safe from garbage collection; by then the commit refers to them.
        using IChunkWriter writer = chunks.OpenWriter();
        IReadOnlyList<ReadOnlyMemory<byte>> payloads = scanner is null
            ? [PendingWriteCodec.Encode(new PutFile(target, await StoreAsync(content, writer, cancellationToken), options.Overwrite))]
            : await new SplitWriter(options, scanner, writer).WriteAsync(target, content, cancellationToken);
        await writer.FlushAsync(cancellationToken);
        await writes.AppendAsync(key, payloads, () => PfsErrors.NotOpen(key.Id), cancellationToken);
    }

    /// <summary>Begins to append to a file, asking for chunks before sending them. The caller disposes the result.</summary>
    /// <param name="commit">An open commit.</param>
    /// <param name="path">The file, as the caller writes it.</param>
    /// <param name="overwrite">Whether what was at the path is removed first.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PfsException">The commit is missing or finished, or the path is not allowed.</exception>
    public async Task<FilePut> OpenAsync(CommitReference commit, string path, bool overwrite, CancellationToken cancellationToken)
    {
        TreePath target = WritePath.ForFile(path);
        return new FilePut(chunks, writes, await writes.FindOpenAsync(commit, cancellationToken), target, overwrite);
    }

    /// <summary>Removes a file, or a directory with everything in it; that there is none is no error.</summary>
    /// <exception cref="PfsException">The commit is missing or finished, or the path is not allowed.</exception>
    public async Task DeleteAsync(CommitReference commit, string path, CancellationToken cancellationToken)
    {
        TreePath target = WritePath.ForDelete(path);
        CommitKey key;
        try
        {
            key = await writes.FindOpenAsync(commit, cancellationToken);
        }
        catch (PfsException exception) when (exception.Kind == PfsErrorKind.FailedPrecondition)
        {
            throw PfsErrors.DeleteFileInFinished(commit);
        }
        await writes.AppendAsync(
            key, [PendingWriteCodec.Encode(new DeletePath(target))], () => PfsErrors.DeleteFileInFinished(commit), cancellationToken);
    }

    /// <summary>
    /// Writes many files. Each is recorded whole or not at all, in the order in which they come; those that were complete before an error
    /// may have
    /// been recorded.
    /// </summary>
    /// <param name="commit">An open commit.</param>
    /// <param name="parts">The files in pieces.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PfsException">
    /// The commit is missing or finished, a path is not allowed, or the pieces do not make whole files.
    /// </exception>
    public async Task<BulkSummary> PutManyAsync(
        CommitReference commit, IAsyncEnumerable<BulkPart> parts, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(parts);
        CommitKey key = await writes.FindOpenAsync(commit, cancellationToken);
        await using BulkWriter bulk = new(chunks, writes, key);
        await foreach (BulkPart part in parts.WithCancellation(cancellationToken))
        {
            await bulk.AddAsync(part, cancellationToken);
        }
        return await bulk.CompleteAsync(cancellationToken);
    }

    private static async Task<FileContent> StoreAsync(
        IAsyncEnumerable<ReadOnlyMemory<byte>> content, IChunkWriter writer, CancellationToken cancellationToken)
    {
        await using ContentBuilder builder = FileContents.OpenBuilder(writer);
        await foreach (ReadOnlyMemory<byte> piece in content.WithCancellation(cancellationToken))
        {
            await builder.AppendAsync(piece, cancellationToken);
        }
        FileContent file = await builder.CompleteAsync(cancellationToken);
        PfsTelemetry.BytesPut.Add(file.Size);
        return file;
    }
}
