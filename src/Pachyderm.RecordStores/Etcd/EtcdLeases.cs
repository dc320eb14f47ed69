using System.Security.Cryptography;
using Grpc.Core;
using Pachyderm.Errors;
using Pachyderm.RecordStores.Etcd.Wire;

namespace Pachyderm.RecordStores.Etcd;

/// <summary>Leases of one etcd.</summary>
internal sealed class EtcdLeases(EtcdConnection connection)
{
    /// <summary>Grants a lease under an identifier of our own, so that asking again cannot leave a second one.</summary>
    public async Task<long> GrantAsync(TimeSpan timeToLive, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeToLive, TimeSpan.Zero);
        long id = RandomNumberGenerator.GetInt32(1, int.MaxValue) * (1L << 32) | (uint)RandomNumberGenerator.GetInt32(int.MaxValue);
        LeaseGrantRequest request = new() { ID = id, TTL = (long)Math.Ceiling(timeToLive.TotalSeconds) };
        return await connection.RepeatAsync(
            async token =>
            {
                try
                {
                    LeaseGrantResponse answer = await connection.Lease.LeaseGrantAsync(request, cancellationToken: token);
                    return answer.Error.Length == 0
                        ? answer.ID
                        : throw new OperatorException(
                            "etcd-refused",
                            connection.Location,
                            $"etcd granted no lease: {EtcdErrors.OneLine(answer.Error)}",
                            "see etcd's log");
                }
                catch (RpcException failure) when (EtcdErrors.Says(failure, "lease already exists"))
                {
                    return id;
                }
            },
            cancellationToken);
    }

    /// <summary>Renews a lease; false if there is none.</summary>
    public Task<bool> RenewAsync(long lease, CancellationToken cancellationToken) =>
        connection.RepeatAsync(
            async token =>
            {
                using var call = connection.Lease.LeaseKeepAlive(cancellationToken: token);
                await call.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = lease }, token);
                return await call.ResponseStream.MoveNext(token)
                    ? call.ResponseStream.Current.TTL > 0
                    : throw new RpcException(new Status(StatusCode.Unavailable, "the renewal was not answered"));
            },
            cancellationToken);

    /// <summary>Revokes a lease, if there is one.</summary>
    public Task RevokeAsync(long lease, CancellationToken cancellationToken) =>
        connection.RepeatAsync(
            async token =>
            {
                try
                {
                    await connection.Lease.LeaseRevokeAsync(new LeaseRevokeRequest { ID = lease }, cancellationToken: token);
                }
                catch (RpcException failure) when (failure.StatusCode == StatusCode.NotFound)
                {
                    // It is gone, which is what was asked for.
                }

                return lease;
            },
            cancellationToken);
}
