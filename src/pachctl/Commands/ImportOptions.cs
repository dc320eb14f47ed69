using System.CommandLine;
using System.CommandLine.Parsing;
using Pachyderm.Errors;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Releases;
using Pachyderm.Migration.Steps.Native;

namespace Pachyderm.Pachctl.Commands;

/// <summary>
/// What <c>pachctl migrate</c> and its subcommands do with <c>--data</c>: the import of a cluster into a data directory of pachd.
/// </summary>
internal sealed class ImportOptions
{
    private readonly Option<string?> _data = new("--data")
    {
        Description = "The data directory of a pachd. Alone: bring it from an older format to that of this release. With a store: import "
            + "into it; it is "
            + "new or empty, or left by an import that was interrupted.",
        HelpName = "DIR",
    };

    private readonly Option<bool> _copy = new("--copy")
    {
        Description =
            "With --data: copy all content into the directory. Without it old objects are used where they are, and must stay there.",
    };

    private readonly Option<string?> _verify = new("--verify")
    {
        Description =
            $"With --data: how much content is read and compared: none, sample=FILES or full (default: {ImportVerification.Default}). "
            + "Records, and root hash, size and number of files of each commit, are compared always.",
        HelpName = "HOW",
    };

    private readonly Option<string?> _extract = new("--extract")
    {
        Description =
            "With --data of an import: if something was written since, first write everything as one stream to FILE, and read it back; "
            + "`pachctl restore -f FILE` gives it to another pachd.",
        HelpName = "FILE",
    };

    private ImportOptions()
    {
    }

    /// <summary>Adds <c>--data</c> to a command.</summary>
    public static ImportOptions AddTo(Command command)
    {
        ImportOptions options = new();
        command.Options.Add(options._data);
        return options;
    }

    /// <summary>Whether the command is about a data directory.</summary>
    public bool IsNamed(CommandResult result) => result.GetValue(_data) is not null;

    /// <summary>Whether the command is about a data directory.</summary>
    public bool IsNamed(ParseResult parsed) => parsed.GetValue(_data) is not null;

    /// <summary>The data directory that an upgrade of our own format is about; null if the command is about something else.</summary>
    public string? UpgradeOf(ParseResult parsed) => parsed.GetValue(_data) is { } data && UpgradeCommands.IsConcerned(data) ? data : null;

    /// <summary>The data directory.</summary>
    public string? DataOf(ParseResult parsed) => parsed.GetValue(_data);

    /// <summary>Refuses options that mean nothing for a data directory.</summary>
    public void Refuse(Command command, params IReadOnlyList<Option> refused) => command.Validators.Add(result =>
    {
        foreach (Option option in refused.Where(option => IsNamed(result) && result.GetResult(option) is { Implicit: false }))
        {
            result.AddError($"{option.Name} does not go with --data");
        }
    });

    /// <summary>Adds <c>--verify</c>.</summary>
    public void AddVerify(Command command)
    {
        command.Options.Add(_verify);
        _verify.Validators.Add(result =>
        {
            if (!ImportVerification.TryParse(result.GetValueOrDefault<string?>(), out _))
            {
                result.AddError("--verify: say none, sample=FILES or full");
            }
        });
        RequireData(command, _verify);
    }

    /// <summary>Adds <c>--extract</c>, which goes before dropping what was written since an import.</summary>
    /// <param name="command">The command.</param>
    /// <param name="discard">The option that drops it without.</param>
    public void AddExtract(Command command, Option<bool> discard)
    {
        command.Options.Add(_extract);
        RequireData(command, _extract);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_extract) is { Implicit: false } && result.GetValue(discard))
            {
                result.AddError($"{_extract.Name} does not go with {discard.Name}: it is what keeps later writes");
            }
        });
    }

    /// <summary>Refuses <c>--extract</c> where an upgrade of our own format is undone.</summary>
    /// <exception cref="OperatorException"><c>extract-not-needed</c>.</exception>
    public void RefuseExtract(ParseResult parsed)
    {
        if (parsed.GetValue(_extract) is not null)
        {
            throw new OperatorException(
                "extract-not-needed", parsed.GetValue(_data)!, "what is undone is an upgrade, which keeps later writes where they are",
                "undo without --extract");
        }
    }

    /// <summary>Adds what the import itself takes, and holds it against <c>--storage</c> and <c>--to</c>.</summary>
    public void AddImport(Command command, StoreOptions store, Option<string?> storage, Option<string?> from, Option<string?> to)
    {
        command.Options.Add(_copy);
        RequireData(command, _copy);
        AddVerify(command);
        command.Validators.Add(result =>
        {
            bool isNative = ReleaseVersion.TryParse(result.GetValue(to), out ReleaseVersion release)
                && release.CompareTo(MigrationPath.Native) == 0;
            if (IsNamed(result) && !store.IsNamed(result))
            {
                // Alone it is about a data directory of an older format.
                foreach (Option option in ((Option[])[storage, from, to, _copy, _verify]).Where(option => result.GetResult(option) is { Implicit: false }))
                {
                    result.AddError(
                        $"{option.Name}: to import a cluster name its store, too: --etcd HOST:PORT, --snapshot FILE or --namespace NS");
                }
                return;
            }
            if (IsNamed(result) && result.GetValue(storage) is null)
            {
                result.AddError("--data: name the storage root of the cluster, too: --storage PATH");
            }
            if (IsNamed(result) && result.GetValue(to) is not null && !isNative)
            {
                result.AddError(
                    $"--data: only {MigrationPath.Native} keeps its data in a directory, so leave --to out or say --to "
                        + $"{MigrationPath.Native}");
            }
            if (!IsNamed(result) && isNative)
            {
                result.AddError($"--to {MigrationPath.Native}: name the data directory that is to be made: --data DIR");
            }
        });
    }

    /// <summary>What the operator asks.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="request">What is asked of the cluster's stores.</param>
    public ImportRequest RequestOf(ParseResult parsed, MigrationRequest request) => new()
    {
        Data = parsed.GetValue(_data)!,
        Storage = request.Storage,
        From = request.From,
        PfsPrefix = request.PfsPrefix,
        PpsPrefix = request.PpsPrefix,
        Copy = Find(parsed, _copy) && parsed.GetValue(_copy),
        Verification = Find(parsed, _verify) && ImportVerification.TryParse(parsed.GetValue(_verify), out ImportVerification? verification)
            ? verification
            : ImportVerification.Default,
        Quarantine = request.Quarantine,
        Accepted = request.Accepted,
        DiscardLaterWrites = request.DiscardLaterWrites,
        ExtractTo = Find(parsed, _extract) ? parsed.GetValue(_extract) : null,
    };

    /// <summary>Prints what a data directory knows of its import.</summary>
    public async Task<int> PrintStatusAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        string data = Path.GetFullPath(parsed.GetValue(_data)!);
        if (await ImportJournal.ReadAsync(data, cancellationToken) is not { } journal)
        {
            Console.Out.WriteLine($"{data} was not imported by this program.");
            return ExitCodes.Done;
        }
        Console.Out.WriteLine(
            $"Import     {journal.Id} from {journal.From}, phase {journal.Phase}, begun {journal.Started:u}, last change "
                + $"{journal.Updated:u}");
        Console.Out.WriteLine($"Source     {journal.Source}");
        Console.Out.WriteLine($"Content    {(journal.Copy ? "copied from" : "used in place in")} {journal.Storage}");
        Console.Out.WriteLine(journal switch
        {
            { Final: true } => "Next       nothing: it is final",
            { Phase: MigrationPhase.Stamped } =>
                "Next       `pachd --data` serves it; `pachctl migrate finalize` keeps it, `pachctl migrate undo` drops it",
            { Phase: MigrationPhase.Undoing } => "Next       `pachctl migrate undo` goes on",
            _ => "Next       `pachctl migrate resume` goes on, `pachctl migrate undo` drops it",
        });
        return ExitCodes.Done;
    }

    private static bool Find(ParseResult parsed, Option option) => parsed.CommandResult.Command.Options.Contains(option);

    private void RequireData(Command command, Option option) => command.Validators.Add(result =>
    {
        if (!IsNamed(result) && command.Options.Contains(_data) && result.GetResult(option) is { Implicit: false })
        {
            result.AddError($"{option.Name} goes with --data");
        }
    });
}
