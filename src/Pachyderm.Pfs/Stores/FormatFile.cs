using System.Text.Json;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;

namespace Pachyderm.Pfs;

/// <summary>
/// <c>format.json</c> in the data directory: which format everything in it has, for programs and people that know nothing else about it.
/// <c>{"format": 1, "min_reader": 1}</c>; what else is in it is left alone.
/// </summary>
internal static class FormatFile
{
    /// <summary>The format that this release writes.</summary>
    public const int Current = 1;

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

    /// <summary>Stamps a new data directory, durably.</summary>
    /// <exception cref="OperatorException">It cannot be written.</exception>
    public static void Write(string dataDirectory)
    {
        string path = Path.Combine(dataDirectory, Name);
        try
        {
            string temporary = path + ".new";
            using (FileStream stream = new(temporary, FileMode.Create, FileAccess.Write))
            {
                stream.Write("{\"format\": 1, \"min_reader\": 1}\n"u8);
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
            : "upgrade it with `pachctl migrate`");
}
