using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Pachyderm.Pachd.Translation;
using Pachyderm.Pfs;
using Pachyderm.Scheduling;

namespace Pachyderm.Pachd.Services;

/// <summary><c>pps.API</c>: what concerns everything; pipelines, jobs, datums and logs are in the other parts.</summary>
internal sealed partial class PpsService(Scheduler scheduler, StoreMaintenance maintenance, Following following) : Wire.Pps.API.APIBase
{
    /// <summary>Deletes all pipelines, then all jobs. Repos stay: deleting those is the business of <c>pfs.API</c>.</summary>
    public override async Task<Empty> DeleteAll(Empty request, ServerCallContext context)
    {
        await scheduler.Pipelines.DeleteAllAsync(deleteJobs: true, deleteRepo: false, context.CancellationToken);
        await scheduler.Jobs.DeleteAllAsync(context.CancellationToken);
        return Replies.Empty;
    }

    /// <inheritdoc/>
    public override async Task<Wire.Pps.GarbageCollectResponse> GarbageCollect(
        Wire.Pps.GarbageCollectRequest request, ServerCallContext context)
    {
        await scheduler.ForgetResultsAsync(context.CancellationToken);
        await maintenance.CollectGarbageAsync(progress: null, context.CancellationToken);
        return new Wire.Pps.GarbageCollectResponse();
    }
}
