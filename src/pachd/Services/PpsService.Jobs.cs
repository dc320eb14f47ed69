using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Pachyderm.Pachd.Translation;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;
using Pachyderm.Scheduling;

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
            JobRecord record = await scheduler.Jobs.InspectAsync(PpsRequests.Job(request.Job), request.BlockState, token);
            return record.Job.ToWire(WorkersOf(scheduler, record.Job));
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

    /// <summary>What workers do for a job; of one that was stopped nothing, though a program may take a moment to end.</summary>
    internal static IReadOnlyList<WorkerActivity> WorkersOf(Scheduler scheduler, Job job) =>
        job.State == JobState.Running ? scheduler.Jobs.ListWorkers(job.Id) : [];
}
