using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Pachyderm.Pachd.Configuration;
using Pachyderm.Pachd.Translation;

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
        return new Wire.Version.Version
        {
            Major = numbers[0],
            Minor = numbers[1],
            Micro = numbers[2],
            Additional = parts.Length > 1 ? parts[1] : "",
        };
    }
}

/// <summary><c>health.Health</c>: who gets an answer knows that pachd serves, since it accepts no calls before.</summary>
internal sealed class HealthService : Wire.Health.Health.HealthBase
{
    /// <inheritdoc/>
    public override Task<Empty> Health(Empty request, ServerCallContext context) => Task.FromResult(Replies.Empty);
}
