using System.IO.Hashing;
using Pachyderm.Formats;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Survey;

/// <summary>Tells which records belong to a cluster, and in which list each is shown.</summary>
/// <param name="keys">The cluster's keys.</param>
public sealed class RecordClassifier(ClusterKeys keys)
{
    /// <summary>The cluster's keys.</summary>
    public ClusterKeys Keys { get; } = keys;

    /// <summary>
    /// Whether a record is the cluster's own and lasting: under one of its prefixes, and not on a lease, which is how workers and locks
    /// register. Only such records are carried, and only they count in digests.
    /// </summary>
    public bool IsDurable(in StoredRecord record) =>
        record.Lease == 0 && Keys.Classify(record.Key.Span) is not (RecordKind.Foreign or RecordKind.GcGeneration);

    /// <summary>
    /// The list that a record is shown in, as a hash: all repos, all commits of one repo, all branches of one repo, all pipelines,
    /// all jobs. 0 for records that are not listed. Upstream sorts these lists by the revision of the last write.
    /// </summary>
    public ulong ListScope(ReadOnlySpan<byte> key)
    {
        RecordKey parsed = Keys.Parse(key);
        return parsed.Kind switch
        {
            RecordKind.Repo => 1,
            RecordKind.Pipeline => 2,
            RecordKind.Job => 3,
            RecordKind.Commit => XxHash3.HashToUInt64(parsed.Repo, seed: 4) | 4,
            RecordKind.Branch => XxHash3.HashToUInt64(parsed.Repo, seed: 5) | 4,
            _ => 0,
        };
    }
}
