using Pachyderm.Metadata.Sqlite;

namespace Pachyderm.Migration.Native;

/// <summary>The steps between formats of this project's own storage that have registered themselves.</summary>
public static class FormatCatalog
{
    private static readonly Dictionary<int, FormatChange> Changes = [];

    /// <summary>Registers a step. Called once by each step's module initializer.</summary>
    /// <exception cref="InvalidOperationException">Two steps begin with one format.</exception>
    public static void Register(FormatChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        if (!Changes.TryAdd(change.From, change))
        {
            throw new InvalidOperationException($"the step from format {change.From} is registered twice");
        }
    }

    /// <summary>The step that begins with a format.</summary>
    /// <exception cref="InvalidOperationException">No such step is part of this program.</exception>
    public static FormatChange From(int format) => Changes.TryGetValue(format, out FormatChange? change)
        ? change
        : throw new InvalidOperationException($"the step from format {format} is not part of this program");
}
