namespace Pachyderm.Formats;

/// <summary>
/// What a key of a cluster's etcd belongs to. <c>P</c> and <c>Q</c> are the prefixes of the file system and of the pipelines.
/// </summary>
public enum RecordKind
{
    /// <summary>Under neither prefix: somebody else's.</summary>
    Foreign,

    /// <summary>Under a prefix, but of no form that 1.4 or 1.5 writes.</summary>
    Unknown,

    /// <summary><c>P/repos/REPO</c>.</summary>
    Repo,

    /// <summary><c>P/repos__index_{Provenance …}/name:"PROVENANCE" /REPO</c>.</summary>
    RepoProvenanceIndex,

    /// <summary><c>P/repoRefCounts/REPO</c>.</summary>
    RepoRefCount,

    /// <summary><c>P/commits/REPO/ID</c>.</summary>
    Commit,

    /// <summary><c>P/commits/REPO__index_{Provenance …}/repo:&lt;name:"…" &gt; id:"…" /ID</c>.</summary>
    CommitProvenanceIndex,

    /// <summary><c>P/branches/REPO/BRANCH</c>; a branch name may contain slashes.</summary>
    Branch,

    /// <summary><c>P/openCommits/ID</c>. 1.5 only.</summary>
    OpenCommit,

    /// <summary><c>P/scratch/REPO/COMMIT/PATH/UNIQUE</c>.</summary>
    Scratch,

    /// <summary><c>P/auth/tokens/HASH</c>. 1.5 only.</summary>
    AuthToken,

    /// <summary><c>P/auth/acls/REPO</c>. 1.5 only.</summary>
    AuthAcl,

    /// <summary><c>P/auth/admins/USER</c>. 1.5 only.</summary>
    AuthAdmin,

    /// <summary><c>Q/pipelines/NAME</c>.</summary>
    Pipeline,

    /// <summary><c>Q/pipelines__index_{Stopped …}/%!s(bool=…)/NAME</c>. 1.4 only.</summary>
    PipelineStoppedIndex,

    /// <summary><c>Q/jobs/ID</c>.</summary>
    Job,

    /// <summary><c>Q/jobs__index_{Pipeline …}/name:"PIPELINE" /ID</c>.</summary>
    JobPipelineIndex,

    /// <summary><c>Q/jobs__index_{Input …}/TEXT OF INPUT/ID</c>. From 1.4.6 on.</summary>
    JobInputIndex,

    /// <summary><c>Q/jobs__index_{Inputs …}/[TEXTS OF INPUTS]/ID</c>. Up to 1.4.5.</summary>
    JobInputsIndex,

    /// <summary><c>Q/jobs__index_{Stopped …}/%!s(bool=…)/ID</c>. 1.4 only.</summary>
    JobStoppedIndex,

    /// <summary><c>Q/workers/CONTROLLER/ADDRESS</c>, leased.</summary>
    Worker,

    /// <summary><c>Q/_master_lock/…</c>, leased.</summary>
    MasterLock,

    /// <summary><c>Q/_master_worker_lock/PIPELINE/…</c>, leased.</summary>
    WorkerMasterLock,

    /// <summary><c>gc-generation</c>, under no prefix.</summary>
    GcGeneration,
}
