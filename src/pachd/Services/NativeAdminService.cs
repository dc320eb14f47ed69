using Google.Protobuf;
using Grpc.Core;
using Pachyderm.Pachd.Translation;
using Pachyderm.Portable;
using Pachyderm.Pps;
using Pachyderm.Scheduling;

namespace Pachyderm.Pachd.Services;

/// <summary><c>pachyderm.native.v1.Admin</c>: a whole cluster as one stream.</summary>
internal sealed class NativeAdminService(ClusterExtract extract, ClusterRestore restore, Scheduler scheduler) : Wire.Native.Admin.AdminBase
{
    /// <inheritdoc/>
    public override async Task Extract(
        Wire.Native.ExtractRequest request, IServerStreamWriter<Wire.Native.ExtractResponse> responseStream, ServerCallContext context)
    {
        await using MessageStream messages = new((value, token) => responseStream.WriteAsync(
            new Wire.Native.ExtractResponse { Value = UnsafeByteOperations.UnsafeWrap(value) }, token));
        await extract.WriteAsync(messages, context.CancellationToken);
    }

    /// <inheritdoc/>
    public override async Task<Wire.Native.RestoreResponse> Restore(
        IAsyncStreamReader<Wire.Native.RestoreRequest> requestStream, ServerCallContext context)
    {
        await using MessageReader messages = new(async token =>
            // Without the cast, null would become an empty piece.
            await requestStream.MoveNext(token) ? (ReadOnlyMemory<byte>?)requestStream.Current.Value.Memory : null);
        RestoreSummary summary = await restore.ReadAsync(messages, context.CancellationToken);
        await scheduler.ResumeAsync(summary.Pipelines.Select(static name => new PipelineName(name)));
        return new Wire.Native.RestoreResponse
        {
            Bytes = (ulong)summary.Bytes,
            Chunks = (ulong)summary.Chunks,
            Created = (ulong)summary.Created,
            Present = (ulong)summary.Present,
        };
    }
}
