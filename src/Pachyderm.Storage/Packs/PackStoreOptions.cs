using Pachyderm.ObjectStores;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Index;
using Pachyderm.Storage.Maintenance;

namespace Pachyderm.Storage.Packs;

/// <summary>Where a <see cref="PackChunkStore"/> keeps its bytes, and how.</summary>
public sealed record PackStoreOptions
{
    /// <summary>Where sealed packs go, under <c>packs/</c>.</summary>
    public required IObjectStore Objects { get; init; }

    /// <summary>
    /// A local directory for packs that are not sealed. It must survive a restart: acknowledged chunks may be only there.
    /// On the file system of a local object store, packs move by renaming.
    /// </summary>
    public required string SpoolDirectory { get; init; }

    /// <summary>A local directory for the chunk index. What is lost of it is built from the packs.</summary>
    public required string IndexDirectory { get; init; }

    /// <summary>
    /// Where the stores of older releases are whose objects are part of this store. One that is adopted and not named here fails the reads
    /// of
    /// its chunks, and nothing else.
    /// </summary>
    public IReadOnlyList<AdoptionSource> AdoptedFrom { get; init; } = [];

    /// <summary>Length in bytes at which a pack is sealed; from 1 KiB to 1 GiB.</summary>
    public long PackSize { get; init; } = 64L << 20;

    /// <summary>Bytes of sealed packs that may wait for the object store; writers wait with them from then on.</summary>
    public long SpoolLimit { get; init; } = 4L << 30;

    /// <summary>Whether chunks are compressed where it pays.</summary>
    public bool Compress { get; init; } = true;

    /// <summary>Whether nothing may be changed, on any disk.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Local packs that are kept open for reading.</summary>
    public int OpenFiles { get; init; } = 256;

    /// <summary>Clock of the pauses between attempts.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Told what a person should know, at the opening and later; from any thread.</summary>
    public Action<StorageFinding>? OnFinding { get; init; }

    /// <summary>Entries of the index that are held in memory.</summary>
    internal int IndexTableLimit { get; init; } = ChunkIndexOptions.DefaultTableLimit;

    /// <summary>Chunks that go into one adopted pack.</summary>
    internal int AdoptedPackChunks { get; init; } = 100_000;

    /// <summary>How spool files are changed.</summary>
    internal SpoolFiles Files { get; init; } = new();

    /// <summary>Told the names of the places where crash tests strike.</summary>
    internal Action<string>? FaultPoint { get; init; }

    /// <summary>Passes a finding on.</summary>
    internal void Report(StorageFinding finding) => OnFinding?.Invoke(finding);
}
