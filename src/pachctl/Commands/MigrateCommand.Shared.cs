using System.CommandLine;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Native;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Steps.Native;
using Pachyderm.Migration.Targets;
using Pachyderm.Pachctl.Output;

namespace Pachyderm.Pachctl.Commands;

/// <content>What the subcommands have in common.</content>
internal static partial class MigrateCommand
{
    /// <summary>What all subcommands share: the store, the backup repository, the output.</summary>
    private sealed class Shared
    {
        private readonly Option<string> _backup = new("--backup")
        {
            Description = $"Directory of the backup repository (default: ./{DefaultBackupDirectory}).",
            HelpName = "DIR",
            DefaultValueFactory = _ => DefaultBackupDirectory,
        };

        private readonly Option<string?> _passphrase = Passphrase.CreateOption();
        private readonly Option<string?> _report = new("--report")
        {
            Description = "Write the report as JSON to this file.",
            HelpName = "FILE",
        };
        private readonly Option<bool> _raw = new("--raw") { Description = "Print the report as JSON." };
        private bool _writesReport;

        public required StoreOptions Store { get; init; }

        public required ImportOptions Import { get; init; }

        public static Shared AddTo(Command command, bool writesReport = true)
        {
            ImportOptions import = ImportOptions.AddTo(command);
            Shared shared = new()
            {
                Store = StoreOptions.AddTo(command, hasOutput: true, instead: import.IsNamed),
                Import = import,
                _writesReport = writesReport,
            };
            shared.Import.Refuse(command, [shared._backup, shared._passphrase]);
            command.Options.Add(shared._backup);
            command.Options.Add(shared._passphrase);
            if (writesReport)
            {
                command.Options.Add(shared._report);
            }

            command.Options.Add(shared._raw);
            return shared;
        }

        public async Task<MigrationRequest> RequestAsync(ParseResult parsed, CancellationToken cancellationToken) => new()
        {
            PfsPrefix = Store.PfsPrefixOf(parsed),
            PpsPrefix = Store.PpsPrefixOf(parsed),
            BackupDirectory = parsed.GetValue(_backup)!,
            Passphrase = await Passphrase.ReadAsync(parsed.GetValue(_passphrase), cancellationToken),
        };

        public Task<IMigrationTarget> OpenAsync(ParseResult parsed, CancellationToken cancellationToken) =>
            Store.AddressOf(parsed).OpenTargetAsync(Store.PfsPrefixOf(parsed), TimeProvider.System, cancellationToken);

        public async Task<int> RunAsync(
            ParseResult parsed, MigrationRequest request, Func<MigrationEngine, Task<MigrationReport>> act,
            CancellationToken cancellationToken)
        {
            MigrationSteps.Register();
            ProbeReport(parsed);
            await using IMigrationTarget target = await OpenAsync(parsed, cancellationToken);
            return await ReportAsync(
                parsed, observer => act(new MigrationEngine(target, request, observer, TimeProvider.System)), cancellationToken);
        }

        public Task<int> ImportAsync(
            ParseResult parsed, MigrationRequest request, Func<ClusterImport, Task<MigrationReport>> act,
            CancellationToken cancellationToken)
        {
            MigrationSteps.Register();
            ProbeReport(parsed);
            ImportRequest asked = Import.RequestOf(parsed, request) with
            {
                Source = Store.IsNamed(parsed) ? Store.AddressOf(parsed) : null,
            };
            return ReportAsync(parsed, observer => act(new ClusterImport(asked, observer, TimeProvider.System)), cancellationToken);
        }

        public Task<int> UpgradeAsync(ParseResult parsed, string data, Func<FormatUpgrade, Task<UpgradeReport>> act)
        {
            ProbeReport(parsed);
            return UpgradeCommands.RunAsync(data, parsed.GetValue(_raw), _writesReport ? parsed.GetValue(_report) : null, act);
        }

        private void ProbeReport(ParseResult parsed)
        {
            if (_writesReport && parsed.GetValue(_report) is { } reportPath)
            {
                MigrationReport.Probe(reportPath);
            }
        }

        private async Task<int> ReportAsync(
            ParseResult parsed, Func<ConsoleObserver, Task<MigrationReport>> act, CancellationToken cancellationToken)
        {
            ConsoleObserver observer = new(TimeProvider.System);
            await using CancellationTokenRegistration interruption = cancellationToken.Register(
                () => observer.Say("interrupted, stopping ..."));
            try
            {
                MigrationReport report = await act(observer);
                await PrintAsync(parsed, report, cancellationToken);
                return report.Result == "blocked" ? ExitCodes.Blocked : ExitCodes.Done;
            }
            catch (MigrationBlockedException exception)
            {
                await PrintAsync(parsed, exception.Report, cancellationToken);
                throw;
            }
            catch (MigrationFailedException exception) when (_writesReport && parsed.GetValue(_report) is { } path)
            {
                await exception.Report.WriteAsync(path, CancellationToken.None);
                throw;
            }
        }

        private async Task PrintAsync(ParseResult parsed, MigrationReport report, CancellationToken cancellationToken)
        {
            if (_writesReport && parsed.GetValue(_report) is { } path)
            {
                await report.WriteAsync(path, cancellationToken);
            }

            if (parsed.GetValue(_raw))
            {
                await using Stream output = Console.OpenStandardOutput();
                await report.WriteAsync(output, cancellationToken);
            }
            else
            {
                ReportPrinter.Print(report);
            }
        }
    }
}
