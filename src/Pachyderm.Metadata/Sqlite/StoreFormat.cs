namespace Pachyderm.Metadata.Sqlite;

/// <summary>
/// The format in which this release writes the metadata store. It is stamped in the table <c>store</c>, which every format keeps as it
/// is.
/// </summary>
public static class StoreFormat
{
    /// <summary>Number of the format. A change of the schema takes a new one, and a migration step to it.</summary>
    public const int Version = 2;

    /// <summary>The oldest format whose programs may still read what this release writes.</summary>
    public const int MinReader = 2;

    /// <summary>The oldest format that this release reads. It writes <see cref="Version"/> only.</summary>
    public const int OldestRead = 1;

    /// <summary>SQLite's mark of whose file it is: "Pach" in ASCII.</summary>
    public const int ApplicationId = 0x50616368;
}
