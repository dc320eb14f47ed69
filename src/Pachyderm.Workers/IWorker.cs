namespace Pachyderm.Workers;

/// <summary>
/// One slot that processes datums in three stages. The caller overlaps the stages of different datums to keep the slot busy
/// (<see cref="DatumFlow"/> does): the next one is prepared while one runs and the last one is collected.
/// </summary>
/// <remarks>
/// A cancelled stage throws <see cref="OperationCanceledException"/> once nothing of its work is left running. Disposing the worker ends
/// whatever it runs and removes its scratch directories.
/// </remarks>
public interface IWorker : IAsyncDisposable
{
    /// <summary>Lays out a datum's inputs in a scratch directory of its own.</summary>
    /// <param name="datum">The datum.</param>
    /// <param name="cancellationToken">Ends the stage early.</param>
    Task<IPreparedDatum> PrepareAsync(DatumWork datum, CancellationToken cancellationToken);
}

/// <summary>A datum on its way through a worker. Disposing it removes its scratch directory, at whatever stage it is.</summary>
public interface IPreparedDatum : IAsyncDisposable
{
    /// <summary>The datum.</summary>
    DatumWork Work { get; }

    /// <summary>
    /// Runs the command once; runs of one worker wait for each other. When it returns or throws, no process of the datum is left. Whether
    /// the command succeeded is part of the outcome that <see cref="CollectAsync"/> gives.
    /// </summary>
    /// <param name="logs">Takes the lines that the command prints.</param>
    /// <param name="cancellationToken">Ends the command: first SIGTERM, and after <see cref="WorkerOptions.KillGrace"/> SIGKILL.</param>
    Task RunAsync(ILogSink logs, CancellationToken cancellationToken);

    /// <summary>Hands over what the command left in <c>/pfs/out</c>, if it succeeded, and says how the datum ended.</summary>
    /// <param name="sink">Takes the output.</param>
    /// <param name="cancellationToken">Ends the stage early.</param>
    Task<DatumOutcome> CollectAsync(IOutputSink sink, CancellationToken cancellationToken);
}
