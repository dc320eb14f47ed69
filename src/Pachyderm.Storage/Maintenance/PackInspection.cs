using Microsoft.Win32.SafeHandles;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Maintenance;

/// <summary>What a file that should be a pack is, whoever writes the store it belongs to.</summary>
public sealed record PackInspection
{
    private PackInspection()
    {
    }

    /// <summary>Whether it has its footer, so that it never changes again.</summary>
    public bool IsSealed { get; private init; }

    /// <summary>
    /// Bytes up to the end of the last intact chunk, or to the end of a sealed pack. They never change, unless the pack is damaged.
    /// </summary>
    public long SettledBytes { get; private init; }

    /// <summary>Intact chunks.</summary>
    public int Chunks { get; private init; }

    /// <summary>
    /// The source that the pack was adopted from: its chunks are references into that store. Null for a pack that has its own bytes.
    /// </summary>
    public string? AdoptedFrom { get; private init; }

    /// <summary>Bytes of chunks that are only referred to.</summary>
    public long AdoptedBytes { get; private init; }

    /// <summary>
    /// What is damaged. What follows the last intact chunk of an unsealed pack is no damage, since it was never acknowledged.
    /// </summary>
    public IReadOnlyList<StorageFinding> Findings { get; private init; } = [];

    /// <summary>
    /// The key of the object that a name of a pack belongs to, such as <c>packs/ab/ab..</c>; null if it is no name of a pack.
    /// </summary>
    public static string? KeyOf(string name) => PackId.TryParse(name, out PackId id) ? id.Key : null;

    /// <summary>Whether a key of an object store is that of a pack.</summary>
    public static bool IsKey(string key) => PackId.TryParseKey(key, out _);

    /// <summary>Whether a pack says in its header that its chunks are references into an older store.</summary>
    /// <param name="name">The pack's name.</param>
    /// <param name="file">The file.</param>
    public static bool IsAdopted(string name, SafeFileHandle file)
    {
        byte[] header = new byte[PackFormat.HeaderLength];
        return PackId.TryParse(name, out PackId id) && PackReader.ReadFully(file, 0, header)
            && PackFormat.CheckHeader(id, header) && PackFormat.ReadSource(header) is not null;
    }

    /// <summary>Reads and hashes everything in a pack.</summary>
    /// <param name="name">The pack's name: 32 hexadecimal digits.</param>
    /// <param name="location">Where it is, for findings.</param>
    /// <param name="file">The file. Another process may be appending to it.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="ArgumentException">The name is not that of a pack.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="Errors.OperatorException"><c>pack-format-unknown</c>: a later release wrote it.</exception>
    public static PackInspection Read(string name, string location, SafeFileHandle file, CancellationToken cancellationToken)
    {
        if (!PackId.TryParse(name, out PackId id))
        {
            throw new ArgumentException("The name is not that of a pack.", nameof(name));
        }

        long length = RandomAccess.GetLength(file);
        List<PackEntry>? footer = PackRecovery.ReadFooter(file, id, length, out long end);
        List<StorageFinding> findings = [];
        byte[] header = new byte[PackFormat.HeaderLength];
        bool hasHeader = PackReader.ReadFully(file, 0, header) && PackFormat.CheckHeader(id, header);
        HashSet<PackEntry> expected = [.. footer ?? []];
        List<ScannedPiece> damaged = [];
        int damagedBefore = 0;
        int chunks = 0;
        long settled = PackFormat.HeaderLength;
        long adopted = 0;
        foreach (ScannedPiece piece in PackScanner.Scan(file, id, footer is null ? length : end, readPayloads: true))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!piece.Intact)
            {
                damaged.Add(piece);
                continue;
            }

            chunks++;
            settled = piece.Offset + piece.Length;
            damagedBefore = damaged.Count;
            adopted += piece.Entry.Payload.Encoding == ChunkEncoding.Reference ? piece.Entry.Payload.RawLength : 0;
            if (footer is not null && !expected.Remove(piece.Entry))
            {
                findings.Add(Wrong(location, "its footer lacks a chunk that it holds"));
            }
        }

        findings.AddRange(
            damaged.Take(footer is null ? damagedBefore : damaged.Count).Select(piece => PackRecovery.Describe(location, piece)));
        if (expected.Count > 0 && damaged.Count == 0)
        {
            findings.Add(Wrong(location, "its footer names a chunk that it does not hold"));
        }

        if (!hasHeader && (footer is not null || chunks > 0))
        {
            findings.Add(Wrong(location, "its header is damaged"));
        }

        return new PackInspection
        {
            IsSealed = footer is not null,
            SettledBytes = footer is null ? settled : length,
            Chunks = chunks,
            AdoptedFrom = adopted > 0 && hasHeader ? PackFormat.ReadSource(header) : null,
            AdoptedBytes = adopted,
            Findings = findings,
        };
    }

    private static StorageFinding Wrong(string location, string problem) => new(
        "pack-damaged", location, problem, "fsck with fix moves its intact chunks to a new pack", Fixed: false);
}
