namespace Pachyderm.Scheduling;

/// <summary>Which lines a query wants (spec/pps.md section 10).</summary>
internal static class LogFilter
{
    /// <summary>Whether a line of a job that the query asks for is wanted.</summary>
    public static bool Matches(LogQuery query, LogMessage line) =>
        line.IsMaster == query.Master
        && (query.DatumId.Length == 0 || query.DatumId == line.DatumId)
        && query.DataFilters.Where(static filter => filter.Length > 0).All(filter => line.Files.Any(file => Fits(filter, file)));

    private static bool Fits(string filter, LogFile file) =>
        filter == file.Path || filter == file.Hash.ToString() || filter == Convert.ToBase64String(file.Hash.ToArray());
}
