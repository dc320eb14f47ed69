using System.Globalization;
using System.Reflection;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Version = Pachyderm.Wire.Version.Version;

namespace Pachyderm.Pachd.Services;

/// <summary>versionpb.API: the release of this server.</summary>
internal sealed class VersionService : Wire.Version.API.APIBase
{
    /// <summary>The release as <c>MAJOR.MINOR.MICRO[-ADDITIONAL]</c>.</summary>
    public static string Text { get; } =
        typeof(VersionService).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <inheritdoc/>
    public override Task<Version> GetVersion(Empty request, ServerCallContext context)
    {
        string[] parts = Text.Split('-', 2);
        uint[] numbers = [.. parts[0].Split('.').Select(number => uint.Parse(number, CultureInfo.InvariantCulture))];
        return Task.FromResult(new Version
        {
            Major = numbers[0],
            Minor = numbers[1],
            Micro = numbers[2],
            Additional = parts.ElementAtOrDefault(1) ?? "",
        });
    }
}
