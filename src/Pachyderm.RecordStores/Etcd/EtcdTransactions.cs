using Google.Protobuf;
using Grpc.Core;
using Pachyderm.RecordStores.Etcd.Wire;

namespace Pachyderm.RecordStores.Etcd;

/// <summary>Commits transactions, and reads several keys at once by one.</summary>
internal sealed class EtcdTransactions(EtcdConnection connection)
{
    /// <summary>Commits; repeats only what cannot have reached etcd.</summary>
    public async Task<TransactionResult> CommitAsync(RecordTransaction transaction, CancellationToken cancellationToken)
    {
        TxnRequest request = ToRequest(transaction);
        EtcdPatience? patience = null;
        while (true)
        {
            try
            {
                TxnResponse answer = await connection.Kv.TxnAsync(request, cancellationToken: cancellationToken);
                return new TransactionResult(answer.Succeeded, answer.Header.Revision);
            }
            catch (RpcException failure)
            {
                connection.ThrowUnlessLost(failure, cancellationToken);
                if (EtcdErrors.Classify(failure) == EtcdFailure.Lost && transaction.Writes.Count > 0)
                {
                    throw EtcdErrors.OutcomeUnknown(connection.Location, failure);
                }

                await (patience ??= connection.NewPatience()).WaitAsync(failure, cancellationToken);
            }
        }
    }

    /// <summary>Reads keys as of one revision; null where a key does not exist.</summary>
    public async Task<IReadOnlyList<StoredRecord?>> GetAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken)
    {
        TxnRequest request = new();
        foreach (ReadOnlyMemory<byte> key in keys)
        {
            request.Success.Add(new RequestOp { RequestRange = new RangeRequest { Key = UnsafeByteOperations.UnsafeWrap(key) } });
        }

        TxnResponse answer = await connection.RepeatAsync(
            token => connection.Kv.TxnAsync(request, cancellationToken: token).ResponseAsync,
            cancellationToken);
        StoredRecord?[] records = new StoredRecord?[keys.Count];
        for (int i = 0; i < records.Length; i++)
        {
            records[i] = answer.Responses[i].ResponseRange.Kvs is [var found, ..] ? EtcdRanges.ToRecord(found) : null;
        }

        return records;
    }

    private static TxnRequest ToRequest(RecordTransaction transaction)
    {
        if (transaction.Guards.Count > EtcdRecordStore.MaxOperations || transaction.Writes.Count > EtcdRecordStore.MaxOperations)
        {
            throw new ArgumentException(
                $"a transaction may have at most {EtcdRecordStore.MaxOperations} guards and as many writes, "
                    + $"not {transaction.Guards.Count} and {transaction.Writes.Count}",
                nameof(transaction));
        }

        TxnRequest request = new();
        foreach (RecordGuard guard in transaction.Guards)
        {
            Compare compare = new() { Key = UnsafeByteOperations.UnsafeWrap(guard.Key), Result = Compare.Types.CompareResult.Equal };
            switch (guard.Kind)
            {
                case RecordGuardKind.ModRevision:
                    compare.Target = Compare.Types.CompareTarget.Mod;
                    compare.ModRevision = guard.Revision;
                    break;
                case RecordGuardKind.CreateRevision:
                    compare.Target = Compare.Types.CompareTarget.Create;
                    compare.CreateRevision = guard.Revision;
                    break;
                default:
                    throw new ArgumentException($"unknown kind of guard {guard.Kind}", nameof(transaction));
            }

            request.Compare.Add(compare);
        }

        foreach (RecordWrite write in transaction.Writes)
        {
            ByteString key = UnsafeByteOperations.UnsafeWrap(write.Key);
            request.Success.Add(write.Value is { } value
                ? new RequestOp
                {
                    RequestPut = new PutRequest { Key = key, Value = UnsafeByteOperations.UnsafeWrap(value), Lease = write.Lease },
                }
                : new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = key } });
        }

        return request;
    }
}
