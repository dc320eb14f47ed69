using Pachyderm.Metadata;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>
/// One file that is being put by somebody who asks for chunks before sending them. What is known is kept until this is disposed. For one
/// caller at a time.
/// </summary>
public sealed class FilePut : IAsyncDisposable
{
    /// <summary>Most chunks that may be asked for before their bytes have come.</summary>
    public const int MaximumAsked = 4_096;

    private readonly FileContents contents;
    private readonly CommitWrites writes;
    private readonly CommitKey commit;
    private readonly TreePath path;
    private readonly bool overwrite;
    private readonly IChunkWriter writer;
    private readonly ContentBuilder builder;
    private readonly Queue<(ChunkReference Chunk, bool IsKnown)> asked = new();
    private long missing;

    internal FilePut(IChunkStore chunks, CommitWrites writes, CommitKey commit, TreePath path, bool overwrite)
    {
        contents = new FileContents(chunks);
        this.writes = writes;
        this.commit = commit;
        this.path = path;
        this.overwrite = overwrite;
        writer = chunks.OpenWriter();
        builder = FileContents.OpenBuilder(writer);
    }

    /// <summary>Appends chunks of which those that are known need not be sent. The bytes of the others come next, in order.</summary>
    /// <param name="chunks">Name and length of each.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Which are known.</returns>
    /// <exception cref="PfsException">A length is not possible, or there are too many.</exception>
    public async Task<IReadOnlyList<bool>> AskAsync(IReadOnlyList<ChunkReference> chunks, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(chunks);
        if (asked.Count + chunks.Count > MaximumAsked)
        {
            throw PfsErrors.Invalid($"more than {MaximumAsked} chunks are asked for at a time");
        }
        if (chunks.Any(static chunk => chunk.Length is <= 0 or > IChunkStore.MaximumLength))
        {
            throw PfsErrors.Invalid($"a chunk is not between 1 and {IChunkStore.MaximumLength} bytes long");
        }
        bool[] known = [.. chunks.Select(writer.TryReuse)];
        foreach ((ChunkReference chunk, bool isKnown) in chunks.Zip(known))
        {
            asked.Enqueue((chunk, isKnown));
        }
        await AppendKnownAsync(cancellationToken);
        return known;
    }

    /// <summary>Appends bytes: of the chunks that are wanted, or behind all that were asked for.</summary>
    /// <param name="content">Not kept.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask AppendAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        while (!content.IsEmpty)
        {
            int taken = asked.Count == 0 ? content.Length : (int)Math.Min(content.Length, asked.Peek().Chunk.Length - missing);
            await builder.AppendAsync(content[..taken], cancellationToken);
            content = content[taken..];
            if (asked.Count == 0)
            {
                continue;
            }
            missing += taken;
            if (missing == asked.Peek().Chunk.Length)
            {
                asked.Dequeue();
                missing = 0;
                await AppendKnownAsync(cancellationToken);
            }
        }
    }

    /// <summary>Ends the file and records it. Durable on return.</summary>
    /// <exception cref="PfsException">Bytes of a chunk have not come, or the commit is finished.</exception>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        if (asked.Count > 0)
        {
            throw PfsErrors.Invalid($"\"{path}\" ends before all of the chunks have come that were asked for");
        }
        FileContent content = await builder.CompleteAsync(cancellationToken);
        PfsTelemetry.BytesPut.Add(content.Size);
        await writer.FlushAsync(cancellationToken);
        await writes.AppendAsync(
            commit, [PendingWriteCodec.Encode(new PutFile(path, content, overwrite))], () => PfsErrors.NotOpen(commit.Id),
            cancellationToken);
    }

    /// <summary>Lets go of what was kept. A file that was not completed is not recorded.</summary>
    public async ValueTask DisposeAsync()
    {
        await builder.DisposeAsync();
        writer.Dispose();
    }

    private async ValueTask AppendKnownAsync(CancellationToken cancellationToken)
    {
        while (asked.TryPeek(out (ChunkReference Chunk, bool IsKnown) next) && next.IsKnown)
        {
            await contents.AppendStoredAsync(builder, next.Chunk, cancellationToken);
            asked.Dequeue();
        }
    }
}
