namespace Pachyderm.Pps.Datums;

/// <summary>
/// Picks datums by their files, as get-logs and restart-datum do: each filter must be the path of some file, or its hash in hexadecimal
/// digits or base64. Filters that are empty say nothing.
/// </summary>
public static class DataFilter
{
    /// <summary>Whether every filter fits some file.</summary>
    /// <param name="filters">The filters.</param>
    /// <param name="parts">The files of a datum.</param>
    public static bool Matches(IEnumerable<string> filters, IReadOnlyList<DatumPart> parts)
    {
        ArgumentNullException.ThrowIfNull(filters);
        ArgumentNullException.ThrowIfNull(parts);
        return filters.Where(static filter => filter.Length > 0).All(filter => parts.Any(part => Fits(filter, part.File)));
    }

    // The root is empty in a datum; people write a slash.
    private static bool Fits(string filter, DatumFile file) =>
        (file.Path.IsRoot ? filter == "/" : filter == file.Path.ToString())
        || filter == file.Hash.ToString()
        || filter == Convert.ToBase64String(file.Hash.ToArray());
}
