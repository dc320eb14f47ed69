using System.Globalization;
using System.Text;
using System.Text.Json;
using Pachyderm.Errors;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores;

namespace Pachyderm.Pfs;

/// <summary>
/// <c>format.json</c> in the data directory: which format everything in it has, for programs and people that know nothing else about it.
/// <c>{"format": 2, "min_reader": 2}</c>; what else is in it is left alone.
/// </summary>
internal static class FormatFile
{
    /// <summary>
    /// The format that this release writes. It counts with that of the metadata, the only part of which there are two so far.
    /// </summary>
    public const int Current = StoreFormat.Version;

    private const string Name = "format.json";

    /// <summary>Looks which format a data directory has.</summary>
    /// <returns>The number; null if there is no such file, as in a directory that is new.</returns>
    /// <exception cref="OperatorException">The format is too new even to be read.</exception>
    /// <exception cref="CorruptionException">The file is damaged.</exception>
    public static int? Read(string dataDirectory)
    {
        string path = Path.Combine(dataDirectory, Name);
        try
        {
            using FileStream stream = File.OpenRead(path);
            using JsonDocument document = JsonDocument.Parse(stream);
            int format = document.RootElement.GetProperty("format").GetInt32();
            int minReader = document.RootElement.TryGetProperty("min_reader", out JsonElement reader) ? reader.GetInt32() : format;
            return minReader <= Current ? format : throw Refusal(dataDirectory, format, "read");
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception exception) when (
            exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new CorruptionException(
                "store-format-damaged", path, "it does not say which format the data has", "restore it from a backup", exception);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
    }

    /// <summary>Stamps a data directory as of this release's format, durably.</summary>
    /// <exception cref="OperatorException">It cannot be written.</exception>
    public static void Write(string dataDirectory) => Write(dataDirectory, Current, StoreFormat.MinReader);

    /// <summary>Stamps a data directory, durably.</summary>
    /// <param name="dataDirectory">The directory.</param>
    /// <param name="format">The format of everything in it.</param>
    /// <param name="minReader">The oldest format whose programs may read it.</param>
    /// <exception cref="OperatorException">It cannot be written.</exception>
    public static void Write(string dataDirectory, int format, int minReader)
    {
        string path = Path.Combine(dataDirectory, Name);
        try
        {
            string temporary = path + ".new";
            using (FileStream stream = new(temporary, FileMode.Create, FileAccess.Write))
            {
                stream.Write(Encoding.UTF8.GetBytes(string.Create(
                    CultureInfo.InvariantCulture, $"{{\"format\": {format}, \"min_reader\": {minReader}}}\n")));
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
            DurableFiles.FlushDirectory(dataDirectory);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
    }

    /// <summary>Removes the stamp, durably, if it is there.</summary>
    /// <exception cref="OperatorException">It cannot be removed.</exception>
    public static void Delete(string dataDirectory)
    {
        string path = Path.Combine(dataDirectory, Name);
        try
        {
            File.Delete(path);
            DurableFiles.FlushDirectory(dataDirectory);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
    }

    /// <summary>Says that this release cannot do something with data of another format.</summary>
    public static OperatorException Refusal(string dataDirectory, int format, string verb) => new(
        "store-format", dataDirectory, $"the data has format {format}, and this release can {verb} only format {Current}",
        format > Current
            ? "use the release that wrote it, or a newer one; `pachctl migrate` upgrades data that is older than the release"
            : $"stop pachd, and upgrade it with `pachctl migrate --data {dataDirectory}`");
}
