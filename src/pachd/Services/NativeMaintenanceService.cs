using System.Threading.Channels;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Pachyderm.Pachd.Hosting;
using Pachyderm.Pfs;
using Pachyderm.Storage.Maintenance;

namespace Pachyderm.Pachd.Services;

/// <summary><c>pachyderm.native.v1.Maintenance</c>: care of the store itself.</summary>
internal sealed class NativeMaintenanceService(StoreMaintenance maintenance, ILogger<NativeMaintenanceService> logger)
    : Wire.Native.Maintenance.MaintenanceBase
{
    /// <inheritdoc/>
    public override Task CollectGarbage(
        Wire.Native.CollectGarbageRequest request, IServerStreamWriter<Wire.Native.CollectGarbageResponse> responseStream, ServerCallContext context) =>
        ReportAsync(
            async (progress, token) =>
            {
                GarbageCollectionResult result = await maintenance.CollectGarbageAsync(progress, token);
                logger.Collected(result.BytesFreed, result.Chunks - result.Live, result.Chunks, 0);
                return new Wire.Native.CollectGarbageResponse
                {
                    Summary = new Wire.Native.CollectGarbageSummary
                    {
                        ChunksKept = (ulong)result.Live,
                        ChunksRemoved = (ulong)Math.Max(0, result.Chunks - result.Live),
                        BytesFreed = (ulong)Math.Max(0, result.BytesFreed),
                        PacksRemoved = (ulong)result.PacksDeleted,
                        PacksRewritten = (ulong)result.PacksRewritten,
                    },
                };
            },
            progress => new Wire.Native.CollectGarbageResponse { Progress = progress },
            responseStream,
            context.CancellationToken);

    /// <summary>Runs work, and sends what it reports while it runs: the newest when the client is slow.</summary>
    private static async Task ReportAsync<T>(
        Func<IProgress<MaintenanceProgress>, CancellationToken, Task<T>> work,
        Func<Wire.Native.Progress, T> translate,
        IServerStreamWriter<T> writer,
        CancellationToken cancellationToken)
    {
        Channel<MaintenanceProgress> reports = Channel.CreateBounded<MaintenanceProgress>(
            new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        Task<T> running = RunAsync();
        await foreach (MaintenanceProgress report in reports.Reader.ReadAllAsync(cancellationToken))
        {
            await writer.WriteAsync(
                translate(new Wire.Native.Progress { Phase = report.Phase, Done = (ulong)report.Done, Total = (ulong)report.Total }), cancellationToken);
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
