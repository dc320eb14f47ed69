using Pachyderm.Errors;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Pfs;

/// <summary>What a consolidation or a release did, over all older stores whose objects are used in place.</summary>
/// <param name="Chunks">Chunks that were copied.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="FailedChunks">Chunks that are needed and could not be read.</param>
/// <param name="LeftChunks">Chunks that are only in the older stores: those that nothing needs, and those that failed.</param>
/// <param name="LeftBytes">Their bytes.</param>
/// <param name="Locations">Where the older stores are; none if nothing is used in place.</param>
public sealed record ConsolidationSummary(
    long Chunks, long Bytes, long FailedChunks, long LeftChunks, long LeftBytes, IReadOnlyList<string> Locations);

/// <summary>Leaving the stores of older releases.</summary>
public sealed partial class StoreMaintenance
{
    /// <summary>
    /// Copies what is needed of the objects that are used where an older release has put them, beside readers and writers. Names stay, so
    /// no commit changes. Ended early, what is copied stays, and the next call goes on.
    /// </summary>
    /// <param name="progress">
    /// Told of commits and objects that were looked at (<c>mark</c>), then of <c>bytes copied</c>; may be null.
    /// </param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="OperatorException">An older store is not where it is said to be, or the disk is full or fails.</exception>
    /// <exception cref="CorruptionException">A directory of a commit is missing or damaged. Nothing was copied.</exception>
    public async Task<ConsolidationSummary> ConsolidateAsync(
        IProgress<MaintenanceProgress>? progress, CancellationToken cancellationToken)
    {
        IReadOnlyList<AdoptedSourceStatistics> sources = chunks.ListAdoptions();
        ConsolidationSummary sum = new(0, 0, 0, 0, 0, Locate());
        if (sources.Count == 0)
        {
            return sum;
        }
        using ChunkMarks marks = await MarkNeededAsync(progress, cancellationToken);
        foreach (AdoptedSourceStatistics source in sources)
        {
            ConsolidationOptions options = new() { Needed = marks.Contains, Progress = new CopyProgress(progress, sum.Bytes) };
            ConsolidationResult result = await chunks.ConsolidateAsync(source.Source, options, cancellationToken);
            sum = sum with
            {
                Chunks = sum.Chunks + result.Chunks,
                Bytes = sum.Bytes + result.Bytes,
                FailedChunks = sum.FailedChunks + result.FailedChunks,
                LeftChunks = sum.LeftChunks + result.LeftChunks,
                LeftBytes = sum.LeftBytes + result.LeftBytes,
            };
        }
        return sum;
    }

    /// <summary>
    /// Forgets all older stores whose objects were used in place, and takes them out of <c>adopted.json</c>, so that they may be removed.
    /// They themselves are left alone. Killed, the next call goes on.
    /// </summary>
    /// <param name="progress">Told of commits and objects that were looked at; may be null.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="OperatorException">
    /// <c>adopted-source-needed</c>: something that is needed is only there; <c>adopted-source-not-final</c>: the import from it can still
    /// be undone, which takes the older store; or the disk fails.
    /// </exception>
    /// <exception cref="CorruptionException">A directory of a commit is missing or damaged. Nothing has changed.</exception>
    public async Task<ConsolidationSummary> ReleaseAsync(IProgress<MaintenanceProgress>? progress, CancellationToken cancellationToken)
    {
        IReadOnlyList<AdoptionPlace> places = AdoptionFile.Read(data);
        if (places.FirstOrDefault(static place => !place.Released) is { } early)
        {
            throw new OperatorException(
                "adopted-source-not-final", $"adopted store '{early.Name}' in {early.Path}",
                "the import from it can still be undone, and then it is all there is",
                $"stop pachd, run `pachctl migrate finalize --data {data}`, start it, and release the store then");
        }
        ConsolidationSummary summary = new(0, 0, 0, 0, 0, Locate());
        string[] names =
        [
            .. places.Select(static place => place.Name)
                .Union(chunks.ListAdoptions().Select(static source => source.Source), StringComparer.Ordinal),
        ];
        if (names.Length == 0)
        {
            return summary;
        }
        await using GarbageCollector collector = await GarbageCollector.BeginAsync(chunks, options: null, cancellationToken);
        await MarkAsync(collector, new FileContents(chunks), expiry: null, progress, cancellationToken);
        foreach (string name in names)
        {
            await collector.ReleaseAsync(name, cancellationToken);
            // Last: while packs refer to a source the file has to say where it is.
            AdoptionFile.Remove(data, name);
        }
        return summary;
    }

    private async Task<ChunkMarks> MarkNeededAsync(IProgress<MaintenanceProgress>? progress, CancellationToken cancellationToken)
    {
        // The collection ends before the copying begins: others need not wait for as long as that takes.
        await using GarbageCollector collector = await GarbageCollector.BeginAsync(chunks, options: null, cancellationToken);
        await MarkAsync(collector, new FileContents(chunks), expiry: null, progress, cancellationToken);
        return collector.TakeMarks();
    }

    private List<string> Locate()
    {
        IReadOnlyList<AdoptionPlace> places = AdoptionFile.Read(data);
        return
        [
            .. places.Select(static place => place.Path),
            .. chunks.ListAdoptions().Where(source => places.All(place => place.Name != source.Source))
                .Select(static source => source.Location ?? source.Source),
        ];
    }

    private sealed class CopyProgress(IProgress<MaintenanceProgress>? progress, long before) : IProgress<ConsolidationProgress>
    {
        public void Report(ConsolidationProgress value) =>
            progress?.Report(new MaintenanceProgress("bytes copied", before + value.Bytes, before + value.Bytes + value.LeftBytes));
    }
}
