namespace Pachyderm.Metadata.Sqlite;

/// <summary>A step of the store from one format to the next. What it is for and how it was tested is in the README of its folder.</summary>
public sealed record FormatChange
{
    /// <summary>The format that it begins with.</summary>
    public required int From { get; init; }

    /// <summary>The format that it leads to.</summary>
    public int To => From + 1;

    /// <summary>The oldest format whose programs may read the result.</summary>
    public required int MinReader { get; init; }

    /// <summary>The tables that get another shape. All others stay as they are.</summary>
    public required IReadOnlyList<TableChange> Tables { get; init; }
}
