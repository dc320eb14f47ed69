using System.Threading.Channels;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Survey;

/// <summary>The records of any store, read page by page at one revision; workers decode while the next page is fetched.</summary>
internal sealed class StoreRecordSource(IRecordStore store) : IRecordSource
{
    private const int PagesAhead = 8;

    public async Task<IReadOnlyList<TState>> VisitAsync<TState>(
        Func<TState> create, RecordVisitor<TState> visit, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pages = Channel.CreateBounded<IReadOnlyList<StoredRecord>>(PagesAhead);
        Task<TState>[] workers = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Task.Run(WorkAsync, stop.Token))];
        try
        {
            await foreach (IReadOnlyList<StoredRecord> page in store.ReadAsync(KeyRange.All, 0, stop.Token))
            {
                await pages.Writer.WriteAsync(page, stop.Token);
            }

            pages.Writer.Complete();
        }
        catch (Exception exception) when (exception is not OperationCanceledException || cancellationToken.IsCancellationRequested)
        {
            pages.Writer.Complete(exception);
            throw;
        }
        catch (OperationCanceledException)
        {
            // A worker failed and stopped the reading: its own exception, below, is the one to see.
            pages.Writer.Complete();
        }

        return await Task.WhenAll(workers);

        async Task<TState> WorkAsync()
        {
            TState state = create();
            try
            {
                await foreach (IReadOnlyList<StoredRecord> page in pages.Reader.ReadAllAsync(stop.Token))
                {
                    foreach (StoredRecord record in page)
                    {
                        visit(state, record);
                    }

                    progress?.Report(page.Count);
                }
            }
            catch
            {
                await stop.CancelAsync();
                throw;
            }

            return state;
        }
    }
}
