using Grpc.Core;

namespace Pachyderm.RecordStores.Etcd;

/// <summary>Waits between attempts, and gives up when the time for them is over.</summary>
internal sealed class EtcdPatience(string location, EtcdOptions options)
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    private TimeSpan _wait = FirstWait;
    private long? _since;

    /// <summary>Forgets past failures, after a success.</summary>
    public void Reset()
    {
        _since = null;
        _wait = FirstWait;
    }

    /// <summary>Waits before the next attempt.</summary>
    /// <exception cref="Errors.OperatorException"><c>etcd-unreachable</c>: the first failure was too long ago.</exception>
    public async Task WaitAsync(RpcException failure, CancellationToken cancellationToken)
    {
        _since ??= options.TimeProvider.GetTimestamp();
        if (options.TimeProvider.GetElapsedTime(_since.Value) >= options.RetryFor)
        {
            throw EtcdErrors.Unreachable(location, options.RetryFor, failure);
        }

        await Task.Delay(_wait, options.TimeProvider, cancellationToken);
        _wait = _wait * 2 < LongestWait ? _wait * 2 : LongestWait;
    }
}
