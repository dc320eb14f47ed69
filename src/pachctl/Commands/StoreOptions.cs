using System.CommandLine;
using System.CommandLine.Parsing;
using Pachyderm.Formats;
using Pachyderm.Migration.Targets;

namespace Pachyderm.Pachctl.Commands;

/// <summary>The options that name a cluster's stores, shared by all commands that work on them.</summary>
internal sealed class StoreOptions
{
    private readonly Option<string?> _etcd = new("--etcd")
    {
        Description = "A live etcd of the cluster, version 3.1 to 3.5.",
        HelpName = "HOST:PORT",
    };
    private readonly Option<string?> _snapshot = new("--snapshot")
    {
        Description = "A file that `etcdctl snapshot save` wrote. It is only read.",
        HelpName = "FILE",
    };
    private readonly Option<string?> _output = new("--out")
    {
        Description = "Where the migrated snapshot goes: a new file beside the source (default: FILE.migrated).",
        HelpName = "FILE",
    };
    private readonly Option<string?> _namespace = new("--namespace")
    {
        Description = "The Kubernetes namespace of the cluster; its etcd is found and forwarded to.",
        HelpName = "NS",
    };
    private readonly Option<string> _pfsPrefix = new("--pfs-prefix")
    {
        Description = "Prefix of file-system keys (PFS_ETCD_PREFIX).",
        DefaultValueFactory = _ => ClusterKeys.DefaultPfsPrefix,
    };
    private readonly Option<string> _ppsPrefix = new("--pps-prefix")
    {
        Description = "Prefix of pipeline keys (PPS_ETCD_PREFIX).",
        DefaultValueFactory = _ => ClusterKeys.DefaultPpsPrefix,
    };
    private readonly bool _hasOutput;

    private StoreOptions(bool hasOutput) => _hasOutput = hasOutput;

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="hasOutput">Whether the command works on the output of a migrated snapshot.</param>
    /// <param name="optional">Whether the command can do without a store.</param>
    /// <param name="instead">Whether a command names what it works on in another way.</param>
    public static StoreOptions AddTo(Command command, bool hasOutput, bool optional = false, Func<CommandResult, bool>? instead = null)
    {
        StoreOptions options = new(hasOutput);
        command.Options.Add(options._etcd);
        command.Options.Add(options._snapshot);
        if (hasOutput)
        {
            command.Options.Add(options._output);
        }

        command.Options.Add(options._namespace);
        command.Options.Add(options._pfsPrefix);
        command.Options.Add(options._ppsPrefix);
        command.Validators.Add(result => options.Validate(result, optional || instead?.Invoke(result) == true));
        return options;
    }

    /// <summary>Whether a store was named.</summary>
    public bool IsNamed(ParseResult parsed) => AddressOf(parsed) is { Etcd: not null } or { Snapshot: not null } or { Namespace: not null };

    /// <summary>Whether a store was named.</summary>
    public bool IsNamed(CommandResult result) =>
        result.GetValue(_etcd) is not null || result.GetValue(_snapshot) is not null || result.GetValue(_namespace) is not null;

    /// <summary>Where the metadata is.</summary>
    public StoreAddress AddressOf(ParseResult parsed) => new()
    {
        Etcd = parsed.GetValue(_etcd),
        Snapshot = parsed.GetValue(_snapshot),
        Output = _hasOutput ? parsed.GetValue(_output) : null,
        Namespace = parsed.GetValue(_namespace),
    };

    /// <summary>Prefix of file-system keys.</summary>
    public string PfsPrefixOf(ParseResult parsed) => parsed.GetValue(_pfsPrefix)!;

    /// <summary>Prefix of pipeline keys.</summary>
    public string PpsPrefixOf(ParseResult parsed) => parsed.GetValue(_ppsPrefix)!;

    /// <summary>Refuses an option together with <c>--snapshot</c>.</summary>
    /// <param name="command">The command.</param>
    /// <param name="option">The option.</param>
    /// <param name="reason">Why it means nothing there.</param>
    public void RefuseWithSnapshot(Command command, Option option, string reason) => command.Validators.Add(result =>
    {
        if (result.GetResult(option) is not null && result.GetValue(_snapshot) is not null)
        {
            result.AddError($"{option.Name} does not go with --snapshot; {reason}");
        }
    });

    private void Validate(CommandResult result, bool optional)
    {
        int named =
            new[] { result.GetValue(_etcd), result.GetValue(_snapshot), result.GetValue(_namespace) }.Count(value => value is not null);
        if (named > 1 || (named == 0 && !optional))
        {
            result.AddError(named == 0
                ? "name the cluster's store: --etcd HOST:PORT, --snapshot FILE or --namespace NS"
                : "name one store only: --etcd, --snapshot or --namespace");
        }

        if (_hasOutput && result.GetValue(_output) is not null && result.GetValue(_snapshot) is null)
        {
            result.AddError("--out goes with --snapshot; a live etcd is migrated in place");
        }
    }
}
