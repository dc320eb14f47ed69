using System.Runtime.CompilerServices;
using Pachyderm.Formats.Content;
using Pachyderm.Metadata;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Survey;
using Pachyderm.Pfs;
using Pachyderm.Storage.Content;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>Takes the objects of the source into the new stores, and tells what a file consists of that names them.</summary>
internal abstract class ObjectImport
{
    private const string Kind = "objects";

    /// <summary>Takes every object over. One whose bytes cannot be had is left out: what needs it will say so.</summary>
    /// <param name="source">The content store.</param>
    /// <param name="stores">The new stores.</param>
    /// <param name="observer">Is told of each.</param>
    /// <param name="findings">Is told of those that were left out.</param>
    /// <param name="cancellationToken">Stops; what is done stays done.</param>
    public async Task RunAsync(
        LegacyContentStore source, DataStores stores, IMigrationObserver observer, FindingList findings,
        CancellationToken cancellationToken)
    {
        (long? done, bool isAgain) = await stores.Metadata.ReadAsync(
            static reader => (ImportProgress.Read(reader, Kind), reader.ListObjects(null, 1).Count > 0), cancellationToken);
        if (done is null)
        {
            return;
        }
        isAgain &= done == 0;
        // The source is listed, objects are carried and records are written side by side.
        Task written = Task.CompletedTask;
        try
        {
            await foreach (Batch batch in Ahead.ReadAsync(stop => ListBatchesAsync(source, done.Value, stop), 1, cancellationToken))
            {
                Carried carried = await CarryAsync(batch);
                Task before = written;
                written = WriteAsync(carried, before);
                await before;
            }
            await written;
        }
        finally
        {
            await written.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task<Carried> CarryAsync(Batch batch)
        {
            IChunkWriter writer = stores.Chunks.OpenWriter();
            try
            {
                IReadOnlyList<ContentPlace> left = isAgain ? await FindLeftAsync(stores, batch.Places, cancellationToken) : batch.Places;
                IReadOnlyList<ObjectRecord> records = await this.CarryAsync(source, left, writer, findings, cancellationToken);
                await writer.FlushAsync(cancellationToken);
                FaultPoints.Reach("import.objects-flushed");
                return new Carried(batch, records, writer);
            }
            catch
            {
                writer.Dispose();
                throw;
            }
        }

        async Task WriteAsync(Carried carried, Task before)
        {
            // Until the records hold what was written.
            using IChunkWriter writer = carried.Writer;
            await before;
            await stores.Metadata.WriteAsync(
                transaction =>
                {
                    foreach (ObjectRecord record in carried.Records)
                    {
                        transaction.PutObject(record);
                    }
                    ImportProgress.Write(transaction, Kind, carried.Batch.Reached);
                    return true;
                },
                cancellationToken);
            FaultPoints.Reach("import.objects-written");
            observer.Advanced(carried.Batch.Places.Count);
        }
    }

    /// <summary>Makes the next run look again for objects that were left out: somebody may have put them back.</summary>
    public static Task BeginAgainAsync(DataStores stores, CancellationToken cancellationToken) => stores.Metadata.WriteAsync(
        static writer =>
        {
            ImportProgress.Write(writer, Kind, 0);
            return true;
        },
        cancellationToken);

    /// <summary>The content of a file that consists of objects.</summary>
    /// <param name="objects">What was found of its objects, in order.</param>
    /// <param name="hash">The hash that the old release gave the file.</param>
    /// <param name="writer">Takes what has to be written.</param>
    /// <param name="cancellationToken">Stops.</param>
    public abstract ValueTask<FileContent> JoinAsync(
        IReadOnlyList<FileContent> objects, ChunkId hash, IChunkWriter writer, CancellationToken cancellationToken);

    /// <summary>The content of a file that is just one object, if that can be told without looking the object up.</summary>
    /// <param name="name">The object's hash in ASCII.</param>
    /// <param name="size">Size of the file.</param>
    /// <param name="hash">The hash that the old release gave the file.</param>
    /// <returns>The content; null if the object has to be looked up.</returns>
    public abstract FileContent? TryMake(ReadOnlySpan<byte> name, long size, ChunkId hash);

    /// <summary>Whether a batch is as large as it may be.</summary>
    protected abstract bool IsFull(IReadOnlyList<ContentPlace> batch);

    /// <summary>Brings the content of objects into the chunk store; durable when the writer has been flushed.</summary>
    /// <param name="source">The content store.</param>
    /// <param name="batch">The objects.</param>
    /// <param name="writer">Takes what has to be written.</param>
    /// <param name="findings">Is told of those that are left out.</param>
    /// <param name="cancellationToken">Stops.</param>
    protected abstract Task<IReadOnlyList<ObjectRecord>> CarryAsync(
        LegacyContentStore source, IReadOnlyList<ContentPlace> batch, IChunkWriter writer, FindingList findings,
        CancellationToken cancellationToken);

    /// <summary>Says that an object was left out.</summary>
    protected static Finding LeftOut(ContentPlace place, string problem) => new(
        "object-left-out", FindingSeverity.Warning, $"object {place.Hash}", $"{problem}, so it is left out",
        "restore it from a backup of the object store if anything needs it");

    private async IAsyncEnumerable<Batch> ListBatchesAsync(
        LegacyContentStore source, long done, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long number = 0;
        List<ContentPlace> places = [];
        await foreach (ContentPlace place in source.ListPlacesAsync(cancellationToken))
        {
            if (++number <= done)
            {
                continue;
            }
            places.Add(place);
            if (IsFull(places))
            {
                yield return new Batch(places, number);
                places = [];
            }
        }
        yield return new Batch(places, null);
    }

    private static Task<IReadOnlyList<ContentPlace>> FindLeftAsync(
        DataStores stores, IReadOnlyList<ContentPlace> places, CancellationToken cancellationToken) =>
        stores.Metadata.ReadAsync(
            IReadOnlyList<ContentPlace> (reader) => [.. places.Where(place => reader.FindObject(place.Hash) is null)], cancellationToken);

    /// <summary>Objects, and how many are done with them; null if these are the last.</summary>
    private sealed record Batch(IReadOnlyList<ContentPlace> Places, long? Reached);

    /// <summary>A batch that is in the chunk store, and who keeps it there until its records are written.</summary>
    private sealed record Carried(Batch Batch, IReadOnlyList<ObjectRecord> Records, IChunkWriter Writer);
}
