using Pachyderm.Pps;
using Pachyderm.Pps.Records;

namespace Pachyderm.Scheduling;

/// <summary>
/// Writes the log of a job while that runs, in pieces of 64 KiB, or of what came in 200 ms. Who writes faster than pieces are stored waits
/// when 4 MiB do. Safe for concurrent use.
/// </summary>
internal sealed class JobLogWriter : IAsyncDisposable
{
    private const int PieceBytes = 64 << 10;
    private const int MaxWaitingPieces = 64;
    private static readonly TimeSpan MaxAge = TimeSpan.FromMilliseconds(200);

    private readonly SchedulerOptions options;
    private readonly PipelineName pipeline;
    private readonly JobId job;
    private readonly ITimer timer;
    private readonly Lock gate = new();
    private readonly List<LogPieceWriter> full = [];
    private LogPieceWriter piece = new();
    private Task storing = Task.CompletedTask;
    private bool isStoring;
    private Exception? failure;

    /// <summary>Begins.</summary>
    public JobLogWriter(SchedulerOptions options, PipelineName pipeline, JobId job)
    {
        this.options = options;
        this.pipeline = pipeline;
        this.job = job;
        timer = options.Time.CreateTimer(_ => EndPiece(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Writes a line of the scheduler.</summary>
    public void Tell(string message) => _ = Add(LogContext.Master, message);

    /// <summary>Writes a line.</summary>
    /// <exception cref="IOException">The log cannot be stored.</exception>
    public async ValueTask WriteAsync(LogContext context, string message, CancellationToken cancellationToken)
    {
        Task space = Add(context, message);
        if (!space.IsCompleted)
        {
            await space.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Stores all but the last piece, which is returned to be stored in a transaction of the caller.</summary>
    public async Task<IReadOnlyCollection<ReadOnlyMemory<byte>>> DrainAsync()
    {
        LogPieceWriter last;
        Task before;
        lock (gate)
        {
            last = piece;
            piece = new LogPieceWriter();
            before = storing;
        }
        await before;
        return last.Length == 0 ? [] : [last.ToPiece()];
    }

    /// <summary>Stores what is left.</summary>
    public async ValueTask DisposeAsync()
    {
        await timer.DisposeAsync();
        EndPiece();
        Task rest;
        lock (gate)
        {
            rest = storing;
        }
        await rest;
        if (failure is not null)
        {
            RunningLog.LogNotStored(options.Logger, job.Value, failure);
        }
    }

    private Task Add(LogContext context, string message)
    {
        DateTimeOffset now = options.Time.GetUtcNow();
        lock (gate)
        {
            if (failure is not null)
            {
                throw new IOException($"the log of job {job} cannot be stored: {failure.Message}", failure);
            }
            if (piece.Length == 0)
            {
                timer.Change(MaxAge, Timeout.InfiniteTimeSpan);
            }
            piece.Add(context, now, message);
            if (piece.Length >= PieceBytes)
            {
                EndPieceLocked();
            }
            return full.Count >= MaxWaitingPieces ? storing : Task.CompletedTask;
        }
    }

    private void EndPiece()
    {
        lock (gate)
        {
            EndPieceLocked();
        }
    }

    private void EndPieceLocked()
    {
        if (piece.Length == 0)
        {
            return;
        }
        full.Add(piece);
        piece = new LogPieceWriter();
        if (!isStoring)
        {
            isStoring = true;
            storing = Task.Run(StoreAsync);
        }
    }

    private async Task StoreAsync()
    {
        while (true)
        {
            LogPieceWriter[] next;
            lock (gate)
            {
                if (full.Count == 0 || failure is not null)
                {
                    isStoring = false;
                    return;
                }
                next = [.. full];
                full.Clear();
            }
            try
            {
                ReadOnlyMemory<byte>[] pieces = [.. next.Select(static part => (ReadOnlyMemory<byte>)part.ToPiece())];
                await options.Metadata.WriteAsync(
                    transaction =>
                    {
                        PpsWriter writer = new(transaction);
                        if (writer.FindJob(job) is not null)
                        {
                            writer.AppendLog(pipeline, job, pieces);
                        }
                        return true;
                    },
                    CancellationToken.None);
            }
            catch (Exception exception)
            {
                lock (gate)
                {
                    failure = exception;
                }
            }
        }
    }
}
