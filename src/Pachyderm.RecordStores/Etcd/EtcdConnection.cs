using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Pachyderm.RecordStores.Etcd.Wire;

namespace Pachyderm.RecordStores.Etcd;

/// <summary>The connection to one etcd: its services, and the repetition of calls that are safe to repeat.</summary>
internal sealed class EtcdConnection : IDisposable
{
    private readonly GrpcChannel _channel;

    /// <summary>Prepares the connection; it is made at the first call, and made again whenever it was lost.</summary>
    public EtcdConnection(EtcdAddress address, EtcdOptions options)
    {
        Address = address;
        Options = options;
        Location = $"etcd {address}";
        _channel = GrpcChannel.ForAddress(address.Uri, new GrpcChannelOptions
        {
            HttpHandler = CreateHandler(),
            DisposeHttpClient = true,
            MaxReceiveMessageSize = options.MaxMessageBytes,
            MaxSendMessageSize = options.MaxMessageBytes,
        });
        Kv = new KV.KVClient(_channel);
        Watch = new Wire.Watch.WatchClient(_channel);
        Lease = new Wire.Lease.LeaseClient(_channel);
        Maintenance = new Maintenance.MaintenanceClient(_channel);
    }

    /// <summary>Host and port.</summary>
    public EtcdAddress Address { get; }

    /// <summary>Limits and patience.</summary>
    public EtcdOptions Options { get; }

    /// <summary>The address for messages.</summary>
    public string Location { get; }

    /// <summary>Keys and values.</summary>
    public KV.KVClient Kv { get; }

    /// <summary>Watches.</summary>
    public Wire.Watch.WatchClient Watch { get; }

    /// <summary>Leases.</summary>
    public Wire.Lease.LeaseClient Lease { get; }

    /// <summary>Status, alarms, snapshots.</summary>
    public Maintenance.MaintenanceClient Maintenance { get; }

    /// <summary>A fresh patience for one operation.</summary>
    public EtcdPatience NewPatience() => new(Location, Options);

    /// <summary>Makes a call that may safely be made more than once, again and again while the connection is lost.</summary>
    /// <exception cref="Errors.OperatorException">etcd refused, or stayed away for too long.</exception>
    public async Task<T> RepeatAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        EtcdPatience? patience = null;
        while (true)
        {
            try
            {
                return await call(cancellationToken);
            }
            catch (RpcException failure)
            {
                ThrowUnlessLost(failure, cancellationToken);
                await (patience ??= NewPatience()).WaitAsync(failure, cancellationToken);
            }
        }
    }

    /// <summary>Returns if trying again may help; else throws what the failure means.</summary>
    public void ThrowUnlessLost(RpcException failure, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (EtcdErrors.Classify(failure) == EtcdFailure.Refused)
        {
            throw EtcdErrors.Refused(Location, failure);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    private SocketsHttpHandler CreateHandler() => new()
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
        EnableMultipleHttp2Connections = false,
        KeepAlivePingDelay = Options.KeepAlive,
        KeepAlivePingTimeout = Options.KeepAlive,
        KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
        // Pages are a few MiB: a window of that size lets etcd send one without waiting for the reader.
        InitialHttp2StreamWindowSize = 4 << 20,
        ConnectCallback = (_, cancellationToken) => ConnectAsync(cancellationToken),
    };

    /// <summary>Connects by hand, because a failure to connect must be told apart from a connection that broke under a request.</summary>
    private async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using CancellationTokenSource timeout = new(Options.ConnectTimeout, Options.TimeProvider);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await socket.ConnectAsync(new DnsEndPoint(Address.Host.Trim('[', ']'), Address.Port), either.Token);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException failure)
        {
            socket.Dispose();
            throw new EtcdConnectException(
                failure.SocketErrorCode switch
                {
                    SocketError.ConnectionRefused => "connection refused",
                    SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => "the host name is not known",
                    _ => failure.Message,
                },
                failure);
        }
        catch (OperationCanceledException failure)
        {
            socket.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            throw new EtcdConnectException("no connection in time", failure);
        }
    }
}
