using Pachyderm.Backup.Native;
using Pachyderm.Formats.Content;

namespace Pachyderm.Backup;

/// <summary>What to back up.</summary>
public sealed record BackupRequest
{
    /// <summary>
    /// Name of the backup: letters, digits, <c>.</c>, <c>_</c> and <c>-</c>, up to 100; null for the time in UTC, such as
    /// <c>20261122T212254Z</c>.
    /// </summary>
    public string? Name { get; init; }

    /// <summary>What is backed up, for people: <c>etcd 127.0.0.1:2379 and /var/pachyderm</c>.</summary>
    public required string Source { get; init; }

    /// <summary>Where the metadata comes from; null to leave it out.</summary>
    public MetadataSource? Metadata { get; init; }

    /// <summary>The content; null to leave it out. Taken after the metadata, so that what the metadata reference is in it.</summary>
    public LegacyContentStore? Content { get; init; }

    /// <summary>
    /// The data directory of a pachd of 3.0 or later, served or not; excludes <see cref="Metadata"/> and <see cref="Content"/>.
    /// </summary>
    public DataDirectory? Data { get; init; }

    /// <summary>
    /// Whether content of <see cref="Data"/> that lies in an older store may be left out; the summary names it. If not, it is refused
    /// (<c>adopted-content-elsewhere</c>).
    /// </summary>
    public bool WithoutAdopted { get; init; }

    /// <summary>
    /// Told, for people, what the backup waits for before it begins: another backup or a garbage collection of the same directory.
    /// </summary>
    public Action<string>? OnWaiting { get; init; }

    /// <summary>
    /// Gives every object that the metadata reference, with what references it; null to check nothing. Called before the content is
    /// copied, and again afterwards if files came or went in the meantime. See <see cref="TreeReferences"/>.
    /// </summary>
    public Func<CancellationToken, IAsyncEnumerable<ObjectReference>>? References { get; init; }

    /// <summary>
    /// Whether objects whose content does not have the SHA-512 that is their name, and damaged packs, are backed up as they are, and named
    /// in the summary. If not, they are refused.
    /// </summary>
    public bool AcceptDamaged { get; init; }

    /// <summary>Told of the progress, from any thread.</summary>
    public IProgress<BackupProgress>? Progress { get; init; }
}

/// <summary>Where the metadata of a backup come from.</summary>
/// <param name="Location">Where, for people: <c>etcd 127.0.0.1:2379</c>, <c>snapshot etcd.snap</c>.</param>
/// <param name="Revision">Revision of the store that the snapshot has.</param>
/// <param name="RecordCount">Number of live records, if known.</param>
/// <param name="WriteAsync">Writes the snapshot (the format of <c>etcdctl snapshot save</c>) into a stream.</param>
public sealed record MetadataSource(string Location, long Revision, long? RecordCount, Func<Stream, CancellationToken, Task> WriteAsync);

/// <summary>Something that needs an object.</summary>
/// <param name="ObjectHash">The object.</param>
/// <param name="ReferencedBy">What needs it, for people: <c>commit images@4e5e...:/a.png</c>.</param>
public readonly record struct ObjectReference(string ObjectHash, string ReferencedBy);

/// <summary>How far a backup, a verification or a restore is.</summary>
/// <param name="Phase">What is being done: <c>metadata</c>, <c>references</c>, <c>content</c>, <c>proof</c>.</param>
/// <param name="Items">Files or references done in this phase.</param>
/// <param name="Bytes">Bytes of the files done in this phase.</param>
public readonly record struct BackupProgress(string Phase, long Items, long Bytes);
