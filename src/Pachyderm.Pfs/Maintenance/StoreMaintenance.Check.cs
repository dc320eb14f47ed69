using System.Runtime.CompilerServices;
using Pachyderm.Errors;
using Pachyderm.Metadata;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>What a check came to.</summary>
/// <param name="Packs">Packs that were looked at.</param>
/// <param name="Chunks">Chunks that something refers to, each counted once.</param>
/// <param name="Bytes">Bytes in the store.</param>
/// <param name="Roots">Commits and objects whose content was followed.</param>
/// <param name="Findings">What is wrong.</param>
/// <param name="Fixed">What of it is put right.</param>
public sealed record CheckSummary(long Packs, long Chunks, long Bytes, long Roots, long Findings, long Fixed);

/// <summary>An event of a check: one of a finding, progress, and, at the end, the summary.</summary>
/// <param name="Finding">Something wrong.</param>
/// <param name="Progress">How far it has come.</param>
/// <param name="Summary">What it came to.</param>
public readonly record struct CheckEvent(StorageFinding? Finding, MaintenanceProgress? Progress, CheckSummary? Summary);

/// <summary>Checks.</summary>
public sealed partial class StoreMaintenance
{
    /// <summary>
    /// Checks everything that is stored, beside readers and writers: that records refer to records that exist, that packs and index agree,
    /// and that
    /// everything commits, writes and objects need is there.
    /// </summary>
    /// <param name="fix">Whether what can be put right without losing anything is put right.</param>
    /// <param name="readData">Whether every chunk is read and hashed, and not only headers and references.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>What is wrong, as it is found, progress, and at last a summary.</returns>
    /// <exception cref="OperatorException">A disk or the object store fails.</exception>
    public async IAsyncEnumerable<CheckEvent> CheckAsync(
        bool fix, bool readData, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long findings = 0;
        long mended = 0;
        yield return Report("records", 0);
        foreach (MetadataFinding found in await metadata.IntegrityCheckAsync(fix, cancellationToken))
        {
            yield return Take(new StorageFinding(found.Id, found.Thing, found.Problem, found.Remedy, found.Fixed));
        }
        // Only whole packs are looked at, so the one that is written to becomes whole now.
        await chunks.SealAsync(cancellationToken).ConfigureAwait(false);
        PackCounter packs = new();
        yield return Report("packs", 0);
        StorageCheckOptions options = new() { Fix = fix, ReadData = readData, Progress = packs };
        await foreach (StorageFinding found in new StorageCheck(chunks, options).RunAsync(cancellationToken))
        {
            yield return Take(found);
        }
        ReferenceCheck references = new(chunks);
        long roots = 0;
        await foreach (LiveRoot root in files.Liveness.ListAsync(expiry: null, cancellationToken))
        {
            if (await references.CheckAsync(root, cancellationToken) is { } found)
            {
                yield return Take(found);
            }
            if (++roots % 1_000 == 1)
            {
                yield return Report("content", roots);
            }
        }
        yield return new CheckEvent(
            null, null, new CheckSummary(packs.Count, references.Chunks, chunks.GetStatistics().StoredBytes, roots, findings, mended));

        static CheckEvent Report(string phase, long done) => new(null, new MaintenanceProgress(phase, done, 0), null);

        CheckEvent Take(StorageFinding found)
        {
            findings++;
            mended += found.Fixed ? 1 : 0;
            return new CheckEvent(found, null, null);
        }
    }

    private sealed class PackCounter : IProgress<int>
    {
        public long Count { get; private set; }

        public void Report(int value) => Count = value;
    }

    /// <summary>Follows references. What several roots share is followed once.</summary>
    private sealed class ReferenceCheck(Storage.Packs.PackChunkStore chunks)
    {
        private readonly TreeReader reader = new(chunks, new NodeCache(CacheBytes));
        private readonly FileContents contents = new(chunks);
        private readonly HashSet<ulong> seen = [];
        private ChunkId? missing;

        public long Chunks => seen.Count;

        /// <summary>What is wrong below a root: the first thing that is missing or damaged; null if nothing.</summary>
        public async Task<StorageFinding?> CheckAsync(LiveRoot root, CancellationToken cancellationToken)
        {
            missing = null;
            try
            {
                if (root.Chunk is { } chunk)
                {
                    IsNew(chunk);
                }
                foreach (FileContent file in root.Files)
                {
                    await contents.VisitAsync(file, reference => IsNew(reference.Id), cancellationToken);
                }
                if (root.Tree is { } tree)
                {
                    await reader.VisitAsync(
                        tree, IsNew, (file, token) =>
                            contents.VisitAsync(file, reference => IsNew(reference.Id), token), cancellationToken);
                }
            }
            catch (CorruptionException damage)
            {
                return new StorageFinding(damage.Id, root.Owner, damage.Message, "restore it from a backup", Fixed: false);
            }
            return missing is { } gone
                ? new StorageFinding(
                    "chunk-missing", root.Owner, $"chunk {gone}, which it needs, is not stored", "restore it from a backup", Fixed: false)
                : null;
        }

        // By the first 64 bits: that two of a billion chunks share them is unlikely, and would only leave one of them unchecked.
        private bool IsNew(ChunkId id)
        {
            if (!seen.Add(id.Prefix))
            {
                return false;
            }
            if (!chunks.Contains(id))
            {
                // So that the next root that needs it is named, too.
                seen.Remove(id.Prefix);
                missing ??= id;
                return false;
            }
            return true;
        }
    }
}
