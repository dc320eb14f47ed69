using System.CommandLine;
using Pachyderm.Errors;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Releases;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Steps.Native;
using Pachyderm.Migration.Targets;

namespace Pachyderm.Pachctl.Commands;

/// <summary><c>pachctl migrate</c> and what goes with it.</summary>
internal static partial class MigrateCommand
{
    private const string DefaultBackupDirectory = "pachyderm-backups";

    private const string Help =
        """
        Carry a cluster's metadata from one release to another: discover, plan, check, fence, back up, run, verify, stamp.

        The cluster must be at rest: no open commits, no running jobs, pachd and workers stopped. What is in the way is listed, all at once.
        Nothing is written before a verified backup exists. Killed at any point, the same command goes on where it stopped; `migrate undo`
        puts everything back until `migrate finalize`. A snapshot file is never changed: the outcome is a new file.

        With --data the cluster becomes the data directory of a pachd of this release: repos, commits, branches, files, pipelines, jobs and
        their results. The old cluster is only read, and its objects are used where they are unless --copy says otherwise.

        With --data alone a data directory that an earlier pachd of release 3 has written gets the format of this one. pachd is stopped, or started anew by
        this release: then it serves the data for reading.

        Exit codes: 0 done or nothing to do; 1 blocked, nothing was written; 2 failed, the message says what state the data is in; 3 usage.

        Examples:
          pachctl migrate --check --snapshot etcd.snap --storage /var/pachyderm
          pachctl migrate --from 1.4.8 --to 1.5.0 --snapshot etcd.snap --out migrated.snap --backup /backups
          pachctl migrate --to 1.5.3 --etcd 127.0.0.1:2379 --storage /var/pachyderm --backup /backups
          pachctl migrate --from 1.5.3 --to 3.0.0 --snapshot etcd.snap --storage /var/pachyderm --data /var/pachd
          pachctl migrate --data /var/pachd
        """;

    public static Command Create()
    {
        Command command = new("migrate", Help);
        Shared shared = Shared.AddTo(command);
        Option<string?> from = new("--from")
        {
            Description = "Release that the data is of. Only asserted: the data itself tells.",
            HelpName = "VERSION",
        };
        Option<string?> to = new("--to")
        {
            Description = $"Release to carry it to (default: {MigrationPath.Newest}, the newest that can be reached).",
            HelpName = "VERSION",
        };
        Option<bool> check = new("--check")
        {
            Description = "Only look: list everything that is in the way and what would change. Safe on a live cluster.",
        };
        Option<bool> dryRun = new("--dry-run") { Description = "Run everything on a scratch copy and show what changes." };
        Option<string?> storage = new("--storage")
        {
            Description = "Storage root of the cluster (PACH_ROOT): objects are checked, and old results stay reachable.",
            HelpName = "PATH",
        };
        Option<bool> backupContent = new("--backup-content") { Description = "Copy the storage root into the backup, too." };
        Option<string?> useBackup = new("--use-backup")
        {
            Description = "Use this backup, made before, instead of making one.",
            HelpName = "NAME",
        };
        Option<bool> quarantine = new("--quarantine")
        {
            Description = "Set records that cannot be read aside under another key instead of stopping.",
        };
        Option<string[]> accept = new("--accept")
        {
            Description = "Go on in spite of a finding: open-commit, running-job, registered-worker, registered-master, access-control, "
                + "source-changed. Repeatable.",
            HelpName = "ID",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        Option<long?> rateLimit = AddRateLimit(command, shared);
        Option<bool> yes = new("--yes", "-y") { Description = "Do not ask, even on a terminal." };
        shared.Import.AddImport(command, shared.Store, storage, from, to);
        shared.Import.Refuse(command, dryRun, backupContent, useBackup, rateLimit);
        foreach (Option option in (Option[])[from, to, check, dryRun, storage, backupContent, useBackup, quarantine, accept, yes])
        {
            command.Options.Add(option);
        }

        command.Validators.Add(result =>
        {
            if (result.GetValue(check) && result.GetValue(dryRun))
            {
                result.AddError("--check and --dry-run: name one of them");
            }
        });
        RequireVersion(command, from);
        RequireVersion(command, to);
        accept.Validators.Add(result =>
        {
            foreach (string id in result.GetValueOrDefault<string[]>() ?? [])
            {
                if (!MigrationRequest.Acceptable.Contains(id, StringComparer.Ordinal))
                {
                    result.AddError($"--accept {id}: only these can be accepted: {string.Join(", ", MigrationRequest.Acceptable)}");
                }
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            MigrationRequest request = await shared.RequestAsync(parsed, cancellationToken) with
            {
                From = Version(parsed.GetValue(from)),
                To = Version(parsed.GetValue(to)),
                Storage = parsed.GetValue(storage),
                BackupContent = parsed.GetValue(backupContent),
                UseBackup = parsed.GetValue(useBackup),
                Quarantine = parsed.GetValue(quarantine),
                Accepted = parsed.GetValue(accept)!.ToHashSet(StringComparer.Ordinal),
                RateLimit = parsed.GetValue(rateLimit),
            };
            if (shared.Import.DataOf(parsed) is { } data && !shared.Store.IsNamed(parsed))
            {
                return await shared.UpgradeAsync(
                    parsed, data,
                    upgrade => parsed.GetValue(check) ? upgrade.CheckAsync(cancellationToken) : upgrade.RunAsync(cancellationToken));
            }

            if (shared.Import.IsNamed(parsed))
            {
                return await shared.ImportAsync(
                    parsed, request,
                    import => parsed.GetValue(check) ? import.CheckAsync(cancellationToken) : import.RunAsync(cancellationToken),
                    cancellationToken);
            }

            return await shared.RunAsync(parsed, request, async engine =>
            {
                if (parsed.GetValue(check))
                {
                    return await engine.CheckAsync(cancellationToken);
                }

                if (parsed.GetValue(dryRun))
                {
                    return await engine.RehearseAsync(cancellationToken);
                }

                if (shared.Store.AddressOf(parsed).Snapshot is null && !parsed.GetValue(yes))
                {
                    Confirm("The live store will be migrated in place, after a backup. Go on?");
                }

                return await engine.RunAsync(cancellationToken);
            }, cancellationToken);
        });
        command.Subcommands.Add(CreateStatus());
        command.Subcommands.Add(CreateResume());
        command.Subcommands.Add(CreateUndo());
        command.Subcommands.Add(CreateFinalize());
        command.Subcommands.Add(CreateVerify());
        command.Subcommands.Add(ConsolidateCommand.Create());
        command.Subcommands.Add(MigrateSpecCommand.Create());
        return command;
    }

    private static Command CreateStatus()
    {
        Command command = new("status", "Tell what the store knows of migrations: one under way, one done, and who holds the fence.");
        Shared shared = Shared.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (shared.Import.UpgradeOf(parsed) is { } upgraded)
            {
                return UpgradeCommands.PrintStatus(upgraded);
            }

            if (shared.Import.IsNamed(parsed))
            {
                return await shared.Import.PrintStatusAsync(parsed, cancellationToken);
            }

            await using IMigrationTarget target = await shared.OpenAsync(parsed, cancellationToken);
            MigrationEngine engine = new(
                target, await shared.RequestAsync(parsed, cancellationToken), new NoObserver(), TimeProvider.System);
            (MigrationJournal? journal, MigrationStamp? stamp, FenceHolder? fence) = await engine.GetStatusAsync(cancellationToken);
            if (journal is not null)
            {
                Console.Out.WriteLine(
                    $"Migration  {journal.Id} from {journal.From} to {journal.To}, phase {journal.Phase}, begun {journal.Started:u}, "
                        + $"last change {journal.Updated:u}");
                Console.Out.WriteLine($"Backup     {journal.BackupName ?? "none yet"} in {journal.BackupRepository}");
                Console.Out.WriteLine(journal.Phase switch
                {
                    MigrationPhase.Stamped => "Next       `pachctl migrate finalize` keeps it, `pachctl migrate undo` puts everything back",
                    MigrationPhase.Undoing => "Next       `pachctl migrate undo` goes on",
                    _ => "Next       `pachctl migrate resume` goes on, `pachctl migrate undo` puts everything back",
                });
            }

            if (stamp is not null)
            {
                Console.Out.WriteLine(
                    $"Stamp      {stamp.Release}, carried from {stamp.From} by {stamp.Program}, migration {stamp.MigrationId}");
            }

            if (fence is not null)
            {
                Console.Out.WriteLine($"Fence      {fence}");
            }

            if (journal is null && stamp is null && fence is null)
            {
                Console.Out.WriteLine($"{target.Location} has never been migrated by this program.");
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static Command CreateUndo()
    {
        Command command = new("undo", "Put back what was there before the migration, from whatever phase, until it is finalized.");
        Shared shared = Shared.AddTo(command);
        Option<bool> discard = new("--discard-later-writes")
        {
            Description = "Undo even though records were written after the migration; they are kept in the backup's work folder. With "
                + "--data: drop them.",
        };
        Option<bool> yes = new("--yes", "-y") { Description = "Do not ask, even on a terminal." };
        shared.Import.AddExtract(command, discard);
        command.Options.Add(discard);
        command.Options.Add(yes);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            MigrationRequest request = await shared.RequestAsync(parsed, cancellationToken) with
            {
                DiscardLaterWrites = parsed.GetValue(discard),
            };
            if (shared.Import.UpgradeOf(parsed) is { } upgraded)
            {
                shared.Import.RefuseExtract(parsed);
                return await shared.UpgradeAsync(parsed, upgraded, upgrade => upgrade.UndoAsync(cancellationToken));
            }

            if (shared.Import.IsNamed(parsed))
            {
                if (!parsed.GetValue(yes))
                {
                    Confirm("What was imported will be dropped; the old cluster is as it was. Go on?");
                }

                return await shared.ImportAsync(parsed, request, import => import.UndoAsync(cancellationToken), cancellationToken);
            }

            return await shared.RunAsync(parsed, request, engine =>
            {
                if (!parsed.GetValue(yes))
                {
                    Confirm("The store will be put back to what it was before the migration. Go on?");
                }

                return engine.UndoAsync(cancellationToken);
            }, cancellationToken);
        });
        return command;
    }

    private static Command CreateFinalize()
    {
        Command command = new("finalize", "Make a migration final: the only point of no return. The backup stays.");
        Shared shared = Shared.AddTo(command);
        Option<bool> yes = new("--yes", "-y") { Description = "Do not ask, even on a terminal." };
        command.Options.Add(yes);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (shared.Import.UpgradeOf(parsed) is { } upgraded)
            {
                if (!parsed.GetValue(yes))
                {
                    Confirm("The upgrade can not be undone after this. Go on?");
                }

                return await shared.UpgradeAsync(parsed, upgraded, upgrade => upgrade.FinalizeAsync(cancellationToken));
            }

            if (shared.Import.IsNamed(parsed))
            {
                if (!parsed.GetValue(yes))
                {
                    Confirm("The import can not be undone after this. Go on?");
                }

                ImportRequest request = shared.Import.RequestOf(parsed, await shared.RequestAsync(parsed, cancellationToken));
                ImportJournal imported = await new ClusterImport(request, new NoObserver(), TimeProvider.System)
                    .FinalizeAsync(cancellationToken);
                Console.Out.WriteLine($"The import from {imported.From} is final.{(imported.Copy ? "" : $" Content is still used in place: {imported.Storage} must stay until `pachctl migrate consolidate --release`.")}");
                return ExitCodes.Done;
            }

            await using IMigrationTarget target = await shared.OpenAsync(parsed, cancellationToken);
            MigrationEngine engine = new(
                target, await shared.RequestAsync(parsed, cancellationToken), new NoObserver(), TimeProvider.System);
            if (!parsed.GetValue(yes))
            {
                Confirm("The migration can not be undone after this. Go on?");
            }

            MigrationJournal journal = await engine.FinalizeAsync(cancellationToken);
            Console.Out.WriteLine(
                $"The migration to {journal.To} is final. The backup {journal.BackupName} stays in {journal.BackupRepository}.");
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command CreateVerify()
    {
        Command command = new(
            "verify", "Verify a migrated store again: against its source until it is finalized, and against a report with --report.");
        Shared shared = Shared.AddTo(command, writesReport: false);
        Option<string?> report = new("--report") { Description = "Report of the migration to compare with.", HelpName = "FILE" };
        command.Options.Add(report);
        shared.Import.AddVerify(command);
        shared.Import.Refuse(command, report);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (shared.Import.UpgradeOf(parsed) is { } upgraded)
            {
                return await shared.UpgradeAsync(parsed, upgraded, upgrade => upgrade.VerifyAsync(cancellationToken));
            }

            if (shared.Import.IsNamed(parsed))
            {
                return await shared.ImportAsync(
                    parsed, await shared.RequestAsync(parsed, cancellationToken), import => import.VerifyAsync(cancellationToken),
                    cancellationToken);
            }

            MigrationReport? earlier = parsed.GetValue(report) is { } path
                ? await MigrationReport.ReadAsync(path, cancellationToken)
                : null;
            return await shared.RunAsync(
                parsed, await shared.RequestAsync(parsed, cancellationToken), engine => engine.VerifyAsync(earlier, cancellationToken),
                cancellationToken);
        });
        return command;
    }

    private static Command CreateResume()
    {
        Command command = new("resume", "Go on with a migration that was interrupted.");
        Shared shared = Shared.AddTo(command);
        Option<long?> rateLimit = AddRateLimit(command, shared);
        shared.Import.AddVerify(command);
        shared.Import.Refuse(command, rateLimit);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (shared.Import.UpgradeOf(parsed) is { } upgraded)
            {
                return await shared.UpgradeAsync(parsed, upgraded, upgrade => upgrade.RunAsync(cancellationToken));
            }

            MigrationRequest request = await shared.RequestAsync(parsed, cancellationToken) with { RateLimit = parsed.GetValue(rateLimit) };
            return shared.Import.IsNamed(parsed)
                ? await shared.ImportAsync(parsed, request, import => import.ResumeAsync(cancellationToken), cancellationToken)
                : await shared.RunAsync(parsed, request, engine => engine.ResumeAsync(cancellationToken), cancellationToken);
        });
        return command;
    }

    private static Option<long?> AddRateLimit(Command command, Shared shared)
    {
        Option<long?> rateLimit = new("--rate-limit") { Description = "Most records written to a live etcd a second.", HelpName = "N" };
        rateLimit.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<long?>() is <= 0)
            {
                result.AddError("--rate-limit: the limit must be a positive number of records a second");
            }
        });
        command.Options.Add(rateLimit);
        shared.Store.RefuseWithSnapshot(command, rateLimit, "it holds back what is written to a live etcd");
        return rateLimit;
    }

    private static void RequireVersion(Command command, Option<string?> option) => command.Validators.Add(result =>
    {
        if (result.GetValue(option) is { } text && !ReleaseVersion.TryParse(text, out _))
        {
            result.AddError($"{option.Name} {text}: this is no version; write it as 1.4.8");
        }
    });

    private static ReleaseVersion? Version(string? text) => ReleaseVersion.TryParse(text, out ReleaseVersion version) ? version : null;

    private static void Confirm(string question)
    {
        if (Console.IsInputRedirected)
        {
            return;
        }

        Console.Error.Write($"{question} [y/N] ");
        if (Console.In.ReadLine()?.StartsWith("y", StringComparison.OrdinalIgnoreCase) != true)
        {
            throw new OperatorException("not-confirmed", "pachctl", "nothing was done", "answer y, or use --yes");
        }
    }
}
