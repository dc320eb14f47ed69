namespace Pachyderm.Backup;

/// <summary>Where a backup is restored to; at least one of them.</summary>
/// <param name="ContentDirectory">
/// Becomes the storage root; must not exist, or be an empty directory. Null to leave the content out.
/// </param>
/// <param name="MetadataFile">Becomes the etcd snapshot; must not exist. Null to leave the metadata out.</param>
/// <param name="DataDirectory">
/// For the backup of a data directory: becomes one, which pachd serves; must not exist, or be an empty directory. Excludes the others.
/// </param>
public sealed record RestoreTarget(string? ContentDirectory, string? MetadataFile, string? DataDirectory = null);

/// <summary>What was restored and proved by digest.</summary>
/// <param name="Name">The backup.</param>
/// <param name="Files">Files and links written.</param>
/// <param name="ContentBytes">Bytes of the files.</param>
/// <param name="ContentSha256">SHA-256 of the list of files, computed again from what was written; null without content.</param>
/// <param name="MetadataBytes">Bytes of the snapshot.</param>
/// <param name="MetadataSha256">SHA-256 of the snapshot as written; null without metadata.</param>
public sealed record RestoreResult(
    string Name, long Files, long ContentBytes, string? ContentSha256, long MetadataBytes, string? MetadataSha256)
{
    /// <summary>Content of a data directory that lies in an older store and was not in the backup: it is needed where it was.</summary>
    public IReadOnlyList<AdoptedPart> Adopted { get; init; } = [];
}
