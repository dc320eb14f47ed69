namespace Pachyderm.Pachd.Hosting;

/// <summary>Everything that pachd logs.</summary>
internal static partial class Log
{
    /// <summary>It serves.</summary>
    [LoggerMessage(1, LogLevel.Information, "pachd {Version} serves {Data}: gRPC on {Grpc}, HTTP on {Http}")]
    public static partial void Serving(this ILogger logger, string version, string data, string grpc, string http);

    /// <summary>Writes are refused.</summary>
    [LoggerMessage(2, LogLevel.Warning, "writes are refused: {Reason}")]
    public static partial void WritesRefused(this ILogger logger, string reason);

    /// <summary>It was told to end.</summary>
    [LoggerMessage(3, LogLevel.Information, "ending: no new calls; those that run have {Timeout} to finish")]
    public static partial void Draining(this ILogger logger, TimeSpan timeout);

    /// <summary>It ends.</summary>
    [LoggerMessage(4, LogLevel.Information, "ended")]
    public static partial void Ended(this ILogger logger);

    /// <summary>Something about stored bytes.</summary>
    [LoggerMessage(5, LogLevel.Warning, "{Id}: {Thing}: {Problem}; {Remedy}")]
    public static partial void Finding(this ILogger logger, string id, string thing, string problem, string remedy);

    /// <summary>A call failed because of something that a person has to act on.</summary>
    [LoggerMessage(6, LogLevel.Error, "{Method} failed: {Problem}")]
    public static partial void CallFailed(this ILogger logger, string method, string problem);

    /// <summary>A call failed through a defect.</summary>
    [LoggerMessage(7, LogLevel.Error, "{Method} failed through a defect of pachd")]
    public static partial void CallBroke(this ILogger logger, Exception exception, string method);

    /// <summary>A call was refused.</summary>
    [LoggerMessage(8, LogLevel.Debug, "{Method} refused: {Problem}")]
    public static partial void CallRefused(this ILogger logger, string method, string problem);

    /// <summary>A collection ended.</summary>
    [LoggerMessage(9, LogLevel.Information, "garbage collection freed {Bytes} bytes: {Removed} of {Chunks} chunks, {Objects} objects")]
    public static partial void Collected(this ILogger logger, long bytes, long removed, long chunks, long objects);

    /// <summary>Where programs of pipelines run.</summary>
    [LoggerMessage(10, LogLevel.Information, "pipelines run on {Nodes} nodes by {Backend} workers")]
    public static partial void Workers(this ILogger logger, string backend, int nodes);

    /// <summary>What an operator should know about them.</summary>
    [LoggerMessage(11, LogLevel.Warning, "{Note}")]
    public static partial void WorkerNote(this ILogger logger, string note);

    /// <summary>A consolidation ended.</summary>
    [LoggerMessage(
        12, LogLevel.Information, "consolidation copied {Chunks} chunks with {Bytes} bytes out of {Locations}; {Failed} could not be read")]
    public static partial void Consolidated(this ILogger logger, long chunks, long bytes, string locations, long failed);

    /// <summary>Older stores may go.</summary>
    [LoggerMessage(13, LogLevel.Information, "released: {Locations}")]
    public static partial void Released(this ILogger logger, string locations);
}
