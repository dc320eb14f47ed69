using System.Text.Json;
using System.Text.Json.Serialization;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Adoption;

namespace Pachyderm.Pfs;

/// <summary>
/// <c>adopted.json</c> in the data directory: where the object stores of older releases are whose objects are part of the data. When one has
/// moved, its <c>path</c> is to be put right while pachd is stopped.
/// </summary>
/// <param name="Version">The format of the file.</param>
/// <param name="MinReader">The oldest format whose readers understand it.</param>
/// <param name="Sources">The stores.</param>
internal sealed record AdoptionFile(int Version, int MinReader, IReadOnlyList<AdoptedStore> Sources)
{
    private const int Current = 1;
    private const string Name = "adopted.json";

    /// <summary>Reads the stores of a data directory; none if it has no such file.</summary>
    /// <exception cref="OperatorException">A later release wrote it, or it cannot be read.</exception>
    /// <exception cref="CorruptionException">It is damaged.</exception>
    public static IReadOnlyList<AdoptionSource> Read(string dataDirectory)
    {
        string path = PathIn(dataDirectory);
        AdoptionFile? file;
        try
        {
            using FileStream stream = File.OpenRead(path);
            file = JsonSerializer.Deserialize(stream, AdoptionJson.Default.AdoptionFile);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
        catch (JsonException exception)
        {
            throw Damaged(path, exception);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
        if (file?.MinReader > Current)
        {
            throw new OperatorException(
                "store-format", path, $"it has format {file.Version}, and this release can read only format {Current}", "use the release that wrote it, or a newer one");
        }
        if (file?.Sources is not { } sources
            || !sources.All(static source => AdoptionSource.IsName(source.Name) && Path.IsPathFullyQualified(source.Path ?? ""))
            || sources.DistinctBy(static source => source.Name, StringComparer.Ordinal).Count() != sources.Count)
        {
            throw Damaged(path, null);
        }
        return [.. sources.Select(static source => new AdoptionSource(source.Name, new LocalObjectStore(source.Path)) { Released = source.Released })];
    }

    /// <summary>Says where the one store is, durably.</summary>
    /// <exception cref="OperatorException">It cannot be written.</exception>
    public static void Write(string dataDirectory, AdoptedStore store)
    {
        string path = PathIn(dataDirectory);
        try
        {
            string temporary = path + ".new";
            using (FileStream stream = new(temporary, FileMode.Create, FileAccess.Write))
            {
                JsonSerializer.Serialize(stream, new AdoptionFile(Current, Current, [store]), AdoptionJson.Default.AdoptionFile);
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

    private static string PathIn(string dataDirectory) => Path.Combine(dataDirectory, Name);

    private static CorruptionException Damaged(string path, Exception? inner) => new(
        "adopted-stores-damaged", path, "it does not say where the older object stores are", "restore it from a backup; doc/storage.md shows its form", inner);
}

/// <summary>An object store of an older release.</summary>
/// <param name="Name">Its short name.</param>
/// <param name="Path">Its storage root.</param>
/// <param name="Released">Whether nothing may be adopted from it any more, and garbage collection may forget it.</param>
internal sealed record AdoptedStore(string Name, string Path, bool Released);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(AdoptionFile))]
internal sealed partial class AdoptionJson : JsonSerializerContext;
