using System.Security.Cryptography;
using Grpc.Core;
using Pachyderm.Errors;
using Pachyderm.RecordStores.Etcd.Wire;

namespace Pachyderm.RecordStores.Etcd;

/// <summary>Receives a snapshot: the database in blobs, with its SHA-256 at the end, which is checked on the way.</summary>
internal sealed class EtcdSnapshotDownload(EtcdConnection connection, Stream destination) : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>The last bytes received, which are the checksum if nothing follows them.</summary>
    private readonly byte[] _tail = new byte[SHA256.HashSizeInBytes];

    private int _tailLength;
    private long _written;

    /// <summary>Receives all of it.</summary>
    /// <returns>The number of bytes written.</returns>
    public async Task<long> RunAsync(CancellationToken cancellationToken)
    {
        EtcdPatience patience = connection.NewPatience();
        while (true)
        {
            try
            {
                using var call = connection.Maintenance.Snapshot(new SnapshotRequest(), cancellationToken: cancellationToken);
                while (await call.ResponseStream.MoveNext(cancellationToken))
                {
                    await AcceptAsync(call.ResponseStream.Current.Blob.Memory, cancellationToken);
                }

                CheckEnd();
                return _written;
            }
            catch (RpcException failure)
            {
                connection.ThrowUnlessLost(failure, cancellationToken);
                if (_written > 0)
                {
                    // The next snapshot would be of another moment, and what was written cannot be taken back.
                    throw new OperatorException(
                        "snapshot-incomplete",
                        connection.Location,
                        $"the connection was lost after {_written} bytes of the snapshot ({EtcdErrors.Detail(failure)})",
                        "discard what was written and start again",
                        failure);
                }

                await patience.WaitAsync(failure, cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();

    private async Task AcceptAsync(ReadOnlyMemory<byte> blob, CancellationToken cancellationToken)
    {
        if (blob.IsEmpty)
        {
            return;
        }

        await destination.WriteAsync(blob, cancellationToken);
        _written += blob.Length;

        // All but the last 32 bytes are the database.
        int fromTail = Math.Clamp(_tailLength + blob.Length - _tail.Length, 0, _tailLength);
        _hash.AppendData(_tail, 0, fromTail);
        _tail.AsSpan(fromTail, _tailLength - fromTail).CopyTo(_tail);
        _tailLength -= fromTail;
        int fromBlob = _tailLength + blob.Length - _tail.Length;
        if (fromBlob > 0)
        {
            _hash.AppendData(blob.Span[..fromBlob]);
            blob = blob[fromBlob..];
        }

        blob.Span.CopyTo(_tail.AsSpan(_tailLength));
        _tailLength += blob.Length;
    }

    private void CheckEnd()
    {
        if (_tailLength < _tail.Length || !_hash.GetHashAndReset().AsSpan().SequenceEqual(_tail))
        {
            throw new CorruptionException(
                "snapshot-checksum",
                connection.Location,
                $"the {_written} bytes of the snapshot do not fit the checksum at their end",
                "discard what was written and start again; if it happens again, check the memory and the network of both machines");
        }
    }
}
