using System.Buffers;
using Microsoft.Win32.SafeHandles;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Maintenance;

namespace Pachyderm.Storage.Packs;

/// <summary>Reads packs of the object store as a whole: which there are, their footers, and copies of them to look through.</summary>
/// <param name="options">The store's settings.</param>
/// <param name="reader">Reads their pieces.</param>
internal sealed class PackCatalog(PackStoreOptions options, PackReader reader)
{
    /// <summary>Lists the packs with their lengths: O(number of packs).</summary>
    public async Task<Dictionary<PackId, long>> ListAsync(CancellationToken cancellationToken)
    {
        Dictionary<PackId, long> packs = [];
        await foreach (ObjectProperties properties in options.Objects.ListAsync(PackId.KeyPrefix, cancellationToken))
        {
            if (PackId.TryParseKey(properties.Key, out PackId id))
            {
                packs[id] = properties.SizeBytes;
            }
            else
            {
                options.Report(new StorageFinding(
                    "object-unknown", properties.Key, "its key is not that of a pack", "move it away", Fixed: false));
            }
        }

        return packs;
    }

    /// <summary>Reads the footer of a pack.</summary>
    /// <returns>What it holds, or null if the footer is damaged.</returns>
    /// <exception cref="OperatorException">The pack cannot be read, or is of a later release.</exception>
    public async Task<List<PackEntry>?> ReadFooterAsync(PackFile pack, CancellationToken cancellationToken)
    {
        if (pack.Length < PackFormat.HeaderLength + PackFormat.TrailerLength)
        {
            return null;
        }

        byte[] trailer = new byte[PackFormat.TrailerLength];
        if (await reader.ReadAsync(pack, pack.Length - trailer.Length, trailer, cancellationToken) != PackReadOutcome.Done
            || !PackFormat.CheckTrailer(pack.Id, pack.Length, trailer, out int count, out long footerOffset))
        {
            return null;
        }

        int length = count * PackEntry.Length;
        byte[] entries = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            if (await reader.ReadAsync(pack, footerOffset, entries.AsMemory(0, length), cancellationToken) != PackReadOutcome.Done
                || PackFormat.ReadEntries(pack.Id, entries.AsSpan(0, length), trailer, footerOffset) is not { } result)
            {
                return null;
            }

            pack.Version = PackFormat.ReadVersion(trailer);
            if (pack.Version == PackFormat.AdoptedVersion)
            {
                await DescribeAsync(pack, result, cancellationToken);
            }

            return result;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(entries);
        }
    }

    /// <summary>Reads what a pack holds, from its records if its footer is damaged.</summary>
    public async Task<List<PackEntry>> ReadEntriesAsync(PackFile pack, CancellationToken cancellationToken)
    {
        if (await ReadFooterAsync(pack, cancellationToken) is { } entries)
        {
            return entries;
        }

        entries = [];
        using SafeFileHandle copy = await OpenLocallyAsync(pack, cancellationToken);
        foreach (ScannedPiece piece in PackScanner.Scan(copy, pack.Id, RandomAccess.GetLength(copy), readPayloads: true))
        {
            if (piece.Intact)
            {
                entries.Add(piece.Entry);
            }
        }

        pack.Version = PackFormat.VersionFor(entries);
        if (entries.Exists(static entry => entry.Payload.Encoding == ChunkEncoding.Reference))
        {
            await DescribeAsync(pack, entries, cancellationToken);
        }

        options.Report(new StorageFinding(
            "pack-footer-damaged", $"pack {pack.Id}", "its footer is damaged", "run fsck with fix: its chunks go to a new pack",
            Fixed: false));
        return entries;
    }

    /// <summary>
    /// Reads references of an adopted pack, in the order in which their bytes lie in the source. Damaged ones are left out.
    /// </summary>
    /// <param name="pack">The pack.</param>
    /// <param name="entries">Which of them.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="OperatorException">The pack is gone, or cannot be read.</exception>
    public async Task<List<(PackEntry Entry, AdoptedReference Reference)>> ReadReferencesAsync(
        PackFile pack, IReadOnlyCollection<PackEntry> entries, CancellationToken cancellationToken)
    {
        List<(PackEntry Entry, AdoptedReference Reference)> references = new(entries.Count);
        byte[] buffer = new byte[AdoptedReference.MaximumLength];
        using SafeFileHandle file = await OpenLocallyAsync(pack, cancellationToken);
        foreach (PackEntry entry in entries)
        {
            Memory<byte> stored = buffer.AsMemory(0, entry.Payload.StoredLength);
            if (PackReader.ReadFully(file, entry.Offset + RecordHeader.Length, stored.Span)
                && AdoptedReference.TryRead(pack.Id, entry, stored.Span) is { } reference)
            {
                references.Add((entry, reference));
            }
        }

        references.Sort(static (a, b) => string.CompareOrdinal(a.Reference.Source, b.Reference.Source) is var bySource and not 0 ? bySource
            : string.CompareOrdinal(a.Reference.Key, b.Reference.Key) is var byKey and not 0 ? byKey
            : a.Reference.Start.CompareTo(b.Reference.Start));
        return references;
    }

    /// <summary>Opens a pack as a local file, which is a copy that goes with the handle if the object store is not local.</summary>
    /// <exception cref="OperatorException">The pack is gone, or cannot be read.</exception>
    public async Task<SafeFileHandle> OpenLocallyAsync(PackFile pack, CancellationToken cancellationToken)
    {
        string? path = pack.SpoolPath ?? (options.Objects as ILocalFiles)?.GetPath(pack.Id.Key);
        try
        {
            if (path is not null)
            {
                return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            }

            path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
            await using Stream content = await options.Objects.OpenReadAsync(pack.Id.Key, 0, length: null, cancellationToken)
                ?? throw Missing(pack);
            SafeFileHandle copy = File.OpenHandle(
                path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, FileOptions.DeleteOnClose);
            byte[] buffer = ArrayPool<byte>.Shared.Rent(256 * 1024);
            try
            {
                long offset = 0;
                while (await content.ReadAsync(buffer, cancellationToken) is var read and > 0)
                {
                    RandomAccess.Write(copy, buffer.AsSpan(0, read), offset);
                    offset += read;
                }

                return copy;
            }
            catch
            {
                copy.Dispose();
                throw;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Missing(pack);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path ?? pack.Id.Key);
        }
    }

    // Of a pack whose header is damaged the chunks can be read, as each names the source; garbage collection leaves it alone.
    private async Task DescribeAsync(PackFile pack, List<PackEntry> entries, CancellationToken cancellationToken)
    {
        byte[] header = new byte[PackFormat.HeaderLength];
        bool isIntact = await reader.ReadAsync(pack, 0, header, cancellationToken) == PackReadOutcome.Done
            && PackFormat.CheckHeader(pack.Id, header);
        string source = isIntact ? PackFormat.ReadSource(header) ?? "" : "";
        pack.Adoption = new PackAdoption(source, entries.Count, entries.Sum(static entry => (long)entry.Payload.RawLength));
    }

    /// <summary>Says that a pack is gone.</summary>
    public CorruptionException Missing(PackFile pack) => new(
        "pack-missing", $"pack {pack.Id} in {options.Objects.Location}", "it is gone", "restore it from a backup, then start pachd again");
}
