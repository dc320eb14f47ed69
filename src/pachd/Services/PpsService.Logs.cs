using Grpc.Core;
using Pachyderm.Pachd.Translation;

namespace Pachyderm.Pachd.Services;

/// <content>Logs.</content>
internal sealed partial class PpsService
{
    /// <inheritdoc/>
    public override Task GetLogs(
        Wire.Pps.GetLogsRequest request, IServerStreamWriter<Wire.Pps.LogMessage> responseStream, ServerCallContext context) =>
        following.SendAsync(
            token => scheduler.Logs.ReadAsync(PpsRequests.Logs(request, follow: false), token), PpsReplies.ToWire, responseStream, context);
}
