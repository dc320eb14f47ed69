namespace Pachyderm.Pachd;

/// <summary>What pachd says about itself. Event numbers are stable.</summary>
internal static partial class Log
{
    /// <summary>It serves.</summary>
    [LoggerMessage(1, LogLevel.Information, "pachd {Version} serves gRPC on {Grpc} and HTTP on {Http}; the data is in {Data}")]
    public static partial void Serving(ILogger logger, string version, string grpc, string http, string data);

    /// <summary>It has stopped as it was told.</summary>
    [LoggerMessage(2, LogLevel.Information, "pachd has stopped")]
    public static partial void Stopped(ILogger logger);
}
