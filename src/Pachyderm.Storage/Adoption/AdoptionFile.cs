using System.Text.Json;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;

namespace Pachyderm.Storage.Adoption;

/// <summary>
/// <c>adopted.json</c> in the data directory: where the stores of older releases are whose objects are part of this one. Packs name a
/// source, and this file alone says where it is, so that an operator may move it: stop pachd, edit the path, start it again.
/// <c>{"version": 1, "min_reader": 1, "sources": [{"name": "cluster", "path": "/pach", "released": false}]}</c>; a path that is not
/// absolute is one below the data directory. For one writer at a time.
/// </summary>
public static class AdoptionFile
{
    /// <summary>Its name in the data directory.</summary>
    public const string FileName = "adopted.json";

    private const int Version = 1;
    private const int MaximumLength = 1 << 20;

    private static readonly JsonWriterOptions Indented = new() { Indented = true, NewLine = "\n" };

    /// <summary>Reads which sources there are.</summary>
    /// <param name="dataDirectory">The data directory.</param>
    /// <returns>The sources; none if there is no such file.</returns>
    /// <exception cref="OperatorException"><c>adopted-file-unknown</c> (a later release wrote it), or the disk fails.</exception>
    /// <exception cref="CorruptionException"><c>adopted-file-damaged</c>.</exception>
    public static IReadOnlyList<AdoptionPlace> Read(string dataDirectory)
    {
        string path = Path.Combine(dataDirectory, FileName);
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (stream.Length > MaximumLength)
            {
                throw Damaged(path, "it is too long");
            }

            using JsonDocument document = JsonDocument.Parse(stream);
            JsonElement root = document.RootElement;
            if (root.GetProperty("min_reader").GetInt32() > Version)
            {
                throw new OperatorException(
                    "adopted-file-unknown", path, "a later release wrote it", "use the release that wrote it, or a newer one");
            }

            List<AdoptionPlace> places = [.. root.GetProperty("sources").EnumerateArray().Select(source => ReadOne(source, dataDirectory))];
            return IsSound(places) ? places : throw Damaged(path, "a name in it is none, or is there twice");
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception exception) when (
            exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw Damaged(path, "it does not say where the adopted stores are", exception);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
    }

    /// <summary>Reads which sources there are, for <see cref="Packs.PackStoreOptions.AdoptedFrom"/>.</summary>
    /// <exception cref="OperatorException">As <see cref="Read"/>.</exception>
    public static IReadOnlyList<AdoptionSource> Open(string dataDirectory) => [.. Read(dataDirectory).Select(static place => place.Open())];

    /// <summary>Adds a source, or changes the one of that name, durably.</summary>
    /// <param name="dataDirectory">The data directory.</param>
    /// <param name="place">The source.</param>
    /// <exception cref="ArgumentException">Its name is none.</exception>
    /// <exception cref="OperatorException">As <see cref="Read"/>, or the file cannot be written.</exception>
    public static void Set(string dataDirectory, AdoptionPlace place)
    {
        ArgumentNullException.ThrowIfNull(place);
        if (!AdoptionSource.IsName(place.Name))
        {
            throw new ArgumentException($"'{place.Name}' cannot be the name of a source.", nameof(place));
        }

        AdoptionPlace full = place with { Path = Path.GetFullPath(place.Path) };
        List<AdoptionPlace> places = [.. Read(dataDirectory)];
        int index = places.FindIndex(other => other.Name == place.Name);
        if (index < 0)
        {
            places.Add(full);
        }
        else
        {
            places[index] = full;
        }

        Write(dataDirectory, places);
    }

    /// <summary>Removes a source, durably. That there is none of this name is no error.</summary>
    /// <exception cref="OperatorException">As <see cref="Read"/>, or the file cannot be written.</exception>
    public static void Remove(string dataDirectory, string name)
    {
        List<AdoptionPlace> places = [.. Read(dataDirectory)];
        if (places.RemoveAll(place => place.Name == name) > 0)
        {
            Write(dataDirectory, places);
        }
    }

    private static AdoptionPlace ReadOne(JsonElement source, string dataDirectory) => new(
        source.GetProperty("name").GetString() ?? "",
        Path.GetFullPath(
            source.GetProperty("path").GetString() ?? throw new JsonException("a path is missing"), Path.GetFullPath(dataDirectory)))
    {
        Released = source.TryGetProperty("released", out JsonElement released) && released.GetBoolean(),
    };

    private static bool IsSound(List<AdoptionPlace> places) => places.TrueForAll(static place => AdoptionSource.IsName(place.Name))
        && places.DistinctBy(static place => place.Name, StringComparer.Ordinal).Count() == places.Count;

    private static void Write(string dataDirectory, List<AdoptionPlace> places)
    {
        string path = Path.Combine(dataDirectory, FileName);
        try
        {
            string temporary = path + ".new";
            using (FileStream stream = new(temporary, FileMode.Create, FileAccess.Write))
            {
                using (Utf8JsonWriter writer = new(stream, Indented))
                {
                    Write(writer, places);
                }

                stream.Write("\n"u8);
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

    private static void Write(Utf8JsonWriter writer, List<AdoptionPlace> places)
    {
        writer.WriteStartObject();
        writer.WriteNumber("version", Version);
        writer.WriteNumber("min_reader", Version);
        writer.WriteStartArray("sources");
        foreach (AdoptionPlace place in places)
        {
            writer.WriteStartObject();
            writer.WriteString("name", place.Name);
            writer.WriteString("path", place.Path);
            writer.WriteBoolean("released", place.Released);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static CorruptionException Damaged(string path, string problem, Exception? inner = null) => new(
        "adopted-file-damaged", path, problem, "restore it from a backup, or write it again: doc/storage.md has its form", inner);
}
