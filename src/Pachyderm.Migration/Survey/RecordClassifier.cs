using System.IO.Hashing;
using Pachyderm.Formats;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Survey;

/// <summary>Tells which records belong to a cluster, and in which list each is shown.</summary>
/// <param name="keys">The cluster's keys.</param>
public sealed class RecordClassifier(ClusterKeys keys)
{
    /// <summary>The list of all jobs, as <see cref="IsDurable(in StoredRecord, out ulong)"/> tells it.</summary>
    internal const ulong JobScope = 3;

    /// <summary>The cluster's keys.</summary>
    public ClusterKeys Keys { get; } = keys;

    /// <summary>
    /// Whether a record is the cluster's own and lasting: under one of its prefixes, and not on a lease, which is how workers and locks
    /// register. Only such records are carried, and only they count in digests.
    /// </summary>
    public bool IsDurable(in StoredRecord record) => record.Lease == 0 && IsOwn(Keys.Classify(record.Key.Span));

    /// <summary>The same, and tells in which list a record is shown.</summary>
    /// <param name="record">The record.</param>
    /// <param name="listScope">
    /// The list as a hash: all repos, all commits of one repo, all branches of one repo, all pipelines, all jobs. 0 for records that
    /// are not durable or not listed. Upstream sorts these lists by the revision of the last write.
    /// </param>
    public bool IsDurable(in StoredRecord record, out ulong listScope)
    {
        RecordKey key = Keys.Parse(record.Key.Span);
        bool isDurable = record.Lease == 0 && IsOwn(key.Kind);
        listScope = isDurable ? ScopeOf(key) : 0;
        return isDurable;
    }

    private static bool IsOwn(RecordKind kind) => kind is not (RecordKind.Foreign or RecordKind.GcGeneration);

    private static ulong ScopeOf(in RecordKey key) => key.Kind switch
    {
        RecordKind.Repo => 1,
        RecordKind.Pipeline => 2,
        RecordKind.Job => JobScope,
        RecordKind.Commit => XxHash3.HashToUInt64(key.Repo, seed: 4) | 4,
        RecordKind.Branch => XxHash3.HashToUInt64(key.Repo, seed: 5) | 4,
        _ => 0,
    };
}
