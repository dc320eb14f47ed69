using System.Runtime.CompilerServices;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.Migration.Native;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>Objects get a time, and their names 64 bytes instead of 128 digits.</summary>
internal static class FormatOneToTwo
{
    // Text that is not a SHA-512 in lower-case digits stays text, so that no name is lost.
    private const string PackedHash = "iif(length({0}) = 128 AND {0} NOT GLOB '*[^0-9a-f]*', unhex({0}), {0})";
    private const string UnpackedHash = "iif(typeof({0}) = 'blob', lower(hex({0})), {0})";

    /// <summary>The step.</summary>
    public static FormatChange Change { get; } = new()
    {
        From = 1,
        MinReader = 2,
        Tables =
        [
            new TableChange
            {
                Table = "objects",
                Key = "hash",
                OldColumns = [Column("hash", UnpackedHash), new("size_bytes", "r.size_bytes"), new("content", "r.content")],
                NewDefinition =
                    """
                    (
                      hash ANY NOT NULL PRIMARY KEY,
                      created INTEGER NOT NULL,
                      size_bytes INTEGER NOT NULL,
                      content BLOB NOT NULL
                    ) STRICT, WITHOUT ROWID
                    """,
                NewColumns =
                [
                    Column("hash", PackedHash),
                    // When an object came nobody knows any more. None is older than the upgrade for what goes by age.
                    new("created", "(SELECT started FROM upgrade_journal)"),
                    new("size_bytes", "r.size_bytes"),
                    new("content", "r.content"),
                ],
            },
            new TableChange
            {
                Table = "tags",
                Key = "name",
                OldColumns = [new("name", "r.name"), Column("object_hash", UnpackedHash)],
                NewDefinition =
                    """
                    (
                      name TEXT NOT NULL PRIMARY KEY,
                      object_hash ANY NOT NULL
                    ) STRICT, WITHOUT ROWID
                    """,
                NewColumns = [new("name", "r.name"), Column("object_hash", PackedHash)],
            },
        ],
    };

#pragma warning disable CA2255 // A step registers itself: a new folder below migration/ needs no change elsewhere.
    [ModuleInitializer]
    internal static void Register() => FormatCatalog.Register(Change);
#pragma warning restore CA2255

    private static ColumnChange Column(string name, string expression) =>
        new(name, expression.Replace("{0}", "r." + name, StringComparison.Ordinal));
}
