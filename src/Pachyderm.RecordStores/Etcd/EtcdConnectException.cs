namespace Pachyderm.RecordStores.Etcd;

/// <summary>No connection could be made, so that nothing of the request was sent: it is safe to send it again.</summary>
internal sealed class EtcdConnectException(string message, Exception inner) : IOException(message, inner);
