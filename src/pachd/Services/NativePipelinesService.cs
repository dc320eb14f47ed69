using System.Runtime.CompilerServices;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Pachyderm.Pachd.Translation;
using Pachyderm.Pps;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;
using Pachyderm.Scheduling;

namespace Pachyderm.Pachd.Services;

/// <summary><c>pachyderm.native.v1.Pipelines</c>: lists without a ceiling, jobs and logs as they change, and reasons.</summary>
internal sealed class NativePipelinesService(Scheduler scheduler, Following following) : Wire.Native.Pipelines.PipelinesBase
{
    /// <inheritdoc/>
    public override Task ListJobs(
        Wire.Native.ListJobsRequest request, IServerStreamWriter<Wire.Pps.JobInfos> responseStream, ServerCallContext context)
    {
        PipelineName? pipeline = PpsRequests.PipelineOrNull(request.Pipeline);
        return request.Watch
            ? following.SendAsync(
                token => scheduler.Jobs.WatchAsync(pipeline, token),
                static record => new Wire.Pps.JobInfos { JobInfo = { record.Job.ToWire() } },
                responseStream,
                context)
            : Pieces.SendAsync(
                scheduler.Jobs.ListAsync(pipeline, context.CancellationToken),
                () => new Wire.Pps.JobInfos(),
                (piece, record) => Add(piece.JobInfo, record.Job.ToWire()),
                piece => responseStream.WriteAsync(piece, context.CancellationToken),
                context.CancellationToken);
    }

    /// <inheritdoc/>
    public override Task InspectJob(
        Wire.Pps.InspectJobRequest request, IServerStreamWriter<Wire.Native.InspectJobResponse> responseStream,
        ServerCallContext context) => following.SendAsync(
        token => FollowAsync(PpsRequests.Job(request.Job), request.BlockState, token),
        job => new Wire.Native.InspectJobResponse { Job = job.ToWire(PpsService.WorkersOf(scheduler, job)), Reason = job.Reason },
        responseStream,
        context);

    /// <inheritdoc/>
    public override async Task ListDatums(
        Wire.Native.ListDatumsRequest request, IServerStreamWriter<Wire.Native.ListDatumsResponse> responseStream,
        ServerCallContext context)
    {
        Job job = await FindAsync(request.Job, context.CancellationToken);
        await Pieces.SendAsync(
            scheduler.Datums.ListAsync(job.Id, context.CancellationToken),
            () => new Wire.Native.ListDatumsResponse(),
            (piece, datum) => Add(piece.Datums, datum.ToWire(job.Id, job.StatsCommit)),
            piece => responseStream.WriteAsync(piece, context.CancellationToken),
            context.CancellationToken);
    }

    /// <inheritdoc/>
    public override Task GetLogs(
        Wire.Native.GetLogsRequest request, IServerStreamWriter<Wire.Pps.LogMessage> responseStream, ServerCallContext context) =>
        following.SendAsync(
            token => scheduler.Logs.ReadAsync(PpsRequests.Logs(request.Filter, request.Follow), token),
            PpsReplies.ToWire,
            responseStream,
            context);

    /// <inheritdoc/>
    public override async Task ExplainJob(
        Wire.Native.ExplainJobRequest request, IServerStreamWriter<Wire.Native.ExplainJobResponse> responseStream,
        ServerCallContext context)
    {
        Job job = await FindAsync(request.Job, context.CancellationToken);
        await Pieces.SendAsync(
            scheduler.Datums.ExplainAsync(job.Id, context.CancellationToken),
            () => new Wire.Native.ExplainJobResponse(),
            (piece, explanation) => Add(
                piece.Datums,
                new Wire.Native.DatumExplanation
                {
                    Datum = explanation.Datum.ToWire(job.Id, job.StatsCommit),
                    Reason = (Wire.Native.DatumExplanation.Types.Reason)explanation.Difference.Reason,
                    Text = explanation.Difference.ToString(),
                }),
            piece => responseStream.WriteAsync(piece, context.CancellationToken),
            context.CancellationToken);
    }

    /// <inheritdoc/>
    public override Task WalkLineage(
        Wire.Native.WalkLineageRequest request, IServerStreamWriter<Wire.Native.LineageStep> responseStream, ServerCallContext context) =>
        following.SendAsync(
            token => scheduler.Lineage.WalkAsync(
                Requests.CommitOf(request.File),
                request.File.Path.Length == 0 ? null : request.File.Path,
                request.Downstream ? LineageDirection.Downstream : LineageDirection.Upstream,
                token),
            ToWire,
            responseStream,
            context);

    private static Wire.Native.LineageStep ToWire(LineageStep step) => new()
    {
        Depth = (uint)step.Depth,
        Job = step.Job.ToWire(),
        DatumId = step.Datum is { } datum ? DatumIdentity.IdOf(datum.Parts.Items.AsSpan()).ToString() : "",
        Inputs = { step.Inputs.Select(ToWire) },
        Outputs = { step.Outputs.Select(ToWire) },
        Finished = step.Job.Finished is { } finished ? Timestamp.FromDateTimeOffset(finished) : null,
    };

    private static Wire.Pfs.File ToWire(LineageFile file) => new() { Commit = file.Commit.ToWire(), Path = file.Path };

    private static int Add<T>(Google.Protobuf.Collections.RepeatedField<T> list, T item)
        where T : IMessage
    {
        list.Add(item);
        return item.CalculateSize() + 4;
    }

    private async Task<Job> FindAsync(Wire.Pps.Job? job, CancellationToken cancellationToken) =>
        (await scheduler.Jobs.InspectAsync(PpsRequests.Job(job), block: false, cancellationToken)).Job;

    /// <summary>A job, and again whenever it changes, until it has ended.</summary>
    private async IAsyncEnumerable<Job> FollowAsync(JobId id, bool block, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Job last = (await scheduler.Jobs.InspectAsync(id, block: false, cancellationToken)).Job;
        yield return last;
        if (!block || last.State.IsTerminal())
        {
            yield break;
        }
        // The watch tells progress; that the job is deleted only the wait tells.
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<JobRecord> wait = scheduler.Jobs.InspectAsync(id, block: true, ended.Token);
        Task ending = wait.ContinueWith(
            _ => ended.CancelAsync(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).Unwrap();
        try
        {
            await using IAsyncEnumerator<JobRecord> changes =
                scheduler.Jobs.WatchAsync(last.Pipeline, ended.Token).GetAsyncEnumerator(ended.Token);
            while (await NextAsync(changes, ended.Token))
            {
                if (changes.Current.Job is { } job && job.Id == id && !job.State.IsTerminal() && job != last)
                {
                    last = job;
                    yield return job;
                }
            }
            yield return (await wait).Job;
        }
        finally
        {
            await ended.CancelAsync();
            await ending;
        }
    }

    private static async ValueTask<bool> NextAsync(IAsyncEnumerator<JobRecord> changes, CancellationToken ended)
    {
        try
        {
            return await changes.MoveNextAsync();
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            return false;
        }
    }
}
