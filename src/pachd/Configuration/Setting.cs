using System.CommandLine;

namespace Pachyderm.Pachd.Configuration;

/// <summary>A setting with its three names: flag, environment variable, key of the configuration file.</summary>
/// <param name="Name">The flag without its dashes.</param>
/// <param name="Default">The value if nobody gives one.</param>
/// <param name="Help">What it is for, and the name of its value.</param>
/// <param name="IsList">Whether it may be given several times; the environment variable has colons between, the file an array.</param>
internal sealed record Setting(string Name, string Default, (string Value, string Text) Help, bool IsList = false)
{
    /// <summary>Where everything is kept.</summary>
    public static readonly Setting Data = new("data", DefaultData(), (
        "DIR", "Directory that holds everything: metadata, content, the index. Created if missing. One pachd at a time uses it."));

    /// <summary>Where gRPC is served.</summary>
    public static readonly Setting Grpc = new("grpc-address", "127.0.0.1:30650", (
        "HOST:PORT",
        "Where clients such as pachctl connect. 0.0.0.0:30650 accepts other machines, too; there is no encryption and no login yet."));

    /// <summary>Where HTTP is served.</summary>
    public static readonly Setting Http = new("http-address", "127.0.0.1:30652", (
        "HOST:PORT|none", "Where files can be downloaded by HTTP; also /healthz, /readyz and /metrics."));

    /// <summary>What is logged.</summary>
    public static readonly Setting Log = new(
        "log-level", "info", ("LEVEL", "debug, info, warn or error. The log goes to the standard error, a line each."));

    /// <summary>How long calls may go on.</summary>
    public static readonly Setting Drain = new("drain-timeout", "30s", (
        "TIME", "How long calls that are running may go on after SIGTERM or Ctrl-C, such as 500ms, 30s or 5m."));

    /// <summary>Whether writes are refused.</summary>
    public static readonly Setting ReadOnly = new(
        "read-only", "false", ("true|false", "Refuse every write; changes nothing in the data directory."));

    /// <summary>Where the address is written.</summary>
    public static readonly Setting AddressFile = new("address-file", "", (
        "FILE", "File to write the address of gRPC to once calls are accepted, for scripts that take a free port with port 0."));

    /// <summary>Where programs of pipelines run.</summary>
    public static readonly Setting Workers = new("workers", "automatic", (
        "automatic|process|container",
        "Where the programs of pipelines run: as processes of this machine, in containers of the image that the pipeline names, or "
        + "automatic: in a container if podman or docker answers and the pipeline names an image, else as a process."));

    /// <summary>Whether processes are kept apart from the machine.</summary>
    public static readonly Setting Sandbox = new("sandbox", "automatic", (
        "automatic|required|none",
        "Whether processes are kept apart from this machine by bubblewrap: where it works, always or pachd does not start, never."));

    /// <summary>Where datums are laid out.</summary>
    public static readonly Setting Scratch = new("scratch", "", (
        "DIR",
        "Directory in which workers lay out files for programs; it belongs to this pachd alone. Default: scratch in the data directory."));

    /// <summary>How many nodes there are.</summary>
    public static readonly Setting Nodes = new("nodes", "", (
        "N", "Number of nodes for pipelines that have a worker for each node. Default: the processors of this machine."));

    /// <summary>Whether programs may use the network.</summary>
    public static readonly Setting Network = new(
        "network", "yes",
        ("yes|no", "Whether the programs of pipelines can use the network, where they are kept apart from this machine."));

    /// <summary>Where egress may write to.</summary>
    public static readonly Setting EgressDirectories = new(
        "egress-directory",
        "",
        ("DIR", "Directory of this machine that pipelines may send their output to with an egress URL file:///DIR/...; may be given several times."),
        IsList: true);

    /// <summary>Where secrets are.</summary>
    public static readonly Setting Secrets = new("secrets-directory", "", (
        "DIR", "Directory with one directory of files for each secret that a transform may name."));

    /// <summary>All settings.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        Data, Grpc, Http, Log, Drain, ReadOnly, AddressFile, Workers, Sandbox, Scratch, Nodes, Network, EgressDirectories, Secrets,
    ];

    /// <summary>The environment variable.</summary>
    public string Variable => VariableOf(Name);

    /// <summary>The key in the configuration file.</summary>
    public string Key => Name.Replace('-', '_');

    /// <summary>The flag.</summary>
    public Option<string[]> Option { get; } = CreateOption(
        Name,
        IsList,
        Help.Value,
        $"{Help.Text} [{VariableOf(Name)}{(Default.Length == 0 ? "" : $"; default: {Default}")}]");

    private static string VariableOf(string name) => "PACHD_" + name.Replace('-', '_').ToUpperInvariant();

    private static string DefaultData()
    {
        string? home = Environment.GetEnvironmentVariable("XDG_DATA_HOME");
        string parent = string.IsNullOrEmpty(home)
            ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "share")
            : home;
        return Path.Combine(parent, "pachd");
    }

    // Values of arrays are parsed one by one whatever the arity, so that one too many has to be told here.
    private static Option<string[]> CreateOption(string name, bool isList, string valueName, string description)
    {
        Option<string[]> option = new("--" + name)
        {
            HelpName = valueName,
            Arity = ArgumentArity.OneOrMore,
            Description = description,
        };
        if (!isList)
        {
            option.Validators.Add(result =>
            {
                if (result.Tokens.Count > 1)
                {
                    result.AddError($"Option '--{name}' is given more than once.");
                }
            });
        }
        return option;
    }
}
