using Pachyderm.Pps;
using Pachyderm.Pps.Datums;

namespace Pachyderm.Scheduling;

/// <summary>A job while it runs: what can be seen of it and done to it from outside. Safe for concurrent use.</summary>
/// <param name="id">The job.</param>
internal sealed class RunningJob(JobId id)
{
    private readonly Lock gate = new();
    private readonly HashSet<DatumAttempt> attempts = new(ReferenceEqualityComparer.Instance);

    /// <summary>The job.</summary>
    public JobId Id => id;

    /// <summary>What its workers do.</summary>
    public IReadOnlyList<WorkerActivity> ListWorkers()
    {
        lock (gate)
        {
            return
            [
                .. attempts.OrderBy(static attempt => attempt.Slot.Number).Select(attempt => new WorkerActivity(
                    attempt.Slot.Name, id, attempt.Datum.Parts, attempt.Started, attempt.Slot.Waiting)),
            ];
        }
    }

    /// <summary>Ends the program of the datums that fit all filters; that counts as a failure of theirs.</summary>
    /// <returns>Whether there was such a datum.</returns>
    public bool RestartDatums(IReadOnlyList<string> filters)
    {
        DatumAttempt[] chosen;
        lock (gate)
        {
            chosen = [.. attempts.Where(attempt => DataFilter.Matches(filters, attempt.Datum.Parts))];
        }
        foreach (DatumAttempt attempt in chosen)
        {
            attempt.Restart();
        }
        return chosen.Length > 0;
    }

    /// <summary>The program of a datum begins.</summary>
    internal void Enter(DatumAttempt attempt)
    {
        lock (gate)
        {
            attempts.Add(attempt);
        }
    }

    /// <summary>The program of a datum has ended.</summary>
    internal void Leave(DatumAttempt attempt)
    {
        lock (gate)
        {
            attempts.Remove(attempt);
        }
    }
}
