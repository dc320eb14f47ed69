using System.Runtime.CompilerServices;

namespace Pachyderm.Backup;

/// <summary>Works on several items of a sequence at once and delivers the outcomes in the order of the items.</summary>
internal static class OrderedParallel
{
    /// <summary>Items that are worked on at once: enough to hide the waiting for the disk's flushes behind the hashing.</summary>
    public const int Degree = 8;

    /// <summary>Delivers the outcomes. The first failure ends it, after the work that had begun has ended too.</summary>
    public static async IAsyncEnumerable<TOut> SelectAsync<TIn, TOut>(
        IAsyncEnumerable<TIn> source, Func<TIn, CancellationToken, Task<TOut>> work,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Queue<Task<TOut>> running = new(Degree);
        try
        {
            await foreach (TIn item in source.WithCancellation(cancellationToken))
            {
                if (running.Count == Degree)
                {
                    yield return await running.Dequeue();
                }

                running.Enqueue(Task.Run(() => work(item, stop.Token), stop.Token));
            }

            while (running.Count > 0)
            {
                yield return await running.Dequeue();
            }
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(running).ContinueWith(
                static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }
}
