using System.Threading.Channels;
using Grpc.Core;
using Pachyderm.Pachd.Hosting;
using Pachyderm.Pfs;
using Pachyderm.Scheduling;
using Pachyderm.Storage.Maintenance;

namespace Pachyderm.Pachd.Services;

/// <summary><c>pachyderm.native.v1.Maintenance</c>: care of the store itself.</summary>
internal sealed class NativeMaintenanceService(
    StoreMaintenance maintenance, Scheduler scheduler, ReadOnlyGuard guard, Following following,
    ILogger<NativeMaintenanceService> logger) : Wire.Native.Maintenance.MaintenanceBase
{
    /// <inheritdoc/>
    public override async Task Fsck(
        Wire.Native.FsckRequest request, IServerStreamWriter<Wire.Native.FsckResponse> responseStream, ServerCallContext context)
    {
        if (request.Fix)
        {
            guard.CheckWrite();
        }
        await foreach (CheckEvent step in maintenance.CheckAsync(request.Fix, request.ReadData, context.CancellationToken))
        {
            await responseStream.WriteAsync(ToWire(step), context.CancellationToken);
        }
    }

    /// <inheritdoc/>
    public override Task CollectGarbage(
        Wire.Native.CollectGarbageRequest request, IServerStreamWriter<Wire.Native.CollectGarbageResponse> responseStream,
        ServerCallContext context) =>
        ReportAsync(
            async (progress, token) =>
            {
                await scheduler.ForgetResultsAsync(token);
                (GarbageCollectionResult result, long objects) = await maintenance.CollectGarbageAsync(progress, token);
                logger.Collected(result.BytesFreed, result.Chunks - result.Live, result.Chunks, objects);
                return new Wire.Native.CollectGarbageResponse
                {
                    Summary = new Wire.Native.CollectGarbageSummary
                    {
                        ChunksKept = (ulong)result.Live,
                        ChunksRemoved = (ulong)Math.Max(0, result.Chunks - result.Live),
                        BytesFreed = (ulong)Math.Max(0, result.BytesFreed),
                        PacksRemoved = (ulong)result.PacksDeleted,
                        PacksRewritten = (ulong)result.PacksRewritten,
                        ObjectsRemoved = (ulong)objects,
                    },
                };
            },
            progress => new Wire.Native.CollectGarbageResponse { Progress = ToWire(progress) },
            responseStream,
            context.CancellationToken);

    /// <inheritdoc/>
    public override Task Consolidate(
        Wire.Native.ConsolidateRequest request, IServerStreamWriter<Wire.Native.ConsolidateResponse> responseStream,
        ServerCallContext context) =>
        // It may take days, and goes on another time: pachd does not wait for it when it ends.
        following.RunAsync(
            async ending =>
            {
                await ReportAsync(
                    (progress, token) => request.Release ? ReleaseAsync(progress, token) : ConsolidateAsync(progress, token),
                    progress => new Wire.Native.ConsolidateResponse { Progress = ToWire(progress) },
                    responseStream,
                    ending);
                return true;
            },
            context);

    private async Task<Wire.Native.ConsolidateResponse> ConsolidateAsync(IProgress<MaintenanceProgress> progress, CancellationToken token)
    {
        ConsolidationSummary summary = await maintenance.ConsolidateAsync(progress, token);
        logger.Consolidated(summary.Chunks, summary.Bytes, string.Join(", ", summary.Locations), summary.FailedChunks);
        return ToWire(summary, released: false);
    }

    private async Task<Wire.Native.ConsolidateResponse> ReleaseAsync(IProgress<MaintenanceProgress> progress, CancellationToken token)
    {
        ConsolidationSummary summary = await maintenance.ReleaseAsync(progress, token);
        logger.Released(string.Join(", ", summary.Locations));
        return ToWire(summary, released: true);
    }

    private static Wire.Native.ConsolidateResponse ToWire(ConsolidationSummary summary, bool released) => new()
    {
        Summary = new Wire.Native.ConsolidateSummary
        {
            ChunksCopied = (ulong)summary.Chunks,
            BytesCopied = (ulong)summary.Bytes,
            ChunksFailed = (ulong)summary.FailedChunks,
            ChunksLeft = (ulong)summary.LeftChunks,
            BytesLeft = (ulong)summary.LeftBytes,
            Locations = { summary.Locations },
            Released = released,
        },
    };

    private static Wire.Native.Progress ToWire(MaintenanceProgress progress) =>
        new() { Phase = progress.Phase, Done = (ulong)progress.Done, Total = (ulong)progress.Total };

    private static Wire.Native.FsckResponse ToWire(CheckEvent step) => step switch
    {
        { Finding: { } found } => new Wire.Native.FsckResponse
        {
            Finding = new Wire.Native.FsckFinding
            {
                Id = found.Id,
                Thing = found.Thing,
                Problem = found.Problem,
                Remedy = found.Remedy,
                Fixed = found.Fixed,
            },
        },
        { Summary: { } summary } => new Wire.Native.FsckResponse
        {
            Summary = new Wire.Native.FsckSummary
            {
                Packs = (ulong)summary.Packs,
                Chunks = (ulong)summary.Chunks,
                Bytes = (ulong)summary.Bytes,
                Commits = (ulong)summary.Roots,
                Findings = (ulong)summary.Findings,
                Fixed = (ulong)summary.Fixed,
            },
        },
        _ => new Wire.Native.FsckResponse { Progress = ToWire(step.Progress ?? default) },
    };

    /// <summary>Runs work, and sends what it reports while it runs: the newest when the client is slow.</summary>
    private static async Task ReportAsync<T>(
        Func<IProgress<MaintenanceProgress>, CancellationToken, Task<T>> work,
        Func<MaintenanceProgress, T> translate,
        IServerStreamWriter<T> writer,
        CancellationToken cancellationToken)
    {
        Channel<MaintenanceProgress> reports = Channel.CreateBounded<MaintenanceProgress>(
            new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        Task<T> running = RunAsync();
        await foreach (MaintenanceProgress report in reports.Reader.ReadAllAsync(cancellationToken))
        {
            await writer.WriteAsync(translate(report), cancellationToken);
        }
        await writer.WriteAsync(await running, cancellationToken);

        async Task<T> RunAsync()
        {
            try
            {
                return await work(new Reporter(reports.Writer), cancellationToken);
            }
            finally
            {
                reports.Writer.Complete();
            }
        }
    }

    private sealed class Reporter(ChannelWriter<MaintenanceProgress> writer) : IProgress<MaintenanceProgress>
    {
        public void Report(MaintenanceProgress value) => writer.TryWrite(value);
    }
}
