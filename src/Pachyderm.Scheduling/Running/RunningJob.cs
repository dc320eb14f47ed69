using Pachyderm.Pps;

namespace Pachyderm.Scheduling;

/// <summary>A job while it runs: what can be seen of it and done to it from outside. Safe for concurrent use.</summary>
/// <param name="id">The job.</param>
internal sealed class RunningJob(JobId id)
{
    /// <summary>The job.</summary>
    public JobId Id => id;

    /// <summary>What its workers do.</summary>
    public IReadOnlyList<WorkerActivity> ListWorkers() => throw new NotImplementedException();

    /// <summary>Ends the program of the datums that fit all filters; that counts as a failure of theirs.</summary>
    /// <returns>Whether there was such a datum.</returns>
    public bool RestartDatums(IReadOnlyList<string> filters) => throw new NotImplementedException();
}
