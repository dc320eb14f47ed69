using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Scheduling;

/// <summary>A datum that has ended.</summary>
/// <param name="Record">What became of it.</param>
/// <param name="Results">Trees to be kept, by tag.</param>
/// <param name="Writers">What keeps these trees until they are recorded; disposed of then.</param>
internal sealed record EndedDatum(
    DatumRecord Record, IReadOnlyList<KeyValuePair<DatumTag, DirectoryReference>> Results, IReadOnlyList<IChunkWriter> Writers);

/// <summary>
/// Records datums that have ended, with their results: as many as have come share a flush of their chunks and a transaction, so that
/// workers do not wait for disks. What was handed over before the end is recorded even if the job is being cancelled.
/// </summary>
internal sealed class DatumRecorder
{
    private const int MaxWaiting = 256;
    private const int MaxTogether = 256;
    private const int JobWrites = 100;

    private readonly JobLedger ledger;
    private readonly Channel<EndedDatum> ended =
        Channel.CreateBounded<EndedDatum>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private readonly int every;
    private readonly Task recording;
    private int processed;
    private ProcessStats stats;

    /// <summary>Begins.</summary>
    /// <param name="ledger">The job.</param>
    /// <param name="datums">Number of datums that will be processed.</param>
    public DatumRecorder(JobLedger ledger, int datums)
    {
        this.ledger = ledger;
        every = Math.Max(1, datums / JobWrites);
        recording = Task.Run(RecordAllAsync);
    }

    /// <summary>Hands a datum over.</summary>
    /// <exception cref="OperationCanceledException">The job has ended or is gone.</exception>
    public async ValueTask AddAsync(EndedDatum datum, CancellationToken cancellationToken)
    {
        try
        {
            await ended.Writer.WriteAsync(datum, cancellationToken);
        }
        catch (Exception exception)
        {
            Release(datum);
            if (exception is ChannelClosedException { InnerException: { } cause })
            {
                ExceptionDispatchInfo.Throw(cause);
            }
            throw;
        }
    }

    /// <summary>Waits until all that was handed over is recorded.</summary>
    /// <returns>What the record of the job does not count yet: datums that were processed, and what that took.</returns>
    public async Task<(int Processed, ProcessStats Stats)> CompleteAsync()
    {
        ended.Writer.TryComplete();
        await recording;
        return (processed, stats);
    }

    private async Task RecordAllAsync()
    {
        List<EndedDatum> together = [];
        try
        {
            while (await ended.Reader.WaitToReadAsync(CancellationToken.None))
            {
                while (together.Count < MaxTogether && ended.Reader.TryRead(out EndedDatum? datum))
                {
                    together.Add(datum);
                }
                await RecordAsync(together);
                together.ForEach(Release);
                together.Clear();
            }
        }
        catch (Exception exception)
        {
            ended.Writer.TryComplete(exception);
            throw;
        }
        finally
        {
            together.ForEach(Release);
            while (ended.Reader.TryRead(out EndedDatum? datum))
            {
                Release(datum);
            }
        }
    }

    private async Task RecordAsync(List<EndedDatum> datums)
    {
        await Task.WhenAll(
            datums.SelectMany(static datum => datum.Writers).Select(static writer => writer.FlushAsync(CancellationToken.None)));
        foreach (DatumRecord record in datums.Select(static datum => datum.Record))
        {
            processed += record.Failed ? 0 : 1;
            stats += record.Stats;
        }
        int failed = datums.Count(static datum => datum.Record.Failed);
        bool tell = processed >= every;
        await ledger.WriteAsync(
            (_, writer, job) =>
            {
                foreach (EndedDatum datum in datums)
                {
                    writer.PutDatum(job.Id, datum.Record);
                    foreach ((DatumTag tag, DirectoryReference tree) in datum.Results)
                    {
                        writer.PutResult(tag, new ResultRecord(job.Id, DirectoryReferenceCodec.Encode(tree)));
                    }
                }
                return tell ? job.Advance(processed, 0, stats) : job;
            },
            CancellationToken.None);
        SchedulingTelemetry.DatumsEnded(datums.Count - failed, failed);
        if (tell)
        {
            processed = 0;
            stats = default;
        }
    }

    private static void Release(EndedDatum datum)
    {
        foreach (IChunkWriter writer in datum.Writers)
        {
            writer.Dispose();
        }
    }
}
