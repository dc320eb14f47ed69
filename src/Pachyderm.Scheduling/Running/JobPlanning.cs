using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Legacy;
using Pachyderm.Pps.Pipelines;

namespace Pachyderm.Scheduling;

/// <summary>Finds out which datums of a job are to be processed, and takes results of old releases over.</summary>
internal sealed class JobPlanning(SchedulerOptions options, StoredTrees trees, Pipeline pipeline, JobLedger ledger)
{
    /// <summary>The places of the datums to be processed.</summary>
    public async Task<IReadOnlyList<int>> PlanAsync(RunDatums datums, CancellationToken cancellationToken)
    {
        KnownResults results = new(options.Metadata);
        JobPlanner planner = new(datums.Identity, LegacyIdentity.Of(pipeline), results);
        JobPlan plan = await planner.PlanAsync(datums.Set, cancellationToken);
        if (plan.Carried.Count == 0 && results.Tagged.Count == 0)
        {
            return plan.Run;
        }
        return await new LegacyResults(options, trees, ledger).CarryAsync(datums, plan, results.Tagged, cancellationToken);
    }
}
