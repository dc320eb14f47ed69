using Google.Protobuf;
using Pachyderm.RecordStores.Etcd.Wire;

namespace Pachyderm.RecordStores.Etcd;

/// <summary>Ranges and records as etcd's messages say them.</summary>
internal static class EtcdRanges
{
    /// <summary>As a start it is the first key there can be; as an end it stands for "no end".</summary>
    public static readonly ByteString Zero = ByteString.CopyFrom(0);

    /// <summary>Whether no key can lie in the range. etcd would take some of these for others.</summary>
    public static bool IsEmpty(KeyRange range) =>
        !range.End.IsEmpty && (range.Start.Span.SequenceCompareTo(range.End.Span) >= 0 || range.End.Span is [0]);

    /// <summary>First key of the range. etcd knows no empty key.</summary>
    public static ByteString Start(KeyRange range) => range.Start.IsEmpty ? Zero : UnsafeByteOperations.UnsafeWrap(range.Start);

    /// <summary>First key after the range.</summary>
    public static ByteString End(KeyRange range) => range.End.IsEmpty ? Zero : UnsafeByteOperations.UnsafeWrap(range.End);

    /// <summary>The record without a copy of its bytes.</summary>
    public static StoredRecord ToRecord(KeyValue from) =>
        new(from.Key.Memory, from.Value.Memory, from.CreateRevision, from.ModRevision, from.Version, from.Lease);
}
