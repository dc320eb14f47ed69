using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Pachyderm.Pachd.Services;

/// <summary>health.Health of 1.5: it answers, so it is well.</summary>
internal sealed class HealthService : Wire.Health.Health.HealthBase
{
    /// <inheritdoc/>
    public override Task<Empty> Health(Empty request, ServerCallContext context) => Task.FromResult(new Empty());
}
