using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Pachyderm.Pachd.Translation;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;
using Pachyderm.Scheduling;

namespace Pachyderm.Pachd.Services;

/// <content>Datums.</content>
internal sealed partial class PpsService
{
    /// <summary>
    /// Lists datums, those that failed first, then the slowest first. Unlike in 1.5, jobs without stats commits have states, too.
    /// </summary>
    public override async Task<Wire.Pps.DatumInfos> ListDatum(Wire.Pps.ListDatumRequest request, ServerCallContext context)
    {
        ReplyBudget budget = new("datums", "pachyderm.native.v1.Pipelines/ListDatums");
        JobRecord record = await scheduler.Jobs.InspectAsync(PpsRequests.Job(request.Job), block: false, context.CancellationToken);
        Job job = record.Job;
        List<(DatumSummary Order, Wire.Pps.DatumInfo Info)> datums = [];
        await foreach (DatumDetails datum in scheduler.Datums.ListAsync(job.Id, context.CancellationToken))
        {
            datums.Add((new DatumSummary(datum.Id, datum.State, datum.Stats), budget.Take(datum.ToWire(job.Id, job.StatsCommit))));
        }
        return new Wire.Pps.DatumInfos
        {
            DatumInfo = { datums.OrderBy(static datum => datum.Order, DatumSummary.Order).Select(static datum => datum.Info) },
        };
    }

    /// <inheritdoc/>
    public override async Task<Wire.Pps.DatumInfo> InspectDatum(Wire.Pps.InspectDatumRequest request, ServerCallContext context)
    {
        JobRecord record = await scheduler.Jobs.InspectAsync(
            PpsRequests.Job(request.Datum?.Job), block: false, context.CancellationToken);
        Job job = record.Job;
        if (!job.Workload.EnableStats)
        {
            throw new PpsException(PpsErrorKind.FailedPrecondition, $"stats not enabled on {job.Pipeline}");
        }
        if (job.StatsCommit is null)
        {
            throw new PpsException(PpsErrorKind.FailedPrecondition, "job not finished, no stats output yet");
        }
        DatumDetails datum = await scheduler.Datums.InspectAsync(job.Id, request.Datum?.Id ?? "", context.CancellationToken);
        Wire.Pps.DatumInfo info = datum.ToWire(job.Id, job.StatsCommit);
        // Clients of 1.5 break if they are missing, as they are of a datum that was skipped.
        info.Stats ??= default(ProcessStats).ToWire();
        return info;
    }

    /// <inheritdoc/>
    public override async Task<Empty> RestartDatum(Wire.Pps.RestartDatumRequest request, ServerCallContext context)
    {
        await scheduler.Jobs.RestartDatumAsync(PpsRequests.Job(request.Job), request.DataFilters, context.CancellationToken);
        return Replies.Empty;
    }
}
