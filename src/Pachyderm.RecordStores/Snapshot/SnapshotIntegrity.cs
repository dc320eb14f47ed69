namespace Pachyderm.RecordStores.Snapshot;

/// <summary>How much is checked when a snapshot file is opened.</summary>
public enum SnapshotIntegrity
{
    /// <summary>The SHA-256 at the end of the file must match all bytes before it. Costs one sequential read of the file.</summary>
    VerifyHash,

    /// <summary>The file must end with a SHA-256, which is believed: for a file that was verified or written a moment ago.</summary>
    Trust,

    /// <summary>The file has no SHA-256: a copy of <c>member/snap/db</c> of a stopped etcd.</summary>
    RawDatabase,
}
