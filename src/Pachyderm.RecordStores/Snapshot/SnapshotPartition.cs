namespace Pachyderm.RecordStores.Snapshot;

/// <summary>A contiguous part of a snapshot's revisions, which can be read independently of, and in parallel with, the others.</summary>
public readonly record struct SnapshotPartition
{
    internal SnapshotPartition(int index, int firstLeaf, int endLeaf)
    {
        Index = index;
        FirstLeaf = firstLeaf;
        EndLeaf = endLeaf;
    }

    /// <summary>Place of the partition among its siblings, from 0; a higher one holds newer revisions only.</summary>
    public int Index { get; }

    internal int FirstLeaf { get; }

    internal int EndLeaf { get; }
}
