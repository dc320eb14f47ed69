using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Pachyderm.Pachd.Translation;
using Pachyderm.Pps.Records;

namespace Pachyderm.Pachd.Services;

/// <content>Pipelines.</content>
internal sealed partial class PpsService
{
    /// <inheritdoc/>
    public override async Task<Empty> CreatePipeline(Wire.Pps.CreatePipelineRequest request, ServerCallContext context)
    {
        await scheduler.Pipelines.CreateAsync(PpsRequests.Spec(request), context.CancellationToken);
        return Replies.Empty;
    }

    /// <inheritdoc/>
    public override async Task<Wire.Pps.PipelineInfo> InspectPipeline(
        Wire.Pps.InspectPipelineRequest request, ServerCallContext context) =>
        (await scheduler.Pipelines.InspectAsync(PpsRequests.Pipeline(request.Pipeline), context.CancellationToken)).Pipeline.ToWire();

    /// <inheritdoc/>
    public override async Task<Wire.Pps.PipelineInfos> ListPipeline(Wire.Pps.ListPipelineRequest request, ServerCallContext context)
    {
        ReplyBudget budget = new("pipelines", "InspectPipeline");
        Wire.Pps.PipelineInfos reply = new();
        foreach (PipelineRecord record in await scheduler.Pipelines.ListAsync(context.CancellationToken))
        {
            reply.PipelineInfo.Add(budget.Take(record.Pipeline.ToWire()));
        }
        return reply;
    }

    /// <inheritdoc/>
    public override async Task<Empty> DeletePipeline(Wire.Pps.DeletePipelineRequest request, ServerCallContext context)
    {
        await (request.All
            ? scheduler.Pipelines.DeleteAllAsync(request.DeleteJobs, request.DeleteRepo, context.CancellationToken)
            : scheduler.Pipelines.DeleteAsync(
                PpsRequests.Pipeline(request.Pipeline), request.DeleteJobs, request.DeleteRepo, context.CancellationToken));
        return Replies.Empty;
    }

    /// <inheritdoc/>
    public override async Task<Empty> StartPipeline(Wire.Pps.StartPipelineRequest request, ServerCallContext context)
    {
        await scheduler.Pipelines.StartAsync(PpsRequests.Pipeline(request.Pipeline), context.CancellationToken);
        return Replies.Empty;
    }

    /// <inheritdoc/>
    public override async Task<Empty> StopPipeline(Wire.Pps.StopPipelineRequest request, ServerCallContext context)
    {
        await scheduler.Pipelines.StopAsync(PpsRequests.Pipeline(request.Pipeline), context.CancellationToken);
        return Replies.Empty;
    }

    /// <summary>Refuses: nor does 1.5 know it.</summary>
    public override Task<Empty> RerunPipeline(Wire.Pps.RerunPipelineRequest request, ServerCallContext context) =>
        throw new RpcException(new Status(
            StatusCode.Unimplemented,
            "RerunPipeline does nothing in 1.5 either; update the pipeline with reprocess to run everything again"));
}
