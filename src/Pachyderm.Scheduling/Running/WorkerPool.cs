using Pachyderm.Pps.Pipelines;

namespace Pachyderm.Scheduling;

/// <summary>
/// The workers of one version of a pipeline: started when a job first needs them, kept for the next, and given up after the pipeline's
/// scale-down threshold without work.
/// </summary>
internal sealed class WorkerPool(SchedulerOptions options, Pipeline pipeline) : IAsyncDisposable
{
    /// <summary>The pipeline as it was when the pool was made.</summary>
    public Pipeline Pipeline => pipeline;

    /// <summary>Where workers are started.</summary>
    public SchedulerOptions Options => options;

    /// <summary>Ends all workers, and with them whatever they run.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
