namespace Pachyderm.Scheduling;

/// <summary>The pipelines that run in this process, by name.</summary>
internal sealed class PipelineSupervisor : IAsyncDisposable
{
    public PipelineSupervisor(SchedulerOptions options)
    {
    }

    public Task StartAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
