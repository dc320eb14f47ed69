using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Pachyderm.Metadata.Sqlite;

/// <summary>
/// How one table gets another shape: expressions of SQLite that make a new row of an old one and an old one of a new one. In them
/// <c>r</c> is the row. The way back has to give exactly what was there, except in columns that are new.
/// </summary>
public sealed record TableChange
{
    /// <summary>The table.</summary>
    public required string Table { get; init; }

    /// <summary>Its one column of the primary key, which has the same name in both shapes.</summary>
    public required string Key { get; init; }

    /// <summary>The columns of the old shape, the key first, and what each is made of in a row of the new shape.</summary>
    public required IReadOnlyList<ColumnChange> OldColumns { get; init; }

    /// <summary>The definition of the new shape.</summary>
    [StringSyntax("sql")]
    public required string NewDefinition { get; init; }

    /// <summary>The columns of the new shape, the key first, and what each is made of in a row of the old shape.</summary>
    public required IReadOnlyList<ColumnChange> NewColumns { get; init; }
}

/// <summary>A column and what it is made of.</summary>
/// <param name="Name">The column.</param>
/// <param name="From">An expression of SQLite over the columns of the row <c>r</c> of the other shape.</param>
public sealed partial record ColumnChange(string Name, [StringSyntax("sql")] string From)
{
    /// <summary>The expression over a row of another name.</summary>
    internal string Over(string row) => RowPrefix().Replace(From, row + ".");

    [GeneratedRegex(@"\br\.", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RowPrefix();
}
