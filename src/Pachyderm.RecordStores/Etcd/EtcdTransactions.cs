using Google.Protobuf;
using Grpc.Core;
using Pachyderm.Errors;
using Pachyderm.RecordStores.Etcd.Wire;

namespace Pachyderm.RecordStores.Etcd;

/// <summary>Commits transactions, and compacts.</summary>
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
                return new TransactionResult(HasSucceeded(answer), answer.Header.Revision);
            }
            catch (RpcException failure)
            {
                connection.ThrowUnlessLost(failure, cancellationToken);
                if (EtcdErrors.Classify(failure) == EtcdFailure.Lost && (transaction.Writes.Count > 0 || transaction.Otherwise is not null))
                {
                    throw EtcdErrors.OutcomeUnknown(connection.Location, failure);
                }

                await (patience ??= connection.NewPatience()).WaitAsync(failure, cancellationToken);
            }
        }
    }

    /// <summary>Compacts, and returns when the space is free.</summary>
    public async Task CompactAsync(long revision, CancellationToken cancellationToken)
    {
        CompactionRequest request = new() { Revision = revision, Physical = true };
        try
        {
            await connection.RepeatAsync(
                token => connection.Kv.CompactAsync(request, cancellationToken: token).ResponseAsync, cancellationToken);
        }
        catch (OperatorException failure) when (failure.Id == "revision-compacted")
        {
            // Done already: by an answer that was lost, or by etcd itself.
        }
    }

    private static bool HasSucceeded(TxnResponse answer)
    {
        while (!answer.Succeeded && answer.Responses is [{ ResponseTxn: { } otherwise }])
        {
            answer = otherwise;
        }

        return answer.Succeeded;
    }

    private static TxnRequest ToRequest(RecordTransaction transaction)
    {
        List<RecordTransaction> chain = [];
        for (RecordTransaction? link = transaction; link is not null; link = link.Otherwise)
        {
            chain.Add(link);
        }

        int operations = chain.Sum(link => Math.Max(link.Guards.Count, link.Writes.Count));
        if (operations > EtcdRecordStore.MaxOperations)
        {
            throw new ArgumentException(
                $"a transaction may have at most {EtcdRecordStore.MaxOperations} guards and as many writes, those of its alternatives "
                    + $"included, not {operations}",
                nameof(transaction));
        }

        TxnRequest request = ToRequest(chain[^1], otherwise: null);
        for (int index = chain.Count - 2; index >= 0; index--)
        {
            request = ToRequest(chain[index], otherwise: request);
        }

        return request;
    }

    private static TxnRequest ToRequest(RecordTransaction transaction, TxnRequest? otherwise)
    {
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
                case RecordGuardKind.Value:
                    compare.Target = Compare.Types.CompareTarget.Value;
                    compare.Value = UnsafeByteOperations.UnsafeWrap(guard.Value);
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

        if (otherwise is not null)
        {
            request.Failure.Add(new RequestOp { RequestTxn = otherwise });
        }

        return request;
    }
}
