using Pachyderm.Errors;
using Pachyderm.ObjectStores;

namespace Pachyderm.Metadata.Sqlite;

/// <summary>Checks and copies.</summary>
public sealed partial class SqliteMetadataStore : IMetadataMaintenance
{
    private const int MostFindings = 1_000;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<MetadataFinding>> IntegrityCheckAsync(bool fix, CancellationToken cancellationToken)
    {
        // Looking at everything takes long, so the caller's thread is spared.
        List<MetadataFinding> findings = await Task.Run(
            () => _readers.RunAsync(database => Read(database, _ => Check(database, cancellationToken)), cancellationToken),
            cancellationToken);
        if (!fix)
        {
            return findings;
        }

        HashSet<string> found = [.. findings.Select(finding => finding.Id)];
        HashSet<string> mended = new(StringComparer.Ordinal);
        foreach (IntegrityCheck check in IntegrityCheck.All)
        {
            if (check.Fix is { } sql && found.Contains(check.Id))
            {
                await WriteAsync(writer => ((SqliteWriter)writer).Repair(sql), cancellationToken);
                mended.Add(check.Id);
            }
        }

        return [.. findings.Select(finding => finding with { Fixed = mended.Contains(finding.Id) })];
    }

    /// <inheritdoc/>
    public Task BackupToAsync(string path, CancellationToken cancellationToken)
    {
        string full = Path.GetFullPath(path);
        return Task.Run(
            () => _readers.RunAsync(
                database =>
                {
                    Copy(database, full);
                    return 0;
                },
                cancellationToken),
            cancellationToken);
    }

    private static void Copy(Database database, string path)
    {
        if (File.Exists(path))
        {
            throw new OperatorException("backup-exists", path, "there is a file already", "name a new file");
        }

        try
        {
            string partial = StoreFiles.BeginPartial(path);
            database.Prepare("VACUUM INTO ?1").Bind(1, partial).Run();
            using (Database copy = Database.Open(partial, DatabaseMode.Write))
            {
                // The copy has the mode in its first page, so that opening it as a store changes nothing.
                copy.Execute("PRAGMA journal_mode = WAL");
            }

            StoreFiles.Publish(partial, path);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
        catch (OperatorException exception) when (exception is not CorruptionException)
        {
            throw new OperatorException(exception.Id, path, exception.Problem, exception.Remedy, exception);
        }
    }

    private List<MetadataFinding> Check(Database database, CancellationToken cancellationToken)
    {
        List<MetadataFinding> findings = [];
        try
        {
            findings.AddRange(CheckPages(database));
            if (_stamp.IsWritable)
            {
                findings.AddRange(CheckSchema(database));
            }

            if (findings.Count == 0)
            {
                foreach (IntegrityCheck check in IntegrityCheck.All)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    findings.AddRange(check.Run(database, MostFindings));
                }
            }
        }
        catch (CorruptionException exception)
        {
            findings.Add(new MetadataFinding("store-damaged", database.Path, exception.Problem, exception.Remedy, Fixed: false));
        }

        return findings;
    }

    private static List<MetadataFinding> CheckPages(Database database)
    {
        List<MetadataFinding> findings = [];
        using Query query = database.Prepare("PRAGMA quick_check(1000)");
        while (query.Step())
        {
            string line = query.Text(0);
            if (line != "ok")
            {
                findings.Add(new MetadataFinding(
                    "store-damaged", database.Path, line.ReplaceLineEndings(" "), "restore it from a backup", Fixed: false));
            }
        }

        return findings;
    }

    private static IEnumerable<MetadataFinding> CheckSchema(Database database)
    {
        using Database model = Database.Open(":memory:", DatabaseMode.Create);
        model.Execute(Schema.Create);
        return Schema.Read(database) == Schema.Read(model)
            ? []
            : [new MetadataFinding(
                "store-schema", database.Path, $"the tables are not those of format {StoreFormat.Version}",
                "restore it from a backup", Fixed: false)];
    }
}
