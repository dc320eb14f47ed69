using System.CommandLine;

namespace Pachyderm.Pachd.Configuration;

/// <summary>A setting with its three names: flag, environment variable, key of the configuration file.</summary>
/// <param name="Name">The flag without its dashes.</param>
/// <param name="Default">The value if nobody gives one.</param>
/// <param name="Help">What it is for, and the name of its value.</param>
internal sealed record Setting(string Name, string Default, (string Value, string Text) Help)
{
    /// <summary>Where everything is kept.</summary>
    public static readonly Setting Data = new("data", DefaultData(), (
        "DIR", "Directory that holds everything: metadata, content, the index. Created if missing. Survives kill -9; one pachd at a time."));

    /// <summary>Where gRPC is served.</summary>
    public static readonly Setting Grpc = new("grpc-address", "127.0.0.1:30650", (
        "HOST:PORT", "Where clients such as pachctl connect. 0.0.0.0:30650 accepts other machines, too; there is no encryption and no login yet."));

    /// <summary>Where HTTP is served.</summary>
    public static readonly Setting Http = new("http-address", "127.0.0.1:30652", (
        "HOST:PORT|none", "Where files can be downloaded by HTTP; also /healthz, /readyz and /metrics."));

    /// <summary>What is logged.</summary>
    public static readonly Setting Log = new("log-level", "info", ("LEVEL", "debug, info, warn or error. The log goes to the standard error, a line each."));

    /// <summary>How long calls may go on.</summary>
    public static readonly Setting Drain = new("drain-timeout", "30s", (
        "TIME", "How long calls that are running may go on after SIGTERM or Ctrl-C, such as 500ms, 30s or 5m."));

    /// <summary>Whether writes are refused.</summary>
    public static readonly Setting ReadOnly = new("read-only", "false", ("true|false", "Refuse every write; changes nothing in the data directory."));

    /// <summary>Where the address is written.</summary>
    public static readonly Setting AddressFile = new("address-file", "", (
        "FILE", "File to write the address of gRPC to once calls are accepted, for scripts that take a free port with port 0."));

    /// <summary>All settings.</summary>
    public static IReadOnlyList<Setting> All { get; } = [Data, Grpc, Http, Log, Drain, ReadOnly, AddressFile];

    /// <summary>The environment variable.</summary>
    public string Variable => "PACHD_" + Name.Replace('-', '_').ToUpperInvariant();

    /// <summary>The key in the configuration file.</summary>
    public string Key => Name.Replace('-', '_');

    /// <summary>The flag.</summary>
    public Option<string?> Option { get; } = new("--" + Name)
    {
        HelpName = Help.Value,
        Description = $"{Help.Text} [{"PACHD_" + Name.Replace('-', '_').ToUpperInvariant()}; default: {(Default.Length == 0 ? "none" : Default)}]",
    };

    private static string DefaultData()
    {
        string? home = Environment.GetEnvironmentVariable("XDG_DATA_HOME");
        return Path.Combine(
            string.IsNullOrEmpty(home) ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "share") : home, "pachd");
    }
}
