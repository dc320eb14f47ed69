using System.Globalization;
using Pachyderm.Errors;

namespace Pachyderm.Metadata.Sqlite;

/// <summary>What a store says about itself.</summary>
/// <param name="Format">Number of its format.</param>
/// <param name="MinReader">The oldest format whose programs may read it.</param>
/// <param name="Created">When it was created, UTC.</param>
/// <param name="StoreId">Its identity: 32 hexadecimal digits.</param>
internal sealed record StoreStamp(int Format, int MinReader, DateTimeOffset Created, string StoreId)
{
    /// <summary>Whether this release may write to the store.</summary>
    public bool IsWritable => Format == StoreFormat.Version;

    /// <summary>Reads and judges it.</summary>
    /// <exception cref="OperatorException">The file is no metadata store, or one that this release cannot read.</exception>
    public static StoreStamp Read(Database database)
    {
        long tables = database.Number("SELECT count(*) FROM sqlite_schema");
        if (tables == 0)
        {
            throw SqliteErrors.Damaged(database.Path, "the store is empty", "it has no tables");
        }

        long application = database.Number("PRAGMA application_id");
        if (application != StoreFormat.ApplicationId)
        {
            throw new OperatorException(
                "store-foreign", database.Path, $"this SQLite file belongs to another program (application id {application})",
                "name the metadata file of a Pachyderm store");
        }

        StoreStamp stamp = ReadRow(database);
        if (stamp.Format < StoreFormat.OldestRead || stamp.MinReader > StoreFormat.Version)
        {
            throw stamp.Refusal(database.Path, "read");
        }

        return stamp;
    }

    /// <summary>Writes it into a new store.</summary>
    public void Write(Database database)
    {
        database.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA application_id = {StoreFormat.ApplicationId}"));
        database.Prepare("INSERT INTO store (id, format, min_reader, created, store_id) VALUES (1, ?1, ?2, ?3, ?4)")
            .Bind(1, Format).Bind(2, MinReader).Bind(3, Created.UtcTicks).Bind(4, StoreId).Run();
    }

    /// <summary>Says that this release cannot do something with a store of this format.</summary>
    public OperatorException Refusal(string path, string verb) => new(
        "store-format", path, $"the store has format {Format}, and this release can {verb} only format {StoreFormat.Version}",
        Format > StoreFormat.Version
            ? "use the release that wrote it, or a newer one; 'pachctl migrate' upgrades stores that are older than the release"
            : "stop pachd and upgrade it with 'pachctl migrate --data DIRECTORY'");

    private static StoreStamp ReadRow(Database database)
    {
        using Query query = database.Prepare("SELECT format, min_reader, created, store_id FROM store");
        if (!query.Step() || query.Int64(0) is < 0 or > int.MaxValue || query.Int64(1) is < 0 or > int.MaxValue)
        {
            throw SqliteErrors.Damaged(database.Path, "the stamp of the store is damaged", "table store");
        }

        return new StoreStamp((int)query.Int64(0), (int)query.Int64(1), query.Time(2), query.Text(3));
    }
}
