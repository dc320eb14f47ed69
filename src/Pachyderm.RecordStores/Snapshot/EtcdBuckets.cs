using System.Globalization;
using System.Text;
using Google.Protobuf;

namespace Pachyderm.RecordStores.Snapshot;

/// <summary>The buckets of etcd 3.x's database, and what this room needs to know of them.</summary>
internal static class EtcdBuckets
{
    public const string Key = "key";
    public const string Meta = "meta";
    public const string Lease = "lease";
    private const string Alarm = "alarm";

    /// <summary>The buckets that an etcd 3.4 creates when it starts; without a source, a written snapshot has them empty.</summary>
    public static readonly IReadOnlyList<string> Standard =
        [Alarm, "auth", "authRoles", "authUsers", "cluster", Key, Lease, "members", "members_removed", Meta];

    public static readonly byte[] FinishedCompact = "finishedCompactRev"u8.ToArray();

    public static readonly byte[] ScheduledCompact = "scheduledCompactRev"u8.ToArray();

    /// <summary>The bucket of a name; null if there is none.</summary>
    public static BoltBucket? Find(IReadOnlyList<BoltBucket> buckets, string name) =>
        buckets.FirstOrDefault(bucket => string.Equals(bucket.Name, name, StringComparison.Ordinal));

    /// <summary>
    /// The alarms that were raised when the snapshot was taken. Each is a key that holds etcd's <c>AlarmMember</c>: 1 member, 2 kind of
    /// alarm.
    /// </summary>
    public static IReadOnlyList<string> ReadAlarms(BoltReader reader, IReadOnlyList<BoltBucket> buckets)
    {
        SortedSet<string> alarms = new(StringComparer.Ordinal);
        if (Find(buckets, Alarm) is not { } bucket)
        {
            return [];
        }

        try
        {
            foreach ((ReadOnlyMemory<byte> key, _) in reader.ReadItems(bucket))
            {
                CodedInputStream message = new(key.ToArray());
                while (message.ReadTag() is not 0 and uint tag)
                {
                    if (tag == WireFormat.MakeTag(2, WireFormat.WireType.Varint))
                    {
                        long kind = message.ReadInt64();
                        alarms.Add(kind switch
                        {
                            1 => "NOSPACE",
                            2 => "CORRUPT",
                            _ => string.Create(CultureInfo.InvariantCulture, $"alarm {kind}"),
                        });
                    }
                    else
                    {
                        message.SkipLastField();
                    }
                }
            }
        }
        catch (InvalidProtocolBufferException failure)
        {
            throw BoltFormat.Damaged(reader.Path, $"bucket '{Alarm}' holds something that is no alarm", failure);
        }

        return [.. alarms];
    }

    /// <summary>Revision of the last compaction that was finished; 0 if there was none.</summary>
    public static long ReadCompactRevision(BoltReader reader, IReadOnlyList<BoltBucket> buckets)
    {
        if (Find(buckets, Meta) is not { } meta)
        {
            return 0;
        }

        foreach ((ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value) in reader.ReadItems(meta))
        {
            if (key.Span.SequenceEqual(FinishedCompact))
            {
                return RevisionKey.TryRead(value.Span, out RevisionKey revision)
                    ? revision.Main
                    : throw BoltFormat.Damaged(reader.Path, $"'{Encoding.UTF8.GetString(FinishedCompact)}' is not a revision");
            }
        }

        return 0;
    }
}
