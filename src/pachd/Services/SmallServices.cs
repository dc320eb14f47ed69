using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Pachyderm.Pachd.Configuration;
using Pachyderm.Pachd.Translation;
using Pachyderm.Pfs;

namespace Pachyderm.Pachd.Services;

/// <summary><c>versionpb.API</c>.</summary>
internal sealed class VersionService : Wire.Version.API.APIBase
{
    private static readonly Wire.Version.Version Current = Parse(CommandLine.Version);

    /// <inheritdoc/>
    public override Task<Wire.Version.Version> GetVersion(Empty request, ServerCallContext context) => Task.FromResult(Current);

    private static Wire.Version.Version Parse(string version)
    {
        string[] parts = version.Split('-', 2);
        uint[] numbers = [.. parts[0].Split('.').Select(number => uint.Parse(number, CultureInfo.InvariantCulture))];
        return new Wire.Version.Version { Major = numbers[0], Minor = numbers[1], Micro = numbers[2], Additional = parts.Length > 1 ? parts[1] : "" };
    }
}

/// <summary><c>health.Health</c>: who gets an answer knows that pachd serves, since it accepts no calls before.</summary>
internal sealed class HealthService : Wire.Health.Health.HealthBase
{
    /// <inheritdoc/>
    public override Task<Empty> Health(Empty request, ServerCallContext context) => Task.FromResult(Replies.Empty);
}

/// <summary>The methods of <c>pps.API</c> that have a meaning without pipelines; the others are not implemented yet, and say so.</summary>
internal sealed class PpsService(PachydermFileSystem files, StoreMaintenance maintenance) : Wire.Pps.API.APIBase
{
    /// <inheritdoc/>
    public override async Task<Wire.Pps.GarbageCollectResponse> GarbageCollect(Wire.Pps.GarbageCollectRequest request, ServerCallContext context)
    {
        await maintenance.CollectGarbageAsync(progress: null, context.CancellationToken);
        return new Wire.Pps.GarbageCollectResponse();
    }

    /// <inheritdoc/>
    public override async Task<Empty> DeleteAll(Empty request, ServerCallContext context)
    {
        await files.Repos.DeleteAllAsync(context.CancellationToken);
        return Replies.Empty;
    }
}
