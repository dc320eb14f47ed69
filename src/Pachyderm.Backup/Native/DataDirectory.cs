using System.Globalization;
using Pachyderm.Errors;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Maintenance;

namespace Pachyderm.Backup.Native;

/// <summary>The data directory of a pachd of release 3.0 or later, served or not, as something to back up.</summary>
public sealed class DataDirectory
{
    internal const string MetadataName = "metadata.db";
    internal const string FormatName = "format.json";
    internal const string SpoolName = "spool";
    internal const string ObjectsName = "objects";
    internal const string SpoolSuffix = ".pack";

    private DataDirectory(string path) => RootPath = path;

    /// <summary>The directory, as an absolute path.</summary>
    public string RootPath { get; }

    /// <summary>Where the copy of the metadata lies while it is backed up.</summary>
    internal string WorkPath => Path.Combine(RootPath, "backup");

    internal string MetadataPath => Path.Combine(RootPath, MetadataName);

    internal string SpoolPath => Path.Combine(RootPath, SpoolName);

    internal LocalObjectStore Objects => new(Path.Combine(RootPath, ObjectsName));

    /// <summary>Names a data directory, and looks whether it is one. Nothing is changed or locked.</summary>
    /// <param name="path">What pachd has as <c>--data</c>.</param>
    /// <exception cref="OperatorException"><c>data-directory-missing</c>, <c>data-directory-foreign</c>.</exception>
    public static DataDirectory Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (!Directory.Exists(full))
        {
            throw new OperatorException("data-directory-missing", full, "there is no such directory", "name what pachd has as --data");
        }

        if (File.Exists(Path.Combine(full, BackupRestorer.UnfinishedMarker)))
        {
            throw new OperatorException(
                "data-directory-unfinished", full, "it holds a restore that was not finished",
                "delete it, and restore into a new directory");
        }

        return File.Exists(Path.Combine(full, MetadataName)) && File.Exists(Path.Combine(full, FormatName))
            && Directory.Exists(Path.Combine(full, SpoolName))
            ? new DataDirectory(full)
            : throw new OperatorException(
                "data-directory-foreign", full,
                $"it is not the data directory of a pachd: it lacks {MetadataName}, {FormatName} or {SpoolName}/",
                "name what pachd has as --data; an older cluster is backed up with --etcd or --snapshot, and --storage");
    }

    /// <summary>Opens the records for reading, beside a pachd that may serve them.</summary>
    internal Task<SqliteMetadataStore> OpenMetadataAsync(CancellationToken cancellationToken) =>
        OpenMetadataAsync(MetadataPath, cancellationToken);

    internal static Task<SqliteMetadataStore> OpenMetadataAsync(string path, CancellationToken cancellationToken) =>
        SqliteMetadataStore.OpenAsync(new SqliteMetadataOptions { Path = path, ReadOnly = true, Readers = 1 }, cancellationToken);

    /// <summary>Whether a path is that of a file which a backup of a data directory has, beside the metadata.</summary>
    internal static bool IsPart(string path) => path switch
    {
        FormatName or AdoptionFile.FileName => true,
        _ when path.StartsWith(ObjectsName + "/", StringComparison.Ordinal) => PackInspection.IsKey(path[(ObjectsName.Length + 1)..]),
        _ when path.StartsWith(SpoolName + "/", StringComparison.Ordinal) && path.EndsWith(SpoolSuffix, StringComparison.Ordinal) =>
            PackInspection.KeyOf(path[(SpoolName.Length + 1)..^SpoolSuffix.Length]) is not null,
        _ => false,
    };

    /// <summary>Says how many bytes of the store lie elsewhere.</summary>
    internal static OperatorException AdoptedElsewhere(string location, IReadOnlyCollection<AdoptedPart> adopted) => new(
        "adopted-content-elsewhere",
        location,
        string.Create(
            CultureInfo.InvariantCulture,
            $"{adopted.Sum(static part => part.Bytes):N0} bytes of its content were adopted and lie in the older store "
                + $"({string.Join(", ", adopted.Select(static part => part.Source))})"),
        "consolidate the store first, or back up the older store (--storage) as well and accept that here with --without-adopted");
}
