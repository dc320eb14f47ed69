using System.Threading.Channels;

namespace Pachyderm.Workers;

/// <summary>
/// Keeps a worker busy: while one datum runs, the next is prepared and the last is collected. At most five scratch directories exist at a
/// time: one in each stage, and one waiting before each of the later two.
/// </summary>
public static class DatumFlow
{
    /// <summary>Processes datums in their order.</summary>
    /// <param name="worker">Processes them.</param>
    /// <param name="datums">The datums.</param>
    /// <param name="logs">Takes lines of all of them.</param>
    /// <param name="openSink">Gives a sink for each datum, when its command has ended.</param>
    /// <param name="done">Told of each datum's end with its sink, one after another in their order.</param>
    /// <param name="cancellationToken">Ends everything early.</param>
    /// <remarks>The first exception ends the flow; nothing is running when it is thrown.</remarks>
    public static async Task RunAsync<TSink>(
        IWorker worker,
        IAsyncEnumerable<DatumWork> datums,
        ILogSink logs,
        Func<DatumWork, TSink> openSink,
        Func<DatumWork, TSink, DatumOutcome, Task> done,
        CancellationToken cancellationToken)
        where TSink : IOutputSink
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Channel<IPreparedDatum> prepared = Channel.CreateBounded<IPreparedDatum>(1);
        Channel<IPreparedDatum> ran = Channel.CreateBounded<IPreparedDatum>(1);
        Task[] stages =
        [
            GuardAsync(() => PrepareAsync(worker, datums, prepared, stop.Token), stop),
            GuardAsync(() => RunAsync(prepared, ran, logs, stop.Token), stop),
            GuardAsync(() => CollectAsync(ran, openSink, done, stop.Token), stop),
        ];
        await Task.WhenAll(stages).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default)
            .ConfigureAwait(false);
        foreach (Channel<IPreparedDatum> channel in (Channel<IPreparedDatum>[])[prepared, ran])
        {
            while (channel.Reader.TryRead(out IPreparedDatum? left))
            {
                await left.DisposeAsync().ConfigureAwait(false);
            }
        }

        // A stage that was only cancelled because another failed has nothing to say.
        Task failed = stages.FirstOrDefault(stage => stage.IsFaulted) ?? Task.WhenAll(stages);
        await failed.ConfigureAwait(false);
    }

    private static async Task GuardAsync(Func<Task> stage, CancellationTokenSource stop)
    {
        try
        {
            await Task.Run(stage, CancellationToken.None).ConfigureAwait(false);
        }
        catch
        {
            await stop.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task PrepareAsync(
        IWorker worker, IAsyncEnumerable<DatumWork> datums, Channel<IPreparedDatum> prepared, CancellationToken cancellationToken)
    {
        await foreach (DatumWork datum in datums.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            await PassAsync(prepared, await worker.PrepareAsync(datum, cancellationToken).ConfigureAwait(false), cancellationToken)
                .ConfigureAwait(false);
        }

        prepared.Writer.Complete();
    }

    private static async Task RunAsync(
        Channel<IPreparedDatum> prepared, Channel<IPreparedDatum> ran, ILogSink logs, CancellationToken cancellationToken)
    {
        await foreach (IPreparedDatum datum in prepared.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            try
            {
                await datum.RunAsync(logs, cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                await datum.DisposeAsync().ConfigureAwait(false);
                throw;
            }

            await PassAsync(ran, datum, cancellationToken).ConfigureAwait(false);
        }

        ran.Writer.Complete();
    }

    private static async Task CollectAsync<TSink>(
        Channel<IPreparedDatum> ran, Func<DatumWork, TSink> openSink, Func<DatumWork, TSink, DatumOutcome, Task> done,
        CancellationToken cancellationToken)
        where TSink : IOutputSink
    {
        await foreach (IPreparedDatum datum in ran.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            await using (datum.ConfigureAwait(false))
            {
                TSink sink = openSink(datum.Work);
                DatumOutcome outcome = await datum.CollectAsync(sink, cancellationToken).ConfigureAwait(false);
                await done(datum.Work, sink, outcome).ConfigureAwait(false);
            }
        }
    }

    private static async Task PassAsync(Channel<IPreparedDatum> channel, IPreparedDatum datum, CancellationToken cancellationToken)
    {
        try
        {
            await channel.Writer.WriteAsync(datum, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await datum.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
