using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Storage.Content;
using Pachyderm.Workers;

namespace Pachyderm.Scheduling;

/// <summary>A datum for a worker, with the attempt that it is.</summary>
internal sealed record AttemptWork : DatumWork
{
    /// <summary>The attempt.</summary>
    public required DatumAttempt Attempt { get; init; }
}

/// <summary>One attempt to process a datum.</summary>
/// <param name="turn">Which datum, and how often it failed before.</param>
/// <param name="datum">The datum.</param>
/// <param name="tag">What names its result.</param>
/// <param name="slot">The worker.</param>
internal sealed class DatumAttempt(DatumTurn turn, Datum datum, DatumTag tag, WorkerSlot slot) : IAsyncDisposable
{
    private readonly Lock gate = new();
    private CancellationTokenSource? restart;

    /// <summary>Which datum, and how often it failed before.</summary>
    public DatumTurn Turn => turn;

    /// <summary>The datum.</summary>
    public Datum Datum => datum;

    /// <summary>What names its result.</summary>
    public DatumTag Tag => tag;

    /// <summary>What names it in logs and stats commits.</summary>
    public ChunkId Id { get; } = DatumIdentity.IdOf(datum.Parts.Items.AsSpan());

    /// <summary>The worker.</summary>
    public WorkerSlot Slot => slot;

    /// <summary>Its inputs as the worker lays them out.</summary>
    public required IReadOnlyList<DatumInputTree> Inputs { get; init; }

    /// <summary>What the program prints.</summary>
    public required AttemptLog Log { get; init; }

    /// <summary>Its statistics; null if none are wanted, or they were handed on.</summary>
    public DatumStats? Stats { get; set; }

    /// <summary>What it leaves behind; null before that is collected, or if it was handed on.</summary>
    public DatumOutput? Output { get; set; }

    /// <summary>When its program began, UTC.</summary>
    public DateTimeOffset Started { get; private set; }

    /// <summary>Whether a person had its program ended.</summary>
    public bool WasRestarted { get; set; }

    /// <summary>Its program begins.</summary>
    /// <param name="now">The present.</param>
    /// <param name="source">Ends the program. It is the caller's, who calls <see cref="End"/> before it is disposed.</param>
    public void Begin(DateTimeOffset now, CancellationTokenSource source)
    {
        lock (gate)
        {
            Started = now;
            restart = source;
        }
    }

    /// <summary>Its program has ended.</summary>
    public void End()
    {
        lock (gate)
        {
            restart = null;
        }
    }

    /// <summary>Has its program ended, if it runs; that counts as a failure.</summary>
    public void Restart()
    {
        lock (gate)
        {
            restart?.Cancel();
        }
    }

    /// <summary>Lets go of what was not handed on.</summary>
    public async ValueTask DisposeAsync()
    {
        Output?.Dispose();
        if (Stats is not null)
        {
            await Stats.DisposeAsync();
        }
    }
}
