namespace Pachyderm.Metadata.Sqlite;

/// <summary>
/// The statements of a change of one table. Everything that exists only during an upgrade has a name that begins with <c>upgrade_</c>.
/// </summary>
internal sealed class UpgradeSql(TableChange change)
{
    private readonly string _shadow = "upgrade_" + change.Table;

    /// <summary>Makes the new table, and triggers that keep it like the old one.</summary>
    public string Expand =>
        $"CREATE TABLE {_shadow} {change.NewDefinition};\n"
        + Triggers(change.Table, _shadow, change.NewColumns, isCounted: false);

    /// <summary>The last key of the next batch: after key 1, at most 2 rows. Null behind the last.</summary>
    public string BatchEnd =>
        $"SELECT max({change.Key}) FROM (SELECT {change.Key} FROM {change.Table} WHERE {change.Key} > ?1 ORDER BY {change.Key} LIMIT ?2)";

    /// <summary>The last key of the first batch of at most 2 rows. Null if there are no rows.</summary>
    public string FirstBatchEnd =>
        $"SELECT max({change.Key}) FROM (SELECT {change.Key} FROM {change.Table} ORDER BY {change.Key} LIMIT ?2)";

    /// <summary>Copies what is after key 1 and not after key 2, and not there yet.</summary>
    public string CopyBatch => $"{CopyHead} WHERE r.{change.Key} > ?1 AND r.{change.Key} <= ?2 {CopyTail}";

    /// <summary>Copies what is not after key 2, and not there yet.</summary>
    public string CopyFirstBatch => $"{CopyHead} WHERE r.{change.Key} <= ?2 {CopyTail}";

    /// <summary>Counts old rows that the new ones do not give back, and the surplus of new ones.</summary>
    public string Verify =>
        $"""
        SELECT
          (SELECT count(*) FROM {change.Table} o LEFT JOIN {_shadow} r ON r.{change.Key} IS {NewKeyOf("o")}
           WHERE ({List(change.OldColumns, column => column.From)}) IS NOT ({List(change.OldColumns, column => "o." + column.Name)}))
          + abs((SELECT count(*) FROM {_shadow}) - (SELECT count(*) FROM {change.Table}))
        """;

    /// <summary>Makes the new table the table. The old one follows it.</summary>
    public string Flip =>
        DropTriggers
        + $"""
        ALTER TABLE {change.Table} RENAME TO upgrade_old_{change.Table};
        ALTER TABLE {_shadow} RENAME TO {change.Table};
        ALTER TABLE upgrade_old_{change.Table} RENAME TO {_shadow};

        """
        + Triggers(change.Table, _shadow, change.OldColumns, isCounted: true);

    /// <summary>Makes the old table the table again.</summary>
    public string Revert => DropTriggers + $"DROP TABLE {change.Table};\nALTER TABLE {_shadow} RENAME TO {change.Table};\n";

    /// <summary>Removes what is not the table.</summary>
    public string Contract => DropTriggers + $"DROP TABLE {_shadow};\n";

    /// <summary>The rows as the old format has them, wherever they are.</summary>
    /// <param name="isFlipped">Whether the table has the new shape.</param>
    public string ReadAsOld(bool isFlipped) =>
        $"SELECT {List(change.OldColumns, column => isFlipped ? column.From : "r." + column.Name)} FROM {change.Table} r";

    private string CopyHead =>
        $"INSERT INTO {_shadow} ({List(change.NewColumns, column => column.Name)}) "
        + $"SELECT {List(change.NewColumns, column => column.From)} FROM {change.Table} r";

    private static string CopyTail => "ON CONFLICT DO NOTHING";

    private string DropTriggers =>
        $"DROP TRIGGER {_shadow}_insert; DROP TRIGGER {_shadow}_update; DROP TRIGGER {_shadow}_delete;\n";

    // A row that is replaced is deleted and inserted, since a conflict clause of the statement outside would overrule one in here.
    private static string Triggers(string table, string other, IReadOnlyList<ColumnChange> columns, bool isCounted)
    {
        string count = isCounted ? " UPDATE upgrade_journal SET later_writes = later_writes + 1;" : "";
        string delete = $" DELETE FROM {other} WHERE {columns[0].Name} IS {columns[0].Over("OLD")};";
        string deleteNew = $" DELETE FROM {other} WHERE {columns[0].Name} IS {columns[0].Over("NEW")};";
        string insert = $" INSERT INTO {other} ({List(columns, column => column.Name)}) VALUES "
            + $"({List(columns, column => column.Over("NEW"))});";
        return $"""
            CREATE TRIGGER {other}_insert AFTER INSERT ON {table} BEGIN{deleteNew}{insert}{count} END;
            CREATE TRIGGER {other}_update AFTER UPDATE ON {table} BEGIN{delete}{insert}{count} END;
            CREATE TRIGGER {other}_delete AFTER DELETE ON {table} BEGIN{delete}{count} END;

            """;
    }

    private static string List(IReadOnlyList<ColumnChange> columns, Func<ColumnChange, string> text) =>
        string.Join(", ", columns.Select(text));

    private string NewKeyOf(string row) => change.NewColumns[0].Over(row);
}
