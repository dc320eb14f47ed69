using Microsoft.Win32.SafeHandles;

namespace Pachyderm.Backup.Native;

/// <summary>A file of a data directory that is backed up.</summary>
/// <param name="Path">Its path in the directory.</param>
/// <param name="FullPath">Where it is.</param>
internal sealed record StoreFile(string Path, string FullPath)
{
    /// <summary>The name of a pack; null for another file.</summary>
    public string? PackName { get; init; }

    /// <summary>An unsealed pack, opened when it was found.</summary>
    public SafeFileHandle? Handle { get; init; }

    /// <summary>Size of a sealed pack.</summary>
    public long SizeBytes { get; init; }
}

/// <summary>A file that is in the repository now.</summary>
/// <param name="File">Its record, and what was stored for it.</param>
/// <param name="Adopted">What it only refers to.</param>
internal readonly record struct StoredPack(StoredFile File, AdoptedPart? Adopted);

/// <summary>Counts what a backup holds.</summary>
internal sealed class StoreTotals
{
    public long Files { get; private set; }

    public long Unsealed { get; private set; }

    public long Bytes { get; private set; }

    public long NewBytes { get; private set; }

    public List<string> Damaged { get; } = [];

    public SortedDictionary<string, AdoptedPart> Adopted { get; } = new(StringComparer.Ordinal);

    public IReadOnlyList<AdoptedPart> AdoptedParts => [.. Adopted.Values];

    public void Add(StoredPack pack)
    {
        Files++;
        Bytes += pack.File.Record.SizeBytes;
        NewBytes += pack.File.NewBytes;
        Unsealed += pack.File.Record.Path.StartsWith(DataDirectory.SpoolName + "/", StringComparison.Ordinal) ? 1 : 0;
        if (pack.File.IsDamaged)
        {
            Damaged.Add(pack.File.Record.Path);
        }

        if (pack.Adopted is { } part)
        {
            AdoptedPart? sum = Adopted.GetValueOrDefault(part.Source);
            Adopted[part.Source] = part with { Chunks = part.Chunks + (sum?.Chunks ?? 0), Bytes = part.Bytes + (sum?.Bytes ?? 0) };
        }
    }
}
