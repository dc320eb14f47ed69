using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;
using Pachyderm.Errors;
using Pachyderm.RecordStores.Etcd.Wire;

namespace Pachyderm.RecordStores.Etcd;

/// <summary>
/// Reads a range in key order and in pages, all at one revision. While the caller works on a page the next one is on its way. The number
/// of records in a page follows their size, so that a page stays near <see cref="TargetBytes"/>.
/// </summary>
internal sealed class EtcdPagedReader(EtcdConnection connection)
{
    /// <summary>The most records in a page, however small they are.</summary>
    private const int MaxPageRecords = 16_384;

    private readonly int _targetBytes = TargetBytes(connection.Options);
    private int _limit = Math.Clamp(connection.Options.PageRecords, 1, MaxPageRecords);

    /// <summary>The size of a page to aim at: far below the limit, since the next page may hold larger records.</summary>
    private static int TargetBytes(EtcdOptions options) => Math.Max(1, options.MaxMessageBytes / 16);

    /// <summary>Reads the range once. An instance reads one range.</summary>
    public async IAsyncEnumerable<IReadOnlyList<StoredRecord>> ReadAsync(
        KeyRange range,
        long revision,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (EtcdRanges.IsEmpty(range))
        {
            yield break;
        }

        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        RangeRequest request = new() { Key = EtcdRanges.Start(range), RangeEnd = EtcdRanges.End(range), Revision = revision };
        Task<RangeResponse>? next = ReadPageAsync(request, stop.Token);
        long left = long.MaxValue;
        ByteString anchor = request.Key;
        try
        {
            while (next is not null)
            {
                RangeResponse page = await next;
                next = null;
                // The first answer counts the whole range.
                left = (left == long.MaxValue ? page.Count : left) - page.Kvs.Count;
                if (page.Kvs.Count > _limit / 2)
                {
                    anchor = page.Kvs[0].Key;
                }

                if (page.More || !request.RangeEnd.Equals(EtcdRanges.End(range)))
                {
                    request = request.Clone();
                    request.Revision = request.Revision == 0 ? page.Header.Revision : request.Revision;
                    request.Key = page.More ? After(page.Kvs[^1].Key) : request.RangeEnd;
                    request.RangeEnd = left > connection.Options.WalkRecords
                        ? EtcdRanges.End(new KeyRange(range.Start, EtcdKeyHorizon.Guess(anchor.Span, request.Key.Span, range.End)))
                        : EtcdRanges.End(range);
                    next = ReadPageAsync(request, stop.Token);
                }

                if (page.Kvs.Count > 0)
                {
                    yield return ToRecords(page);
                }
            }
        }
        finally
        {
            if (next is not null)
            {
                // The caller stopped early: the page on its way is not wanted, and how it fails does not matter.
                await stop.CancelAsync();
                await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task<RangeResponse> ReadPageAsync(RangeRequest request, CancellationToken cancellationToken)
    {
        RangeResponse page = await connection.RepeatAsync(token => TryReadPageAsync(request, token), cancellationToken);
        int bytes = page.CalculateSize();
        if (bytes > _targetBytes)
        {
            _limit = Math.Max(1, _limit / 2);
        }
        else if (bytes < _targetBytes / 4 && page.More)
        {
            _limit = Math.Min(MaxPageRecords, _limit * 2);
        }

        return page.More && page.Kvs.Count == 0
            ? throw new OperatorException(
                "etcd-refused",
                connection.Location,
                "etcd sent an empty page and says that more follows",
                "see etcd's log")
            : page;
    }

    private async Task<RangeResponse> TryReadPageAsync(RangeRequest request, CancellationToken cancellationToken)
    {
        while (true)
        {
            request.Limit = _limit;
            try
            {
                return await connection.Kv.RangeAsync(request, cancellationToken: cancellationToken);
            }
            catch (RpcException failure) when (failure.StatusCode == StatusCode.ResourceExhausted
                && EtcdErrors.Says(failure, "exceeds the maximum configured message size"))
            {
                if (_limit == 1)
                {
                    throw new OperatorException(
                        "record-too-large",
                        connection.Location,
                        $"a record at or after key {EtcdErrors.OneLine(request.Key.ToStringUtf8())} is larger than "
                            + $"{connection.Options.MaxMessageBytes} bytes",
                        "remove that record, or raise the limit",
                        failure);
                }

                _limit = Math.Max(1, _limit / 8);
            }
        }
    }

    private static ByteString After(ByteString key)
    {
        byte[] after = new byte[key.Length + 1];
        key.Span.CopyTo(after);
        return UnsafeByteOperations.UnsafeWrap(after);
    }

    private static StoredRecord[] ToRecords(RangeResponse page)
    {
        StoredRecord[] records = new StoredRecord[page.Kvs.Count];
        for (int i = 0; i < records.Length; i++)
        {
            records[i] = EtcdRanges.ToRecord(page.Kvs[i]);
        }

        return records;
    }
}
