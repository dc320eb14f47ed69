using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Maintenance;

namespace Pachyderm.Storage.Packs;

/// <summary>
/// Reads what a stopped process left in the spool. A sealed pack is taken as it is. One that was open is read record by record; what
/// follows its last intact record was never acknowledged, or the disk lost it, and is cut off.
/// </summary>
internal static class PackRecovery
{
    /// <summary>How the names of spool files end.</summary>
    public const string FileSuffix = ".pack";

    /// <summary>Recovers every pack of a spool directory.</summary>
    /// <param name="options">The store's settings.</param>
    /// <param name="packs">Gets the packs.</param>
    /// <param name="inStore">Packs that the object store has, with their lengths.</param>
    /// <exception cref="OperatorException">A file cannot be read or written, or is of a later release.</exception>
    public static IEnumerable<OpenPack> Recover(PackStoreOptions options, PackSet packs, IReadOnlyDictionary<PackId, long> inStore)
    {
        if (!Directory.Exists(options.SpoolDirectory))
        {
            yield break;
        }

        foreach (string path in Directory.EnumerateFiles(options.SpoolDirectory, "*" + FileSuffix).Order(StringComparer.Ordinal))
        {
            if (!PackId.TryParse(Path.GetFileNameWithoutExtension(path.AsSpan()), out PackId id))
            {
                options.Report(
                    new StorageFinding("spool-file-unknown", path, "its name is not that of a pack", "move it away", Fixed: false));
                continue;
            }

            OpenPack? open;
            try
            {
                open = inStore.TryGetValue(id, out long length)
                    ? DropCopy(options, path, id, length)
                    : RecoverOne(options, packs, path, id);
            }
            catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
            {
                throw StorageErrors.Translate(exception, path);
            }

            if (open is not null)
            {
                yield return open;
            }
        }
    }

    /// <summary>Reads the footer of a sealed file.</summary>
    /// <returns>The entries, or null if the file is not sealed.</returns>
    public static List<PackEntry>? ReadFooter(SafeFileHandle handle, PackId id, long length, out long footerOffset)
    {
        footerOffset = 0;
        Span<byte> trailer = stackalloc byte[PackFormat.TrailerLength];
        if (length < PackFormat.HeaderLength + PackFormat.TrailerLength
            || !PackReader.ReadFully(handle, length - PackFormat.TrailerLength, trailer)
            || !PackFormat.CheckTrailer(id, length, trailer, out int count, out footerOffset))
        {
            return null;
        }

        byte[] entries = new byte[count * PackEntry.Length];
        return PackReader.ReadFully(handle, footerOffset, entries) ? PackFormat.ReadEntries(id, entries, trailer, footerOffset) : null;
    }

    // The process ended between the upload and the removal.
    private static OpenPack? DropCopy(PackStoreOptions options, string path, PackId id, long lengthInStore)
    {
        using SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (RandomAccess.GetLength(handle) == lengthInStore && ReadFooter(handle, id, lengthInStore, out _) is not null)
        {
            if (!options.ReadOnly)
            {
                File.Delete(path);
            }

            return null;
        }

        options.Report(new StorageFinding(
            "spool-pack-differs", path, "the object store has a pack of this name and another length", "move the file away and run fsck",
            Fixed: false));
        return null;
    }

    private static OpenPack? RecoverOne(PackStoreOptions options, PackSet packs, string path, PackId id)
    {
        SafeFileHandle handle = File.OpenHandle(
            path, FileMode.Open, options.ReadOnly ? FileAccess.Read : FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        bool kept = false;
        try
        {
            long length = RandomAccess.GetLength(handle);
            OpenPack? open = ReadFooter(handle, id, length, out long footerOffset) is { } sealedEntries
                ? Register(packs, path, id, handle, sealedEntries, footerOffset, PackFormat.VersionFor(sealedEntries))
                : ReadRecords(options, packs, path, id, handle, length);
            if (open is null)
            {
                if (!options.ReadOnly)
                {
                    File.Delete(path);
                }

                return null;
            }

            open.SealedLength = footerOffset > 0 && open.Tail == footerOffset ? length : 0;
            if (!options.ReadOnly)
            {
                // What the scan saw may have been in the page cache only.
                options.Files.Flush(handle);
                options.Files.FlushDirectory(options.SpoolDirectory);
            }

            kept = true;
            return open;
        }
        finally
        {
            if (!kept)
            {
                handle.Dispose();
            }
        }
    }

    private static OpenPack? ReadRecords(
        PackStoreOptions options, PackSet packs, string path, PackId id, SafeFileHandle handle, long length)
    {
        Span<byte> header = stackalloc byte[PackFormat.HeaderLength];
        header.Clear();
        bool headerIntact = length >= header.Length && PackReader.ReadFully(handle, 0, header) && PackFormat.CheckHeader(id, header);
        List<PackEntry> entries = [];
        List<ScannedPiece> damaged = [];
        long end = PackFormat.HeaderLength;
        int damagedBeforeEnd = 0;
        foreach (ScannedPiece piece in PackScanner.Scan(handle, id, length, readPayloads: true))
        {
            if (piece.Intact)
            {
                entries.Add(piece.Entry);
                end = piece.Offset + piece.Length;
                damagedBeforeEnd = damaged.Count;
            }
            else
            {
                damaged.Add(piece);
            }
        }

        foreach (ScannedPiece piece in damaged.Take(damagedBeforeEnd))
        {
            options.Report(Describe(path, piece));
        }

        if (end < length)
        {
            options.Report(new StorageFinding(
                "spool-tail-cut", path, string.Create(CultureInfo.InvariantCulture, $"{length - end} bytes after the last intact chunk"),
                "they were not acknowledged when the process ended, and are cut off", Fixed: !options.ReadOnly));
        }

        if (entries.Count == 0)
        {
            return null;
        }

        if (!headerIntact)
        {
            options.Report(new StorageFinding(
                "pack-header-damaged", path, "its header is damaged, its chunks are not", "the header is written again",
                Fixed: !options.ReadOnly));
        }

        ushort version = headerIntact && PackFormat.ReadVersion(header) == PackFormat.CopiedVersion
            ? PackFormat.CopiedVersion : PackFormat.VersionFor(entries);
        if (!options.ReadOnly)
        {
            byte[] renewed = new byte[PackFormat.HeaderLength];
            PackFormat.WriteHeader(id, renewed, version);
            options.Files.Write(handle, [renewed], 0);
            options.Files.SetLength(handle, end);
        }

        return Register(packs, path, id, handle, entries, end, version);
    }

    /// <summary>Tells of damage inside a pack.</summary>
    public static StorageFinding Describe(string thing, ScannedPiece piece) => piece.Header is { } header
        ? header.Payload.Encoding == ChunkEncoding.Reference ? new StorageFinding(
            "adopted-reference-damaged", $"chunk {header.Id} in {thing}",
            string.Create(CultureInfo.InvariantCulture, $"the reference to its bytes, at offset {piece.Offset}, is damaged"),
            "import the older cluster again, or restore the pack from a backup", Fixed: false) : new StorageFinding(
            "chunk-damaged", $"chunk {header.Id} in {thing}",
            string.Create(CultureInfo.InvariantCulture, $"its bytes at offset {piece.Offset} do not agree with its hash"),
            "put the same content again, or restore it from a backup", Fixed: false)
        : new StorageFinding(
            "pack-record-damaged", thing,
            string.Create(CultureInfo.InvariantCulture, $"{piece.Length} bytes at offset {piece.Offset} are no record"),
            "run fsck to learn which chunks are missing, and restore them from a backup", Fixed: false);

    private static OpenPack Register(
        PackSet packs, string path, PackId id, SafeFileHandle handle, List<PackEntry> entries, long end, ushort version)
    {
        PackFile pack = packs.Add(id, PackFile.Past);
        pack.Version = version;
        pack.SpoolPath = path;
        pack.Handle = handle;
        return new OpenPack(pack, handle, path, entries) { Tail = end, FlushedTail = end, NameFlushed = true };
    }
}
