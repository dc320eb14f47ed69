using System.Security.Cryptography;
using System.Text;
using Pachyderm.Formats.Content;
using Pachyderm.Metadata;
using Pachyderm.Migration.Survey;
using Pachyderm.ObjectStores;
using Pachyderm.Pfs;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>Makes objects chunks of the new store where they are. Their bytes are not read; whether they are there is looked at.</summary>
/// <param name="chunks">The new content store.</param>
/// <param name="source">Where the objects are.</param>
internal sealed class ObjectAdoption(PackChunkStore chunks, LegacyContentStore source) : ObjectImport
{
    // One adopted pack each, and some 20 MB of memory.
    private const int BatchObjects = 20_000;
    private const int RememberedBlocks = 10_000;
    private const int HashText = 2 * SHA512.HashSizeInBytes;

    private readonly LocalObjectStore files = new(source.RootPath);
    private readonly TwoGenerations<string, long> lengths = new(RememberedBlocks);

    /// <inheritdoc/>
    public override async ValueTask<FileContent> JoinAsync(
        IReadOnlyList<FileContent> objects, ChunkId hash, IChunkWriter writer, CancellationToken cancellationToken) =>
        objects.Count == 1
            ? objects[0] with { Hash = hash }
            : await FileContents.FromChunksAsync(await ListAsync(objects, cancellationToken), hash, writer, cancellationToken);

    /// <inheritdoc/>
    public override FileContent? TryMake(ReadOnlySpan<byte> name, long size, ChunkId hash)
    {
        // Of an object that is one chunk the name says which; the index of chunks says whether it is there and how long.
        Span<char> text = stackalloc char[HashText];
        if (name.Length != HashText || Encoding.ASCII.GetChars(name, text) != HashText || size is <= 0 or > IChunkStore.MaximumLength
            || AdoptedChunks.FindWhole(text) is not { } chunk || chunks.FindLength(chunk) != size)
        {
            return null;
        }
        return new FileContent(size, hash, [new ChunkReference(chunk, size)], 0);
    }

    /// <inheritdoc/>
    protected override bool IsFull(IReadOnlyList<ContentPlace> batch) => batch.Count >= BatchObjects;

    /// <inheritdoc/>
    protected override async Task<IReadOnlyList<ObjectRecord>> CarryAsync(
        LegacyContentStore source, IReadOnlyList<ContentPlace> batch, IChunkWriter writer, FindingList findings,
        CancellationToken cancellationToken)
    {
        List<ContentPlace> sound = new(batch.Count);
        foreach (ContentPlace place in batch)
        {
            if (await FindFaultAsync(place, source.Layout, cancellationToken) is { } problem)
            {
                findings.Add(LeftOut(place, problem));
            }
            else
            {
                sound.Add(place);
            }
        }
        await chunks.AdoptAsync(
            DataStores.AdoptedName,
            sound.Select(static place => new AdoptedObject(place.Hash, place.Path, place.Offset, place.SizeBytes)).ToAsyncEnumerable(),
            cancellationToken);
        List<ObjectRecord> records = new(sound.Count);
        foreach (ContentPlace place in sound)
        {
            FileContent content = await ContentOfAsync(place, writer, cancellationToken);
            records.Add(new ObjectRecord(place.Hash, content.Size, FileContentCodec.Encode(content), TimeProvider.System.GetUtcNow()));
        }
        return records;
    }

    private static ValueTask<FileContent> ContentOfAsync(ContentPlace place, IChunkWriter writer, CancellationToken cancellationToken)
    {
        // A file of just this object has this hash in 1.5, and here if it is small.
        Span<byte> text = stackalloc byte[HashText];
        Encoding.ASCII.GetBytes(place.Hash, text);
        ChunkId hash = ChunkId.Of(text);
        return place.SizeBytes is > 0 and <= IChunkStore.MaximumLength && AdoptedChunks.FindWhole(place.Hash) is { } chunk
            ? new(new FileContent(place.SizeBytes, hash, [new ChunkReference(chunk, place.SizeBytes)], 0))
            : FileContents.FromChunksAsync(AdoptedChunks.Of(place.Hash, place.SizeBytes), hash, writer, cancellationToken);
    }

    private async ValueTask<string?> FindFaultAsync(ContentPlace place, LayoutKind layout, CancellationToken cancellationToken)
    {
        if (place.SizeBytes > AdoptedChunks.MaximumObjectLength)
        {
            return $"it has {place.SizeBytes} bytes, which is more than can be adopted";
        }
        if (layout == LayoutKind.Local)
        {
            // The listing saw the file itself.
            return null;
        }
        if (!lengths.TryGet(place.Path, out long length))
        {
            length = (await files.GetPropertiesAsync(place.Path, cancellationToken))?.SizeBytes ?? -1;
            lengths.Set(place.Path, length);
        }
        return length < 0 ? $"its block {place.Path} does not exist"

                : length < place.Offset + place.SizeBytes
                ? $"its block {place.Path} has {length} bytes and should have at least {place.Offset + place.SizeBytes}"
            : null;
    }

    private async Task<List<ChunkReference>> ListAsync(IReadOnlyList<FileContent> objects, CancellationToken cancellationToken)
    {
        FileContents contents = new(chunks);
        List<ChunkReference> all = [];
        foreach (FileContent part in objects)
        {
            if (part.Depth == 0)
            {
                all.AddRange(part.Chunks);
                continue;
            }
            await foreach (ChunkReference chunk in contents.ListChunksAsync(part, cancellationToken))
            {
                all.Add(chunk);
            }
        }
        return all;
    }
}
