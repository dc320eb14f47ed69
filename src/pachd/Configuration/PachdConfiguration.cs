using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Pachyderm.Errors;

namespace Pachyderm.Pachd.Configuration;

/// <summary>Reads the configuration from flags, the environment and a file, in this order, and checks it before anything starts.</summary>
internal sealed class PachdConfiguration
{
    private const string Id = "configuration";

    private readonly Setting _data = Setting.Create(
        "data", "--data", "PACHD_DATA", Path.Combine("~", ".pachyderm", "data"), "Directory of everything that is stored; made if it does not exist.");

    private readonly Setting _grpc = Setting.Create(
        "grpcAddress", "--grpc-address", "PACHD_GRPC_ADDRESS", "127.0.0.1:30650",
        "Where clients connect: IP:PORT; :PORT for every interface; port 0 for any that is free. There is no authentication: listen beyond loopback in a trusted network only.");

    private readonly Setting _http = Setting.Create(
        "httpAddress", "--http-address", "PACHD_HTTP_ADDRESS", "127.0.0.1:30652", "Where /healthz, /readyz, /metrics and /v1/pfs/... are served over HTTP.");

    private readonly Setting _logLevel = Setting.Create(
        "logLevel", "--log-level", "PACHD_LOG_LEVEL", "info", "The least that is logged, on standard error: error, warning, info or debug.");

    private readonly Setting _drainTimeout = Setting.Create(
        "drainTimeout", "--drain-timeout", "PACHD_DRAIN_TIMEOUT", "30", "Seconds that running calls get to end after SIGTERM.");

    private readonly Setting _addressFile = Setting.Create(
        "addressFile", "--address-file", "PACHD_ADDRESS_FILE", null, "A file to write the gRPC address to once it serves, for scripts.");

    private readonly Option<string?> _file = new("--config") { Description = "A JSON file with settings by the names above, such as { \"data\": \"/srv/pachd\" }. [PACHD_CONFIG]", HelpName = "FILE" };

    private Setting[] Settings => [_data, _grpc, _http, _logLevel, _drainTimeout, _addressFile];

    /// <summary>The flags, for the command line.</summary>
    public IEnumerable<Option> Flags => [.. Settings.Select(setting => setting.Flag), _file];

    /// <summary>Reads and checks everything.</summary>
    /// <exception cref="OperatorException">Something is wrong; the message names where it was set.</exception>
    public PachdOptions Read(ParseResult parsed, Func<string, string?> environment)
    {
        string? path = parsed.GetValue(_file) ?? Filled(environment("PACHD_CONFIG"));
        Dictionary<string, string> file = path is null ? new(StringComparer.Ordinal) : ReadFile(path);
        Value Find(Setting setting) =>
            parsed.GetValue(setting.Flag) is { } flag ? new(flag, setting.Flag.Name)
            : Filled(environment(setting.Variable)) is { } variable ? new(variable, setting.Variable)
            : file.TryGetValue(setting.Key, out string? value) ? new(value, $"{path}: {setting.Key}")
            : new(setting.Default, setting.Flag.Name);

        Value grpc = Find(_grpc);
        // What upstream's manifests set.
        if (grpc.Text == _grpc.Default && Filled(environment("PORT")) is { } port)
        {
            grpc = new($"127.0.0.1:{port}", "PORT");
        }
        return new PachdOptions(
            DirectoryOf(Find(_data)),
            AddressOf(grpc),
            AddressOf(Find(_http)),
            LevelOf(Find(_logLevel)),
            SecondsOf(Find(_drainTimeout)),
            Find(_addressFile).Text is { Length: > 0 } addressFile ? Path.GetFullPath(addressFile) : null);
    }

    private static string? Filled(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private Dictionary<string, string> ReadFile(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(
                File.ReadAllBytes(path), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new OperatorException(Id, path, "the file does not hold a JSON object", "write settings as { \"data\": \"/srv/pachd\" }");
            }
            Dictionary<string, string> values = new(StringComparer.Ordinal);
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                if (!Settings.Any(setting => setting.Key == property.Name))
                {
                    throw new OperatorException(
                        Id, $"{path}: {property.Name}", "there is no such setting", $"use one of {string.Join(", ", Settings.Select(setting => setting.Key))}");
                }
                values[property.Name] = property.Value.ToString();
            }
            return values;
        }
        catch (JsonException exception)
        {
            throw new OperatorException(Id, path, $"the file is not JSON (line {exception.LineNumber + 1})", "mend the file", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException(Id, path, $"the file cannot be read ({exception.Message})", "name another with --config", exception);
        }
    }

    private static string DirectoryOf(Value value)
    {
        if (string.IsNullOrEmpty(value.Text) || value.Text.Contains('\0', StringComparison.Ordinal))
        {
            throw value.Wrong("a directory is needed", "name one");
        }
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return Path.GetFullPath(value.Text.StartsWith("~/", StringComparison.Ordinal) ? Path.Combine(home, value.Text[2..]) : value.Text);
    }

    private static ListenAddress AddressOf(Value value) =>
        ListenAddress.TryParse(value.Text, out ListenAddress address) ? address : throw value.Wrong("this is no address", "write IP:PORT, such as 127.0.0.1:30650");

    private static LogLevel LevelOf(Value value) => value.Text switch
    {
        "error" => LogLevel.Error,
        "warning" => LogLevel.Warning,
        "info" => LogLevel.Information,
        "debug" => LogLevel.Debug,
        _ => throw value.Wrong("there is no such level", "use error, warning, info or debug"),
    };

    private static TimeSpan SecondsOf(Value value) =>
        int.TryParse(value.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) && seconds <= 3600
            ? TimeSpan.FromSeconds(seconds)
            : throw value.Wrong("this is no number of seconds from 0 to 3600", "write 30, for example");

    private readonly record struct Value(string? Text, string Source)
    {
        public OperatorException Wrong(string problem, string remedy) => new(Id, $"{Source} '{Text}'", problem, remedy);
    }
}
