namespace Pachyderm.RecordStores.Etcd;

/// <summary>What a failed call means.</summary>
internal enum EtcdFailure
{
    /// <summary>The request did not reach etcd, or etcd turned it away before looking at it: sending it again is safe.</summary>
    NotSent,

    /// <summary>The connection or etcd's leader was lost on the way: whether the request took effect is unknown.</summary>
    Lost,

    /// <summary>etcd answered that it will not do this; nothing took effect.</summary>
    Refused,
}
