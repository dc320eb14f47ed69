using System.Globalization;
using System.Net;
using System.Text.Json;
using Pachyderm.Errors;
using Pachyderm.Workers.Processes;

namespace Pachyderm.Pachd.Configuration;

/// <summary>
/// Reads the settings: flags go before environment variables, these before the configuration file, and that before defaults.
/// </summary>
/// <param name="flags">The values of a flag, by the setting; null or none if it was not given.</param>
/// <param name="environment">The value of an environment variable; null if it is not set.</param>
internal sealed class OptionsReader(Func<Setting, string[]?> flags, Func<string, string?> environment)
{
    private static readonly JsonDocumentOptions Json = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    /// <summary>Reads and checks everything.</summary>
    /// <param name="configurationFile">A JSON file, or null.</param>
    /// <exception cref="OperatorException"><c>configuration-invalid</c>, naming where the value came from.</exception>
    public PachdOptions Read(string? configurationFile)
    {
        IReadOnlyDictionary<string, string[]> file = configurationFile is null
            ? new Dictionary<string, string[]>(StringComparer.Ordinal)
            : ReadFile(configurationFile);
        (string data, string dataSource) = Find(Setting.Data, file, configurationFile);
        if (string.IsNullOrWhiteSpace(data))
        {
            throw Invalid(dataSource, "it is empty", "name a directory");
        }
        return new PachdOptions(
            Path.GetFullPath(data),
            ReadGrpcAddress(file, configurationFile),
            Parse<IPEndPoint?>(
                Setting.Http,
                file,
                configurationFile,
                "an address such as 127.0.0.1:30652, or none",
                value => value is "none" or "" ? [null] : ParseAddress(value)),
            Parse(Setting.Log, file, configurationFile, "debug, info, warn or error", ParseLevel),
            Parse(Setting.Drain, file, configurationFile, "a time such as 500ms, 30s or 5m", ParseTime),
            Parse<bool>(
                Setting.ReadOnly, file, configurationFile, "true or false", value => bool.TryParse(value, out bool flag) ? [flag] : []),
            FindPath(Setting.AddressFile, file, configurationFile),
            ReadPipelines(Path.GetFullPath(data), file, configurationFile));
    }

    private PipelineOptions ReadPipelines(string data, IReadOnlyDictionary<string, string[]> file, string? configurationFile) => new(
        Parse(Setting.Workers, file, configurationFile, "automatic, process or container", ParseName<WorkerPlace>),
        Parse(Setting.Sandbox, file, configurationFile, "automatic, required or none", ParseName<ProcessIsolation>),
        FindPath(Setting.Scratch, file, configurationFile) ?? Path.Combine(data, "scratch"),
        Parse(Setting.Nodes, file, configurationFile, "a number from 1 on", ParseNodes),
        Parse<bool>(
            Setting.Network,
            file,
            configurationFile,
            "yes or no",
            value => value switch { "yes" or "true" => [true], "no" or "false" => [false], _ => [] }),
        [.. FindAll(Setting.EgressDirectories, file, configurationFile).Values.Where(path => path.Length > 0).Select(Path.GetFullPath)],
        FindPath(Setting.Secrets, file, configurationFile));

    // PORT is what images and charts of 1.5 set.
    private IPEndPoint ReadGrpcAddress(IReadOnlyDictionary<string, string[]> file, string? configurationFile)
    {
        IPEndPoint address = Parse(Setting.Grpc, file, configurationFile, "an address such as 127.0.0.1:30650", ParseAddress)!;
        if (environment("PORT") is not { Length: > 0 } port
            || flags(Setting.Grpc) is { Length: > 0 }
            || environment(Setting.Grpc.Variable) is not null)
        {
            return address;
        }
        return ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number)
            ? new IPEndPoint(address.Address, number)
            : throw Invalid("environment variable PORT", $"'{port}' is no port", "give a number from 0 to 65535");
    }

    private (string Value, string Source) Find(Setting setting, IReadOnlyDictionary<string, string[]> file, string? configurationFile)
    {
        (IReadOnlyList<string> values, string source) = FindAll(setting, file, configurationFile);
        return values.Count == 1 ? (values[0], source) : throw Invalid(source, "it is a list", "give one value");
    }

    private (IReadOnlyList<string> Values, string Source) FindAll(
        Setting setting, IReadOnlyDictionary<string, string[]> file, string? configurationFile)
    {
        if (flags(setting) is { Length: > 0 } given)
        {
            return (given, $"--{setting.Name}");
        }
        if (environment(setting.Variable) is { } variable)
        {
            return (setting.IsList ? variable.Split(Path.PathSeparator) : [variable], $"environment variable {setting.Variable}");
        }
        return file.TryGetValue(setting.Key, out string[]? values)
            ? (values, $"\"{setting.Key}\" in {configurationFile}")
            : ([setting.Default], $"default of --{setting.Name}");
    }

    private string? FindPath(Setting setting, IReadOnlyDictionary<string, string[]> file, string? configurationFile) =>
        Find(setting, file, configurationFile).Value is { Length: > 0 } path ? Path.GetFullPath(path) : null;

    private T Parse<T>(
        Setting setting, IReadOnlyDictionary<string, string[]> file, string? configurationFile, string expected, Func<string, T[]> parse)
    {
        (string value, string source) = Find(setting, file, configurationFile);
        return parse(value.Trim()) is { Length: 1 } result
            ? result[0]
            : throw Invalid(source, $"'{value}' is not understood", $"give {expected}");
    }

    private static IPEndPoint?[] ParseAddress(string value)
    {
        int colon = value.LastIndexOf(':');
        if (colon < 0 || !ushort.TryParse(value.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            return [];
        }
        return value[..colon] switch
        {
            "" or "*" => [new IPEndPoint(IPAddress.Any, port)],
            "localhost" => [new IPEndPoint(IPAddress.Loopback, port)],
            string host => IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address) ? [new IPEndPoint(address, port)] : [],
        };
    }

    private static LogLevel[] ParseLevel(string value) => value.ToUpperInvariant() switch
    {
        "DEBUG" => [LogLevel.Debug],
        "INFO" => [LogLevel.Information],
        "WARN" or "WARNING" => [LogLevel.Warning],
        "ERROR" => [LogLevel.Error],
        _ => [],
    };

    private static TimeSpan[] ParseTime(string value)
    {
        (string number, double unit) = value switch
        {
            _ when value.EndsWith("ms", StringComparison.Ordinal) => (value[..^2], 0.001),
            _ when value.EndsWith('s') => (value[..^1], 1),
            _ when value.EndsWith('m') => (value[..^1], 60),
            _ => (value, 1.0),
        };
        return double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double amount)
            && amount * unit <= 86_400
            ? [TimeSpan.FromSeconds(amount * unit)]
            : [];
    }

    private static T[] ParseName<T>(string value)
        where T : struct, Enum =>
        [.. Enum.GetValues<T>().Where(candidate => string.Equals(candidate.ToString(), value, StringComparison.OrdinalIgnoreCase))];

    private static int[] ParseNodes(string value) => value.Length == 0
        ? [Environment.ProcessorCount]
        : int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0 ? [number] : [];

    private static Dictionary<string, string[]> ReadFile(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            using JsonDocument document = JsonDocument.Parse(stream, Json);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw Invalid(path, "it is no JSON object", Example());
            }
            Dictionary<string, string[]> values = new(StringComparer.Ordinal);
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                if (!Setting.All.Any(setting => string.Equals(setting.Key, property.Name, StringComparison.Ordinal)))
                {
                    throw Invalid(
                        path, $"\"{property.Name}\" is no setting", $"use {string.Join(", ", Setting.All.Select(setting => setting.Key))}");
                }
                values[property.Name] = property.Value.ValueKind == JsonValueKind.Array
                    ? [.. property.Value.EnumerateArray().Select(TextOf)]
                    : [TextOf(property.Value)];
            }
            return values;
        }
        catch (JsonException exception)
        {
            throw Invalid(path, $"it is no JSON (line {exception.LineNumber + 1})", Example(), exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Invalid(
                path,
                exception is UnauthorizedAccessException ? "permission denied" : "it cannot be read",
                "check the path given with --config",
                exception);
        }
    }

    private static string TextOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    private static string Example() => "write something like { \"data\": \"/var/lib/pachd\" }";

    private static OperatorException Invalid(string thing, string problem, string remedy, Exception? inner = null) =>
        new("configuration-invalid", thing, problem, remedy, inner);
}
