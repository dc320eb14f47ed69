using System.Text;
using Pachyderm.RecordStores.Etcd;
using Pachyderm.TestSupport;

namespace Pachyderm.RecordStores.Tests.Etcd;

/// <summary>What the tests of one driver against real etcds share: each makes its own servers, and all of them go in the end.</summary>
public abstract class EtcdTestBase : IAsyncDisposable
{
    private readonly Stack<IAsyncDisposable> _open = [];

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        while (_open.TryPop(out IAsyncDisposable? last))
        {
            await last.DisposeAsync();
        }
    }

    protected async Task<EtcdProcess> StartAsync(EtcdProcessOptions? options = null) =>
        Keep(await EtcdProcess.StartAsync(options ?? new EtcdProcessOptions(), Cancellation));

    protected async Task<EtcdRecordStore> ConnectAsync(string endpoint, EtcdOptions? options = null) =>
        Keep(await EtcdRecordStore.ConnectAsync(endpoint, options, Cancellation));

    protected T Keep<T>(T thing)
        where T : IAsyncDisposable
    {
        _open.Push(thing);
        return thing;
    }

    protected static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    protected static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    protected static Task<TransactionResult> PutAsync(IRecordStore store, string key, ReadOnlyMemory<byte> value) =>
        store.CommitAsync(new RecordTransaction([], [RecordWrite.Put(Bytes(key), value)]), Cancellation);

    /// <summary>Writes <paramref name="count"/> records <c>k00000</c>, <c>k00001</c>, ... of one size.</summary>
    protected static async Task FillAsync(IRecordStore store, int count, int valueSize)
    {
        byte[] value = new byte[valueSize];
        int each = Math.Clamp((1 << 20) / (valueSize + 100), 1, EtcdRecordStore.MaxOperations);
        foreach (int[] some in Enumerable.Range(0, count).Chunk(each))
        {
            RecordWrite[] writes = [.. some.Select(i => RecordWrite.Put(Bytes($"k{i:00000}"), value))];
            await store.CommitAsync(new RecordTransaction([], writes), Cancellation);
        }
    }

    protected static async Task<List<string>> ReadKeysAsync(IRecordStore store, Func<int, Task>? afterPage = null)
    {
        List<string> keys = [];
        int pages = 0;
        await foreach (IReadOnlyList<StoredRecord> page in store.ReadAsync(KeyRange.Prefix("k"), 0, Cancellation))
        {
            keys.AddRange(page.Select(record => Text(record.Key)));
            pages++;
            if (afterPage is not null)
            {
                await afterPage(pages);
            }
        }

        return keys;
    }
}
