using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Index;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Maintenance;

/// <summary>How thoroughly stored bytes are checked.</summary>
public sealed record StorageCheckOptions
{
    /// <summary>
    /// Whether every chunk is read and hashed. If not, headers, footers and the index are compared, and on local disks the framing.
    /// </summary>
    public bool ReadData { get; init; }

    /// <summary>
    /// Whether what is wrong is put right: a damaged index is built again; the intact chunks of a damaged pack go to a new one, and the
    /// damaged pack goes to <c>quarantine/</c>.
    /// </summary>
    public bool Fix { get; init; }

    /// <summary>Told how many packs are done.</summary>
    public IProgress<int>? Progress { get; init; }
}

/// <summary>
/// Checks packs and index against each other, beside readers and writers. What is not in the object store yet is not looked at.
/// </summary>
/// <param name="store">The store.</param>
/// <param name="options">How thoroughly.</param>
public sealed class StorageCheck(PackChunkStore store, StorageCheckOptions options)
{
    private readonly AdoptedPackCheck _adopted = new(store, options);
    private bool _rebuildIndex;
    private PackHold? _hold;

    /// <summary>Runs the check.</summary>
    /// <returns>What is wrong, as it is found; nothing if all is well.</returns>
    /// <exception cref="OperatorException">The object store or a disk fails.</exception>
    public async IAsyncEnumerable<StorageFinding> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await store.Maintenance.WaitAsync(cancellationToken);
        try
        {
            _hold = options.Fix ? await store.HoldPacksAsync("a check that repairs", cancellationToken) : null;
            List<StorageFinding> findings = [];
            Dictionary<uint, long>? counts = await CountAsync(findings, cancellationToken);
            if (counts is null && options.Fix)
            {
                await store.RebuildIndexAsync(cancellationToken);
                counts = await CountAsync(findings, cancellationToken);
            }

            // Those first: one that comes between is not taken for missing.
            List<PackFile> packs = [.. store.Packs.All.Where(static pack => pack.SpoolPath is null && pack.Length > 0)];
            Dictionary<PackId, long> inStore = await store.Catalog.ListAsync(cancellationToken);
            int done = 0;
            foreach (PackFile pack in packs)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (inStore.TryGetValue(pack.Id, out long length))
                {
                    await CheckPackAsync(pack, length, counts, findings, cancellationToken);
                }
                else
                {
                    findings.Add(new StorageFinding(
                        "pack-missing", Name(pack), "it is gone", "restore it from a backup, then start pachd again", Fixed: false));
                    if (options.Fix)
                    {
                        // So that nobody takes its chunks for stored.
                        await RemoveAsync(pack, cancellationToken);
                    }
                }

                foreach (StorageFinding finding in findings)
                {
                    yield return finding;
                }

                findings.Clear();
                options.Progress?.Report(++done);
            }

            if (_rebuildIndex && options.Fix)
            {
                await store.RebuildIndexAsync(cancellationToken);
            }

            foreach (StorageFinding finding in findings)
            {
                yield return finding;
            }
        }
        finally
        {
            if (_hold is not null)
            {
                await _hold.DisposeAsync();
            }

            store.Maintenance.Release();
        }
    }

    private async Task<Dictionary<uint, long>?> CountAsync(List<StorageFinding> findings, CancellationToken cancellationToken)
    {
        try
        {
            return await store.Index.CountByPackAsync(cancellationToken);
        }
        catch (CorruptionException exception)
        {
            findings.Add(new StorageFinding(exception.Id, exception.Thing, exception.Problem, IndexRemedy, options.Fix));
            return null;
        }
    }

    private async Task CheckPackAsync(
        PackFile pack, long length, Dictionary<uint, long>? counts, List<StorageFinding> findings, CancellationToken cancellationToken)
    {
        int before = findings.Count;
        List<PackEntry>? entries = null;
        if (length != pack.Length)
        {
            Add(findings, "pack-length-wrong", Name(pack), string.Create(
                CultureInfo.InvariantCulture, $"it has {length} bytes and must have {pack.Length}"));
        }
        else
        {
            entries = await store.Catalog.ReadFooterAsync(pack, cancellationToken);
            if (entries is null)
            {
                Add(findings, "pack-footer-damaged", Name(pack), "its footer is damaged");
            }
        }

        List<PackEntry> intact = await CheckRecordsAsync(pack, entries, findings, cancellationToken);
        bool isDamaged = findings.Count > before;
        if (!isDamaged && counts is not null)
        {
            CheckIndex(pack, entries!, counts, findings);
        }

        List<PackEntry> references = intact.FindAll(entry => IsNeededReference(pack, entry));
        if (references.Count > 0)
        {
            await _adopted.RunAsync(pack, references, findings, cancellationToken);
        }

        if (isDamaged && options.Fix)
        {
            await SalvageAsync(pack, intact, cancellationToken);
        }
    }

    // Returns the records that can be relied on.
    private async Task<List<PackEntry>> CheckRecordsAsync(
        PackFile pack, List<PackEntry>? entries, List<StorageFinding> findings, CancellationToken cancellationToken)
    {
        bool isAdopted = pack.Adoption is not null;
        if (store.Options.Objects is not ILocalFiles && !options.ReadData && entries is not null && !isAdopted)
        {
            return entries;
        }

        HashSet<PackEntry> expected = [.. entries ?? []];
        List<PackEntry> intact = [];
        using SafeFileHandle file = await store.Catalog.OpenLocallyAsync(pack, cancellationToken);
        byte[] header = new byte[PackFormat.HeaderLength];
        if (!PackReader.ReadFully(file, 0, header) || !PackFormat.CheckHeader(pack.Id, header))
        {
            Add(findings, "pack-header-damaged", Name(pack), "its header is damaged");
        }

        long end = entries is null
            ? RandomAccess.GetLength(file)
            : pack.Length - PackFormat.TrailerLength - ((long)entries.Count * PackEntry.Length);
        bool readPayloads = options.ReadData || entries is null || isAdopted;
        foreach (ScannedPiece piece in PackScanner.Scan(file, pack.Id, end, readPayloads))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!piece.Intact)
            {
                bool isFooter = entries is null && piece.Header is null && piece.Offset + piece.Length == end;
                if (!isFooter)
                {
                    findings.Add(PackRecovery.Describe(Name(pack), piece));
                }

                if (piece.Header is not null)
                {
                    expected.Remove(piece.Entry);
                }
            }
            else
            {
                intact.Add(piece.Entry);
                if (!expected.Remove(piece.Entry) && entries is not null)
                {
                    Add(findings, "pack-entry-missing", $"chunk {piece.Entry.Id} in {Name(pack)}", "the footer does not name it");
                }
            }
        }

        foreach (PackEntry entry in expected)
        {
            findings.Add(new StorageFinding(
                "chunk-missing", $"chunk {entry.Id} in {Name(pack)}", "the footer names it, and it is not there",
                "put the same content again, or restore it from a backup", Fixed: false));
        }

        return intact;
    }

    private void CheckIndex(PackFile pack, List<PackEntry> entries, Dictionary<uint, long> counts, List<StorageFinding> findings)
    {
        long here = 0;
        foreach (PackEntry entry in entries)
        {
            if (!store.Index.TryGet(entry.Id, out ChunkLocation location, out PackFile? holder))
            {
                AddIndex(findings, $"chunk {entry.Id} in {Name(pack)}", "the index does not have it");
            }
            else if (location == new ChunkLocation(pack.Number, entry.Offset, entry.Payload))
            {
                here++;
            }
            else if (holder == pack && !entries.Exists(other => other.Id == entry.Id && other.Offset == location.Offset))
            {
                AddIndex(findings, $"chunk {entry.Id} in {Name(pack)}", "the index has it in a wrong place");
            }
        }

        long more = counts.GetValueOrDefault(pack.Number) - here;
        if (more > 0)
        {
            AddIndex(findings, Name(pack), string.Create(
                CultureInfo.InvariantCulture, $"the index has {more} chunks there that it does not hold"));
        }
    }

    private async Task SalvageAsync(PackFile pack, List<PackEntry> intact, CancellationToken cancellationToken)
    {
        long from = store.Position;
        pack.Condemned = true;
        await SalvageReferencesAsync(pack, intact, cancellationToken);
        using (SafeFileHandle file = await store.Catalog.OpenLocallyAsync(pack, cancellationToken))
        {
            foreach (PackEntry entry in intact.Where(static entry => entry.Payload.Encoding != ChunkEncoding.Reference))
            {
                byte[] stored = new byte[entry.Payload.StoredLength];
                bool elsewhere = store.Index.TryGet(entry.Id, out _, out PackFile? holder) && holder != pack;
                if (!elsewhere && PackReader.ReadFully(file, entry.Offset + RecordHeader.Length, stored)
                    && ChunkCodec.IsIntact(entry.Id, entry.Payload, stored))
                {
                    await store.AppendStoredAsync(entry.Id, entry.Payload, stored, cancellationToken);
                }
            }
        }

        await store.FlushSinceAsync(from, cancellationToken);
        await using (Stream? damaged = await store.Options.Objects.OpenReadAsync(pack.Id.Key, 0, length: null, cancellationToken))
        {
            await store.Options.Objects.PutAsync("quarantine/" + pack.Id.Key, damaged ?? Stream.Null, overwrite: true, cancellationToken);
        }

        await RemoveAsync(pack, cancellationToken);
    }

    // Of a chunk in two packs the index may know the lost one alone: a merge of runs drops the older entry.
    private Task RemoveAsync(PackFile pack, CancellationToken cancellationToken)
    {
        _rebuildIndex = true;
        return store.RemoveAsync([pack], _hold!, cancellationToken);
    }

    // What was copied meanwhile needs its reference no more.
    private bool IsNeededReference(PackFile pack, PackEntry entry) => entry.Payload.Encoding == ChunkEncoding.Reference
        && (!store.Index.TryGet(entry.Id, out _, out PackFile? holder) || holder == pack);

    private async Task SalvageReferencesAsync(PackFile pack, List<PackEntry> intact, CancellationToken cancellationToken)
    {
        List<PackEntry> entries = intact.FindAll(entry => IsNeededReference(pack, entry));
        if (entries.Count == 0)
        {
            return;
        }

        List<(PackEntry Entry, AdoptedReference Reference)> references =
            await store.Catalog.ReadReferencesAsync(pack, entries, cancellationToken);
        foreach (IGrouping<string, (PackEntry Entry, AdoptedReference Reference)> source in
            references.GroupBy(static item => item.Reference.Source, StringComparer.Ordinal))
        {
            AdoptedPackWriter writer = new(source.Key, store.Options.AdoptedPackChunks);
            foreach ((PackEntry entry, AdoptedReference reference) in source)
            {
                writer.Add(new ChunkReference(entry.Id, entry.Payload.RawLength), reference);
                if (writer.IsFull)
                {
                    await store.StoreAdoptedAsync(writer, cancellationToken);
                }
            }

            if (writer.Count > 0)
            {
                await store.StoreAdoptedAsync(writer, cancellationToken);
            }
        }
    }

    private const string IndexRemedy = "the index is built again from the packs by fsck with fix";

    private void AddIndex(List<StorageFinding> findings, string thing, string problem)
    {
        _rebuildIndex = true;
        findings.Add(new StorageFinding("index-wrong", thing, problem, IndexRemedy, options.Fix));
    }

    private void Add(List<StorageFinding> findings, string id, string thing, string problem) => findings.Add(new StorageFinding(
        id, thing, problem, "fsck with fix moves its intact chunks to a new pack, and keeps the damaged one in quarantine/", options.Fix));

    private string Name(PackFile pack) => $"pack {pack.Id} in {store.Options.Objects.Location}";
}
