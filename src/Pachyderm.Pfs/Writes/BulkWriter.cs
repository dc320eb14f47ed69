using Pachyderm.Metadata;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>
/// Records files in batches: while one batch is flushed and recorded, the next is being filled. Each batch has a chunk writer of its own,
/// so that memory
/// does not grow with the stream.
/// </summary>
internal sealed class BulkWriter(IChunkStore chunks, CommitWrites writes, CommitKey commit) : IAsyncDisposable
{
    private const int BatchFiles = 4_096;
    private const long BatchBytes = 64 << 20;

    private readonly List<ReadOnlyMemory<byte>> batch = [];
    private IChunkWriter? writer;
    private ContentBuilder? builder;
    private TreePath path;
    private bool overwrite;
    private bool inFile;
    private long batchBytes;
    private long files;
    private long bytes;
    private Task recording = Task.CompletedTask;

    public async ValueTask AddAsync(BulkPart part, CancellationToken cancellationToken)
    {
        if (part.Path is not null)
        {
            if (inFile)
            {
                throw PfsErrors.Invalid($"a file begins (\"{PfsErrors.OneLine(part.Path)}\") before the last part of \"{path}\" has come");
            }
            path = WritePath.ForFile(part.Path);
            overwrite = part.Overwrite;
            inFile = true;
        }
        else if (!inFile)
        {
            throw PfsErrors.Invalid("a part without path follows the last part of a file, or nothing");
        }
        writer ??= chunks.OpenWriter();
        if (part.IsLast && builder is null)
        {
            Add(await FileContents.WriteAsync(part.Value, writer, cancellationToken));
        }
        else
        {
            builder ??= FileContents.OpenBuilder(writer);
            await builder.AppendAsync(part.Value, cancellationToken);
            if (!part.IsLast)
            {
                return;
            }
            Add(await builder.CompleteAsync(cancellationToken));
            await builder.DisposeAsync();
            builder = null;
        }
        if (batch.Count >= BatchFiles || batchBytes >= BatchBytes)
        {
            await BeginRecordingAsync(cancellationToken);
        }
    }

    public async ValueTask<BulkSummary> CompleteAsync(CancellationToken cancellationToken)
    {
        if (inFile)
        {
            throw PfsErrors.Invalid($"the stream ends before the last part of \"{path}\" has come");
        }
        await BeginRecordingAsync(cancellationToken);
        await recording;
        return new BulkSummary(files, bytes);
    }

    public async ValueTask DisposeAsync()
    {
        await recording.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (builder is not null)
        {
            await builder.DisposeAsync();
        }
        writer?.Dispose();
    }

    private void Add(FileContent content)
    {
        batch.Add(PendingWriteCodec.Encode(new PutFile(path, content, overwrite)));
        inFile = false;
        files++;
        bytes += content.Size;
        PfsTelemetry.BytesPut.Add(content.Size);
        batchBytes += content.Size;
    }

    private async ValueTask BeginRecordingAsync(CancellationToken cancellationToken)
    {
        // One after the other, since the files are recorded in order.
        await recording;
        if (batch.Count == 0 || writer is null)
        {
            return;
        }
        recording = RecordAsync(writer, [.. batch], cancellationToken);
        writer = null;
        batch.Clear();
        batchBytes = 0;
    }

    private async Task RecordAsync(IChunkWriter filled, IReadOnlyList<ReadOnlyMemory<byte>> payloads, CancellationToken cancellationToken)
    {
        using (filled)
        {
            await filled.FlushAsync(cancellationToken);
            await writes.AppendAsync(commit, payloads, () => PfsErrors.NotOpen(commit.Id), cancellationToken);
        }
    }
}
