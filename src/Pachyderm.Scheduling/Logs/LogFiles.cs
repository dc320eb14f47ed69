using Pachyderm.Pps.Datums;

namespace Pachyderm.Scheduling;

/// <summary>The files of a datum as log lines name them.</summary>
internal static class LogFiles
{
    /// <summary>The path of a file; a slash for the root, which is empty in a datum.</summary>
    public static string PathOf(DatumPart part) => part.File.Path.IsRoot ? "/" : part.File.Path.ToString();

    /// <summary>The files of a datum.</summary>
    public static IReadOnlyList<LogFile> Of(Datum datum) =>
        [.. datum.Parts.Select(static part => new LogFile(PathOf(part), part.File.Hash))];
}
