using System.Text;

namespace Pachyderm.Formats;

/// <summary>
/// Takes apart and builds the keys that 1.4 and 1.5 keep in etcd, under the prefixes of one cluster. Immutable and safe for concurrent use.
/// </summary>
/// <remarks>
/// Upstream joins the parts of a key with Go's <c>path.Join</c>, which cleans the result: repeated slashes, <c>.</c>, <c>..</c> and a final
/// slash vanish, inside indexed values too. Built keys are cleaned in the same way.
/// </remarks>
public sealed partial class ClusterKeys
{
    /// <summary>Prefix of the file system's keys unless PFS_ETCD_PREFIX says otherwise.</summary>
    public const string DefaultPfsPrefix = "pachyderm_pfs";

    /// <summary>Prefix of the pipelines' keys unless PPS_ETCD_PREFIX says otherwise.</summary>
    public const string DefaultPpsPrefix = "pachyderm_pps";

    private readonly byte[] _pfs;
    private readonly byte[] _pps;

    /// <summary>Keys under the given prefixes, which may contain slashes.</summary>
    /// <param name="pfsPrefix">Value of PFS_ETCD_PREFIX.</param>
    /// <param name="ppsPrefix">Value of PPS_ETCD_PREFIX.</param>
    public ClusterKeys(string pfsPrefix = DefaultPfsPrefix, string ppsPrefix = DefaultPpsPrefix)
    {
        ArgumentNullException.ThrowIfNull(pfsPrefix);
        ArgumentNullException.ThrowIfNull(ppsPrefix);
        _pfs = GoPath.AsFolder(Encoding.UTF8.GetBytes(pfsPrefix));
        _pps = GoPath.AsFolder(Encoding.UTF8.GetBytes(ppsPrefix));
    }

    private static ReadOnlySpan<byte> Repos => "repos/"u8;

    private static ReadOnlySpan<byte> ReposByProvenance => "repos__index_{Provenance %!s(bool=true)}/"u8;

    private static ReadOnlySpan<byte> RefCounts => "repoRefCounts/"u8;

    private static ReadOnlySpan<byte> Commits => "commits/"u8;

    private static ReadOnlySpan<byte> ByProvenance => "__index_{Provenance %!s(bool=true)}"u8;

    private static ReadOnlySpan<byte> Branches => "branches/"u8;

    private static ReadOnlySpan<byte> OpenCommits => "openCommits/"u8;

    private static ReadOnlySpan<byte> ScratchSpace => "scratch/"u8;

    private static ReadOnlySpan<byte> Tokens => "auth/tokens/"u8;

    private static ReadOnlySpan<byte> Acls => "auth/acls/"u8;

    private static ReadOnlySpan<byte> Admins => "auth/admins/"u8;

    private static ReadOnlySpan<byte> Pipelines => "pipelines/"u8;

    private static ReadOnlySpan<byte> PipelinesByStopped => "pipelines__index_{Stopped %!s(bool=false)}/"u8;

    private static ReadOnlySpan<byte> Jobs => "jobs/"u8;

    private static ReadOnlySpan<byte> JobsByPipeline => "jobs__index_{Pipeline %!s(bool=false)}/"u8;

    private static ReadOnlySpan<byte> JobsByInput => "jobs__index_{Input %!s(bool=false)}/"u8;

    private static ReadOnlySpan<byte> JobsByInputs => "jobs__index_{Inputs %!s(bool=false)}/"u8;

    private static ReadOnlySpan<byte> JobsByStopped => "jobs__index_{Stopped %!s(bool=false)}/"u8;

    private static ReadOnlySpan<byte> Workers => "workers/"u8;

    private static ReadOnlySpan<byte> MasterLock => "_master_lock/"u8;

    private static ReadOnlySpan<byte> WorkerMasterLock => "_master_worker_lock/"u8;

    private static ReadOnlySpan<byte> GcGenerationKey => "gc-generation"u8;

    /// <summary>What a key belongs to. Allocates nothing.</summary>
    /// <param name="key">Any key of the store.</param>
    public RecordKind Classify(ReadOnlySpan<byte> key) => Parse(key).Kind;

    /// <summary>Takes a key apart. Allocates nothing; the parts are slices of <paramref name="key"/>.</summary>
    /// <param name="key">Any key of the store.</param>
    public RecordKey Parse(ReadOnlySpan<byte> key)
    {
        if (key.SequenceEqual(GcGenerationKey))
        {
            return new RecordKey { Kind = RecordKind.GcGeneration };
        }

        bool isPfs = key.StartsWith(_pfs);
        if (isPfs && ParsePfs(key[_pfs.Length..]) is { Kind: not RecordKind.Unknown } pfs)
        {
            return pfs;
        }

        // One prefix may lie below the other, or be the same.
        if (key.StartsWith(_pps))
        {
            return ParsePps(key[_pps.Length..]);
        }

        return new RecordKey { Kind = isPfs ? RecordKind.Unknown : RecordKind.Foreign };
    }

    /// <summary>
    /// What all keys of a kind start with, such as <c>pachyderm_pfs/repos/</c>: the range to read or to delete. Commit and
    /// CommitProvenanceIndex share theirs, since each repo's index lies among the commits. GcGeneration is the key itself.
    /// </summary>
    /// <param name="kind">Any kind but <see cref="RecordKind.Foreign"/> and <see cref="RecordKind.Unknown"/>.</param>
    public byte[] Prefix(RecordKind kind) => kind switch
    {
        RecordKind.Repo => [.. _pfs, .. Repos],
        RecordKind.RepoProvenanceIndex => [.. _pfs, .. ReposByProvenance],
        RecordKind.RepoRefCount => [.. _pfs, .. RefCounts],
        RecordKind.Commit or RecordKind.CommitProvenanceIndex => [.. _pfs, .. Commits],
        RecordKind.Branch => [.. _pfs, .. Branches],
        RecordKind.OpenCommit => [.. _pfs, .. OpenCommits],
        RecordKind.Scratch => [.. _pfs, .. ScratchSpace],
        RecordKind.AuthToken => [.. _pfs, .. Tokens],
        RecordKind.AuthAcl => [.. _pfs, .. Acls],
        RecordKind.AuthAdmin => [.. _pfs, .. Admins],
        RecordKind.Pipeline => [.. _pps, .. Pipelines],
        RecordKind.PipelineStoppedIndex => [.. _pps, .. PipelinesByStopped],
        RecordKind.Job => [.. _pps, .. Jobs],
        RecordKind.JobPipelineIndex => [.. _pps, .. JobsByPipeline],
        RecordKind.JobInputIndex => [.. _pps, .. JobsByInput],
        RecordKind.JobInputsIndex => [.. _pps, .. JobsByInputs],
        RecordKind.JobStoppedIndex => [.. _pps, .. JobsByStopped],
        RecordKind.Worker => [.. _pps, .. Workers],
        RecordKind.MasterLock => [.. _pps, .. MasterLock],
        RecordKind.WorkerMasterLock => [.. _pps, .. WorkerMasterLock],
        RecordKind.GcGeneration => [.. GcGenerationKey],
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Keys of this kind have no prefix of their own."),
    };

    private static RecordKey ParsePfs(ReadOnlySpan<byte> rest)
    {
        if (TryStrip(rest, Commits, out var commit))
        {
            return ParseCommit(commit);
        }

        if (TryStrip(rest, Branches, out var branch))
        {
            return Split(branch, out var repo, out var name) && repo.Length > 0 && name.Length > 0
                ? new RecordKey { Kind = RecordKind.Branch, Repo = repo, Name = name }
                : Unknown;
        }

        if (TryStrip(rest, Repos, out var repoName))
        {
            return IsName(repoName) ? new RecordKey { Kind = RecordKind.Repo, Repo = repoName } : Unknown;
        }

        if (TryStrip(rest, ReposByProvenance, out var repoEntry))
        {
            return SplitLast(repoEntry, out var value, out var repo)
                ? new RecordKey { Kind = RecordKind.RepoProvenanceIndex, IndexValue = value, Repo = repo }
                : Unknown;
        }

        if (TryStrip(rest, RefCounts, out var counted))
        {
            return IsName(counted) ? new RecordKey { Kind = RecordKind.RepoRefCount, Repo = counted } : Unknown;
        }

        if (TryStrip(rest, ScratchSpace, out var scratch))
        {
            return ParseScratch(scratch);
        }

        if (TryStrip(rest, OpenCommits, out var open))
        {
            return IsName(open) ? new RecordKey { Kind = RecordKind.OpenCommit, Id = open } : Unknown;
        }

        if (TryStrip(rest, Tokens, out var token))
        {
            return IsName(token) ? new RecordKey { Kind = RecordKind.AuthToken, Name = token } : Unknown;
        }

        if (TryStrip(rest, Acls, out var acl))
        {
            return IsName(acl) ? new RecordKey { Kind = RecordKind.AuthAcl, Repo = acl } : Unknown;
        }

        return TryStrip(rest, Admins, out var admin) && !admin.IsEmpty
            ? new RecordKey { Kind = RecordKind.AuthAdmin, Name = admin }
            : Unknown;
    }

    private static RecordKey ParsePps(ReadOnlySpan<byte> rest)
    {
        if (TryStrip(rest, Jobs, out var job))
        {
            return IsName(job) ? new RecordKey { Kind = RecordKind.Job, Id = job } : Unknown;
        }

        if (TryStrip(rest, JobsByInput, out var byInput))
        {
            return JobEntry(RecordKind.JobInputIndex, byInput);
        }

        if (TryStrip(rest, JobsByPipeline, out var byPipeline))
        {
            return JobEntry(RecordKind.JobPipelineIndex, byPipeline);
        }

        if (TryStrip(rest, JobsByStopped, out var byStopped))
        {
            return JobEntry(RecordKind.JobStoppedIndex, byStopped);
        }

        if (TryStrip(rest, JobsByInputs, out var byInputs))
        {
            return JobEntry(RecordKind.JobInputsIndex, byInputs);
        }

        if (TryStrip(rest, Pipelines, out var pipeline))
        {
            return IsName(pipeline) ? new RecordKey { Kind = RecordKind.Pipeline, Name = pipeline } : Unknown;
        }

        if (TryStrip(rest, PipelinesByStopped, out var stopped))
        {
            return SplitLast(stopped, out var value, out var name)
                ? new RecordKey { Kind = RecordKind.PipelineStoppedIndex, IndexValue = value, Name = name }
                : Unknown;
        }

        if (TryStrip(rest, Workers, out var worker))
        {
            return Split(worker, out var controller, out var address) && controller.Length > 0 && address.Length > 0
                ? new RecordKey { Kind = RecordKind.Worker, Name = controller, Path = address }
                : Unknown;
        }

        if (TryStrip(rest, WorkerMasterLock, out var workerLock))
        {
            return Split(workerLock, out var name, out var holder) && name.Length > 0
                ? new RecordKey { Kind = RecordKind.WorkerMasterLock, Name = name, Path = holder }
                : Unknown;
        }

        return TryStrip(rest, MasterLock, out var masterLock)
            ? new RecordKey { Kind = RecordKind.MasterLock, Path = masterLock }
            : Unknown;
    }

    private static RecordKey Unknown => new() { Kind = RecordKind.Unknown };

    private static RecordKey ParseCommit(ReadOnlySpan<byte> rest)
    {
        if (!Split(rest, out var repo, out var tail) || repo.IsEmpty)
        {
            return Unknown;
        }

        if (!repo.EndsWith(ByProvenance))
        {
            return IsName(tail) ? new RecordKey { Kind = RecordKind.Commit, Repo = repo, Id = tail } : Unknown;
        }

        repo = repo[..^ByProvenance.Length];
        return repo.Length > 0 && SplitLast(tail, out var value, out var id)
            ? new RecordKey { Kind = RecordKind.CommitProvenanceIndex, Repo = repo, IndexValue = value, Id = id }
            : Unknown;
    }

    private static RecordKey ParseScratch(ReadOnlySpan<byte> rest)
    {
        if (!Split(rest, out var repo, out var tail) || !Split(tail, out var commit, out var file) || repo.IsEmpty || commit.IsEmpty)
        {
            return Unknown;
        }

        // The root of a commit has an empty path.
        int slash = file.LastIndexOf((byte)'/');
        var path = slash < 0 ? default : file[..slash];
        var unique = file[(slash + 1)..];
        return unique.IsEmpty
            ? Unknown
            : new RecordKey { Kind = RecordKind.Scratch, Repo = repo, Id = commit, Path = path, Name = unique };
    }

    private static RecordKey JobEntry(RecordKind kind, ReadOnlySpan<byte> entry) =>
        SplitLast(entry, out var value, out var id) ? new RecordKey { Kind = kind, IndexValue = value, Id = id } : Unknown;

    private static bool TryStrip(ReadOnlySpan<byte> key, ReadOnlySpan<byte> prefix, out ReadOnlySpan<byte> rest)
    {
        bool matches = key.StartsWith(prefix);
        rest = matches ? key[prefix.Length..] : default;
        return matches;
    }

    private static bool IsName(ReadOnlySpan<byte> name) => name.Length > 0 && !name.Contains((byte)'/');

    private static bool Split(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> head, out ReadOnlySpan<byte> tail)
    {
        int slash = key.IndexOf((byte)'/');
        head = slash < 0 ? default : key[..slash];
        tail = slash < 0 ? default : key[(slash + 1)..];
        return slash >= 0;
    }

    // At the last slash: the indexed value before it, the primary key after it. Neither may be empty.
    private static bool SplitLast(ReadOnlySpan<byte> entry, out ReadOnlySpan<byte> value, out ReadOnlySpan<byte> primaryKey)
    {
        int slash = entry.LastIndexOf((byte)'/');
        value = slash < 0 ? default : entry[..slash];
        primaryKey = slash < 0 ? default : entry[(slash + 1)..];
        return value.Length > 0 && primaryKey.Length > 0;
    }
}
