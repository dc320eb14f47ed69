using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Pachyderm.Pachd.Translation;
using Pachyderm.Pps;
using Pachyderm.Pps.Records;

namespace Pachyderm.Pachd.Services;

/// <content>Jobs.</content>
internal sealed partial class PpsService
{
    /// <inheritdoc/>
    public override async Task<Wire.Pps.Job> CreateJob(Wire.Pps.CreateJobRequest request, ServerCallContext context) =>
        (await scheduler.Jobs.CreateAsync(PpsRequests.Job(request), context.CancellationToken)).ToWire();

    /// <inheritdoc/>
    public override Task<Wire.Pps.JobInfo> InspectJob(Wire.Pps.InspectJobRequest request, ServerCallContext context) => following.RunAsync(
        async token =>
        {
            JobId id = PpsRequests.Job(request.Job);
            JobRecord record = await scheduler.Jobs.InspectAsync(id, request.BlockState, token);
            return record.Job.ToWire(scheduler.Jobs.ListWorkers(id));
        },
        context);

    /// <summary>Lists jobs of one pipeline or all; which commits they read does not matter, as in 1.5.</summary>
    public override async Task<Wire.Pps.JobInfos> ListJob(Wire.Pps.ListJobRequest request, ServerCallContext context)
    {
        ReplyBudget budget = new("jobs", "pachyderm.native.v1.Pipelines/ListJobs");
        Wire.Pps.JobInfos reply = new();
        await foreach (JobRecord record in scheduler.Jobs.ListAsync(
            PpsRequests.PipelineOrNull(request.Pipeline), context.CancellationToken))
        {
            reply.JobInfo.Add(budget.Take(record.Job.ToWire()));
        }
        return reply;
    }

    /// <inheritdoc/>
    public override async Task<Empty> StopJob(Wire.Pps.StopJobRequest request, ServerCallContext context)
    {
        await scheduler.Jobs.StopAsync(PpsRequests.Job(request.Job), context.CancellationToken);
        return Replies.Empty;
    }

    /// <inheritdoc/>
    public override async Task<Empty> DeleteJob(Wire.Pps.DeleteJobRequest request, ServerCallContext context)
    {
        await scheduler.Jobs.DeleteAsync(PpsRequests.Job(request.Job), context.CancellationToken);
        return Replies.Empty;
    }
}
