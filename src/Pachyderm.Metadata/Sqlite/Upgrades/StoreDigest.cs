using System.Globalization;
using System.IO.Hashing;

namespace Pachyderm.Metadata.Sqlite;

/// <summary>
/// A digest of all records of a store, whatever their order: the sum of the hashes of the rows, 128 bits. It is against accidents and bugs,
/// not against an enemy.
/// </summary>
internal static class StoreDigest
{
    // Of these an upgrade changes the first, and nobody's data are in either.
    private static readonly string[] Excluded = ["store"];

    /// <summary>Computes it, in O(bytes of the store), in one transaction of the caller.</summary>
    /// <param name="database">The store.</param>
    /// <param name="change">Tables that are to be read as the older format has them; null for the store as it is.</param>
    /// <param name="isFlipped">Whether those tables have the newer shape.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static string Compute(Database database, FormatChange? change, bool isFlipped, CancellationToken cancellationToken)
    {
        UInt128 sum = 0;
        Dictionary<string, string> changed = (change?.Tables ?? []).ToDictionary(
            table => table.Table, table => new UpgradeSql(table).ReadAsOld(isFlipped), StringComparer.Ordinal);
        foreach (string table in Tables(database))
        {
            string sql = changed.GetValueOrDefault(table) ?? $"SELECT * FROM {table}";
            sum += Sum(database, table, sql, cancellationToken);
        }

        return sum.ToString("x32", CultureInfo.InvariantCulture);
    }

    private static List<string> Tables(Database database)
    {
        List<string> tables = [];
        using Query query = database.Prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'upgrade_*' AND name NOT GLOB 'sqlite_*' ORDER BY name");
        while (query.Step())
        {
            if (!Excluded.Contains(query.Text(0), StringComparer.Ordinal))
            {
                tables.Add(query.Text(0));
            }
        }

        return tables;
    }

    private static UInt128 Sum(Database database, string table, string sql, CancellationToken cancellationToken)
    {
        UInt128 sum = 0;
        XxHash128 hash = new();
        byte[] name = System.Text.Encoding.UTF8.GetBytes(table);
        using Query query = database.Prepare(sql);
        for (int row = 0; query.Step(); row++)
        {
            if (row % 4096 == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            hash.Append(name);
            query.AppendColumns(hash);
            sum += hash.GetCurrentHashAsUInt128();
            hash.Reset();
        }

        return sum;
    }
}
