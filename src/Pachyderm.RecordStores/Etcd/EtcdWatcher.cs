using Grpc.Core;
using Pachyderm.Errors;
using Pachyderm.RecordStores.Etcd.Wire;

namespace Pachyderm.RecordStores.Etcd;

/// <summary>One watch, which is opened again where it stopped whenever the connection is lost.</summary>
internal sealed class EtcdWatcher(EtcdConnection connection, KeyRange range, long fromRevision) : IDisposable
{
    private readonly EtcdPatience _patience = connection.NewPatience();
    private AsyncDuplexStreamingCall<WatchRequest, WatchResponse>? _call;

    /// <summary>The revision to go on from; 0 until the server has told its current one.</summary>
    private long _next = fromRevision;

    /// <summary>How many events of revision <see cref="_next"/> were delivered already: a large answer comes in fragments.</summary>
    private int _delivered;

    /// <summary>How many of the next events were delivered before the connection was lost.</summary>
    private int _skip;

    /// <summary>Waits for the next events.</summary>
    /// <exception cref="OperatorException">The revision was compacted away, etcd refused, or stayed away for too long.</exception>
    public async Task<List<RecordEvent>> ReceiveAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                _call ??= await OpenAsync(cancellationToken);
                if (!await _call.ResponseStream.MoveNext(cancellationToken))
                {
                    throw new RpcException(new Status(StatusCode.Unavailable, "the watch was closed"));
                }

                _patience.Reset();
                List<RecordEvent> events = Accept(_call.ResponseStream.Current);
                if (events.Count > 0)
                {
                    return events;
                }
            }
            catch (RpcException failure)
            {
                connection.ThrowUnlessLost(failure, cancellationToken);
                _call?.Dispose();
                _call = null;
                await _patience.WaitAsync(failure, cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _call?.Dispose();

    private async Task<AsyncDuplexStreamingCall<WatchRequest, WatchResponse>> OpenAsync(CancellationToken cancellationToken)
    {
        _skip = _delivered;
        WatchCreateRequest create = new()
        {
            Key = EtcdRanges.Start(range),
            RangeEnd = EtcdRanges.End(range),
            StartRevision = _next,
            // Tells how far the store has come when nothing in the range changes: going on later then does not ask for what was compacted.
            ProgressNotify = true,
            Fragment = true,
        };
        var call = connection.Watch.Watch(cancellationToken: cancellationToken);
        try
        {
            await call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = create }, cancellationToken);
            return call;
        }
        catch
        {
            call.Dispose();
            throw;
        }
    }

    private List<RecordEvent> Accept(WatchResponse response)
    {
        if (response.Canceled)
        {
            ThrowCanceled(response);
        }

        if (response.Created)
        {
            // A watch from "now" has begun: a connection lost before the first event must not make it begin later.
            _next = _next == 0 ? response.Header.Revision + 1 : _next;
            return [];
        }

        List<RecordEvent> events = new(response.Events.Count);
        foreach (Event change in response.Events)
        {
            long revision = change.Kv.ModRevision;
            if (revision != _next)
            {
                _next = revision;
                _delivered = 0;
                _skip = 0;
            }

            if (_skip > 0)
            {
                _skip--;
                continue;
            }

            _delivered++;
            bool deleted = change.Type == Event.Types.EventType.Delete;
            events.Add(new RecordEvent(EtcdRanges.ToRecord(change.Kv), deleted));
        }

        if (!response.Fragment)
        {
            // Only a fragment can end within a revision. An answer without events says how far the store has come.
            long seen = response.Events.Count > 0 ? response.Events[^1].Kv.ModRevision : response.Header.Revision;
            if (seen >= _next)
            {
                _next = seen + 1;
                _delivered = 0;
                _skip = 0;
            }
        }

        return events;
    }

    private void ThrowCanceled(WatchResponse response)
    {
        if (response.CompactRevision > 0)
        {
            throw new OperatorException(
                "watch-compacted",
                connection.Location,
                $"the changes from revision {_next} on are no longer known: etcd has compacted up to revision {response.CompactRevision}",
                "start again with a fresh read");
        }

        string reason = response.CancelReason.Length > 0 ? response.CancelReason : "etcd ended the watch";
        throw new RpcException(new Status(StatusCode.Unavailable, reason));
    }
}
