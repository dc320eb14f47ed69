namespace Pachyderm.Backup;

/// <summary>What a listing tells of a backup.</summary>
public sealed record BackupSummary
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>When it was begun, in UTC.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>What was backed up.</summary>
    public string Source { get; init; } = "";

    /// <summary>Version of the backup format.</summary>
    public int Version { get; init; }

    /// <summary>Whether it is encrypted.</summary>
    public bool Encrypted { get; init; }

    /// <summary>Whether it holds metadata.</summary>
    public bool HasMetadata { get; init; }

    /// <summary>Where the metadata came from; null without metadata.</summary>
    public string? MetadataLocation { get; init; }

    /// <summary>Revision of the metadata; null without metadata.</summary>
    public long? Revision { get; init; }

    /// <summary>Records of the metadata, if they were counted.</summary>
    public long? Records { get; init; }

    /// <summary>Size of the metadata in bytes.</summary>
    public long MetadataBytes { get; init; }

    /// <summary>Whether it holds content.</summary>
    public bool HasContent { get; init; }

    /// <summary>Where the content came from; null without content.</summary>
    public string? ContentLocation { get; init; }

    /// <summary>Files of the content.</summary>
    public long Files { get; init; }

    /// <summary>Symbolic links of the content.</summary>
    public long Links { get; init; }

    /// <summary>Size of all files of the content in bytes.</summary>
    public long ContentBytes { get; init; }

    /// <summary>
    /// Bytes of files that no earlier backup had stored. Small files that may change (tags, references) are in the list of files and not
    /// counted.
    /// </summary>
    public long NewContentBytes { get; init; }

    /// <summary>References to objects that were checked when it was made; null if none were.</summary>
    public long? ReferencesChecked { get; init; }

    /// <summary>Up to 20 entries of the storage root that are no part of a content store and were left out.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];

    /// <summary>Format of the store, for the backup of a data directory; else null.</summary>
    public int? StoreFormat { get; init; }

    /// <summary>Content of a data directory that lies in an older store and is not in the backup.</summary>
    public IReadOnlyList<AdoptedPart> Adopted { get; init; } = [];

    /// <summary>Up to 20 objects or packs whose content was wrong already when it was backed up.</summary>
    public IReadOnlyList<string> Damaged { get; init; } = [];

    /// <summary>Why the backup cannot be read; null for a readable one. All but the name is unknown then.</summary>
    public string? Problem { get; init; }

    internal static BackupSummary Of(BackupManifest manifest, bool encrypted) => new()
    {
        Name = manifest.Name,
        Created = manifest.Created,
        Source = manifest.Source,
        Version = manifest.Version,
        Encrypted = encrypted,
        HasMetadata = manifest.Metadata is not null,
        MetadataLocation = manifest.Metadata?.Location,
        Revision = manifest.Metadata?.Revision,
        Records = manifest.Metadata?.Records,
        MetadataBytes = manifest.Metadata?.Bytes ?? 0,
        HasContent = manifest.List is not null,
        ContentLocation = manifest.Content?.Location ?? manifest.Store?.Location,
        Files = manifest.Content?.Files ?? manifest.Store?.Files ?? 0,
        Links = manifest.Content?.Links ?? 0,
        ContentBytes = manifest.List?.Bytes ?? 0,
        NewContentBytes = manifest.Content?.NewBytes ?? manifest.Store?.NewBytes ?? 0,
        ReferencesChecked = manifest.ReferencesChecked,
        LeftOut = manifest.Content?.LeftOut ?? [],
        StoreFormat = manifest.Store?.Format,
        Adopted = manifest.Store?.Adopted ?? [],
        Damaged = manifest.Content?.Damaged ?? manifest.Store?.Damaged ?? [],
    };
}
