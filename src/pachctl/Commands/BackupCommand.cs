using System.CommandLine;
using System.Globalization;
using Pachyderm.Backup;
using Pachyderm.Backup.Native;
using Pachyderm.Formats;
using Pachyderm.Formats.Content;
using Pachyderm.Migration.Engine;
using Pachyderm.ObjectStores;
using Pachyderm.Pachctl.Output;
using Pachyderm.RecordStores;
using Spectre.Console;

namespace Pachyderm.Pachctl.Commands;

/// <summary><c>pachctl backup create | list | verify | restore</c>.</summary>
internal static class BackupCommand
{
    public static Command Create() =>
        new(
            "backup",
            "Back up a data directory of pachd while it serves, or both stores of a cluster of 1.4 or 1.5; content incrementally.")
    {
        CreateCreate(),
        CreateList(),
        CreateVerify(),
        CreateRestore(),
    };

    private static Command CreateCreate()
    {
        Command command = new("create", """
            Make a backup.

              pachctl backup create --data /var/lib/pachd --backup /backups           of release 3.0, beside the pachd that serves it or not
              pachctl backup create --etcd HOST:PORT --storage PATH --backup /backups   of 1.4 or 1.5: every object that a commit needs must exist

            Only what no earlier backup of the repository has is stored. Whatever goes wrong, no backup is listed that is not whole.
            """);
        StoreOptions store = StoreOptions.AddTo(command, hasOutput: false, optional: true);
        Repository repository = Repository.AddTo(command);
        Option<string?> data = new("--data")
        {
            Description =
                "Data directory of a pachd of release 3.0 or later. It goes on serving; garbage is collected when the backup is done.",
            HelpName = "DIR",
        };
        Option<string?> storage = new("--storage")
        {
            Description = "Storage root of a cluster of 1.4 or 1.5 (PACH_ROOT).",
            HelpName = "PATH",
        };
        Option<string?> name = new("--name") { Description = "Name of the backup (default: the time).", HelpName = "NAME" };
        Option<bool> acceptDamaged = new("--accept-damaged") { Description = "Back up what is damaged already as it is, and name it." };
        Option<bool> withoutAdopted = new("--without-adopted")
        {
            Description = "With --data: leave out content that lies in an older store, which is then needed for a restore.",
        };
        command.Options.Add(data);
        command.Options.Add(storage);
        command.Options.Add(name);
        command.Options.Add(acceptDamaged);
        command.Options.Add(withoutAdopted);
        command.Validators.Add(result =>
        {
            bool cluster = result.GetValue(storage) is not null
                || result.Children.Any(child => child is System.CommandLine.Parsing.OptionResult { Option.Name: "--etcd" or "--snapshot" or "--namespace" });
            if (cluster == result.GetValue(data) is not null)
            {
                result.AddError(
                    "name what to back up: --data DIR of release 3.0; or, of an older cluster, a store (--etcd, --snapshot or "
                        + "--namespace), --storage PATH, or both");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            BackupRepository target;
            BackupSummary summary;
            if (parsed.GetValue(data) is { } directory)
            {
                var source = DataDirectory.Open(directory);
                target = await repository.OpenOrCreateAsync(parsed, cancellationToken);
                summary = await target.CreateAsync(
                    new BackupRequest
                    {
                        Name = parsed.GetValue(name),
                        Source = source.RootPath,
                        Data = source,
                        AcceptDamaged = parsed.GetValue(acceptDamaged),
                        WithoutAdopted = parsed.GetValue(withoutAdopted),
                        OnWaiting = holder => Console.Error.WriteLine($"waiting for {holder}"),
                    },
                    cancellationToken);
                PrintCreated(summary);
                return ExitCodes.Done;
            }

            LegacyContentStore? content = parsed.GetValue(storage) is { } path
                ? await LegacyContentStore.OpenAsync(path, cancellationToken)
                : null;
            await using IRecordStore? metadata = store.IsNamed(parsed)
                ? await store.AddressOf(parsed).OpenStoreAsync(TimeProvider.System, cancellationToken)
                : null;
            ClusterKeys keys = new(store.PfsPrefixOf(parsed), store.PpsPrefixOf(parsed));
            RecordStoreStatus? status = metadata is null ? null : await metadata.GetStatusAsync(cancellationToken);
            target = await repository.OpenOrCreateAsync(parsed, cancellationToken);
            summary = await target.CreateAsync(
                new BackupRequest
                {
                    Name = parsed.GetValue(name),
                    Source = string.Join(" and ", new[] { metadata?.Location, content?.Location }.OfType<string>()),
                    Metadata = metadata is null
                        ? null
                        : new MetadataSource(
                            metadata.Location, status!.Revision, null, (stream, cancel) => metadata.SaveSnapshotAsync(stream, cancel)),
                    Content = content,
                    References = metadata is null || content is null ? null : cancel =>
                        ReadReferencesAsync(metadata, content, keys, cancel),
                    AcceptDamaged = parsed.GetValue(acceptDamaged),
                },
                cancellationToken);
            PrintCreated(summary);
            return ExitCodes.Done;
        });
        return command;
    }

    private static void PrintCreated(BackupSummary summary)
    {
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Backup {summary.Name}: metadata {summary.MetadataBytes:N0} "
                + $"bytes{(summary.Revision is { } revision ? $" at revision {revision}" : "")}, content {summary.Files:N0} "
                + $"files{(summary.StoreFormat is null ? $" and {summary.Links:N0} links" : "")} of {summary.ContentBytes:N0} bytes, "
                + $"{summary.NewContentBytes:N0} of them "
                + $"new{(summary.ReferencesChecked is { } references ? $"; {references:N0} references checked" : "")}"));
        foreach (string left in summary.LeftOut)
        {
            Console.Error.WriteLine($"left out: {left}: it is no part of a storage root");
        }

        foreach (string damaged in summary.Damaged)
        {
            Console.Error.WriteLine($"damaged: {damaged}");
        }

        WarnOfAdopted(summary.Adopted);
    }

    private static void WarnOfAdopted(IReadOnlyList<AdoptedPart> adopted)
    {
        foreach (AdoptedPart part in adopted)
        {
            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"not in it: {part.Bytes:N0} bytes in {part.Chunks:N0} chunks of the older store {part.Source}, which is needed where it "
                    + $"is"));
        }
    }

    private static Command CreateList()
    {
        Command command = new("list", "List the backups of a repository.");
        Repository repository = Repository.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Table table = new() { Border = TableBorder.None };
            foreach (string column in (string[])["NAME", "CREATED", "REVISION", "METADATA", "CONTENT", "NEW", "ENCRYPTED", "SOURCE"])
            {
                table.AddColumn(new TableColumn(column).NoWrap());
            }

            await foreach (BackupSummary backup in (await repository.OpenAsync(parsed, cancellationToken)).ListAsync(cancellationToken))
            {
                table.AddRow(
                    Markup.Escape(backup.Name),
                    backup.Problem is null ? backup.Created.ToString("u", CultureInfo.InvariantCulture) : "unreadable",
                    backup.Revision?.ToString(CultureInfo.InvariantCulture) ?? "-",
                    Bytes(backup.MetadataBytes),
                    Bytes(backup.ContentBytes),
                    Bytes(backup.NewContentBytes),
                    backup.Encrypted ? "yes" : "no",
                    Markup.Escape(backup.Problem ?? backup.Source));
            }

            Tables.Write(table);
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command CreateVerify()
    {
        Command command = new("verify", "Check that a backup is whole; with --read-data read every byte and compare its hash.");
        Repository repository = Repository.AddTo(command);
        Argument<string> name = new("name") { Description = "Name of the backup." };
        Option<bool> readData = new("--read-data") { Description = "Read every byte." };
        command.Arguments.Add(name);
        command.Options.Add(readData);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            BackupVerification verified = await (await repository.OpenAsync(parsed, cancellationToken)).VerifyAsync(
                parsed.GetValue(name)!, parsed.GetValue(readData), progress: null, cancellationToken);
            foreach (BackupProblem problem in verified.Problems)
            {
                Console.Error.WriteLine($"{problem.Thing}: {problem.Problem}");
            }

            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{verified.Name}: {verified.Files:N0} files, {verified.Bytes:N0} bytes "
                    + $"{(verified.ReadData ? "read and compared" : "present")}, {verified.ProblemCount:N0} problems"));
            return verified.IsSound ? ExitCodes.Done : ExitCodes.Failed;
        });
        return command;
    }

    private static Command CreateRestore()
    {
        Command command = new("restore", """
            Restore a backup into targets that do not exist or are empty, and prove it by digest.

              pachctl backup restore 20261123T040000Z --backup /backups --data /var/lib/pachd.new   then: pachd --data /var/lib/pachd.new
              pachctl backup restore --at 2026-11-23T12:00:00Z --backup /backups --data NEWDIR      the newest that was begun by then
              pachctl backup restore NAME --backup /backups --snapshot FILE --storage PATH          of 1.4 or 1.5

            A live etcd is restored from the snapshot file with `etcdctl snapshot restore`.
            """);
        Repository repository = Repository.AddTo(command);
        Argument<string?> name = new("name") { Description = "Name of the backup.", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> at = new("--at")
        {
            Description = "Instead of a name: the newest backup begun at this time or before. UTC unless it has an offset: "
                + "2026-11-23T12:00:00+01:00.",
            HelpName = "TIME",
        };
        Option<string?> data = new("--data")
        {
            Description = "Where the data directory of a pachd goes: does not exist or is empty.",
            HelpName = "DIR",
        };
        Option<string?> metadata = new("--snapshot")
        {
            Description = "Where the metadata of an older cluster go, as an etcd snapshot file.",
            HelpName = "FILE",
        };
        Option<string?> content = new("--storage")
        {
            Description = "Where the content of an older cluster goes: a directory that does not exist or is empty.",
            HelpName = "PATH",
        };
        command.Arguments.Add(name);
        foreach (Option option in (Option[])[at, data, metadata, content])
        {
            command.Options.Add(option);
        }

        command.Validators.Add(result =>
        {
            bool cluster = result.GetValue(metadata) is not null || result.GetValue(content) is not null;
            if (cluster == result.GetValue(data) is not null)
            {
                result.AddError(
                    "name where to restore to: --data DIR of release 3.0; or, of an older cluster, --snapshot FILE, --storage PATH, or "
                        + "both");
            }

            if (result.GetValue(name) is null == result.GetValue(at) is null)
            {
                result.AddError("name the backup, or give --at TIME");
            }

            if (result.GetValue(at) is { } text && !TryReadTime(text, out _))
            {
                result.AddError($"--at {text}: not a time such as 2026-11-23T12:00:00Z");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            BackupRepository source = await repository.OpenAsync(parsed, cancellationToken);
            string chosen = parsed.GetValue(at) is { } text && TryReadTime(text, out DateTimeOffset time)
                ? await source.FindAtAsync(time, wholeStores: parsed.GetValue(data) is not null, cancellationToken)
                : parsed.GetValue(name)!;
            RestoreResult restored = await source.RestoreAsync(
                chosen, new RestoreTarget(parsed.GetValue(content), parsed.GetValue(metadata), parsed.GetValue(data)), progress: null,
                cancellationToken);
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"Restored {restored.Name} and compared what was written: metadata {restored.MetadataBytes:N0} bytes, content "
                    + $"{restored.Files:N0} files of {restored.ContentBytes:N0} bytes"));
            WarnOfAdopted(restored.Adopted);
            return ExitCodes.Done;
        });
        return command;
    }

    private static bool TryReadTime(string text, out DateTimeOffset time) => DateTimeOffset.TryParse(
        text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);

    private static async IAsyncEnumerable<ObjectReference> ReadReferencesAsync(
        IRecordStore metadata, LegacyContentStore content, ClusterKeys keys,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IAsyncEnumerable<IReadOnlyList<StoredRecord>> Read(KeyRange range) => metadata.ReadAsync(range, 0, cancellationToken);
        await foreach (
            ObjectReference reference in TreeReferences.WalkAsync(
                content, ContentReferences.ReadAsync(Read, keys, cancellationToken), cancellationToken))
        {
            yield return reference;
        }

        await foreach (ObjectReference reference in ContentReferences.ReadOpenWritesAsync(Read, keys, cancellationToken))
        {
            yield return reference;
        }
    }

    private static string Bytes(long bytes) => bytes.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>The options that name a backup repository.</summary>
    private sealed class Repository
    {
        private readonly Option<string> _directory = new("--backup")
        {
            Description = "Directory of the backup repository.",
            HelpName = "DIR",
            Required = true,
        };
        private readonly Option<string?> _passphrase = Passphrase.CreateOption();

        public static Repository AddTo(Command command)
        {
            Repository repository = new();
            command.Options.Add(repository._directory);
            command.Options.Add(repository._passphrase);
            return repository;
        }

        public async Task<BackupRepository> OpenAsync(ParseResult parsed, CancellationToken cancellationToken) =>
            await BackupRepository.OpenAsync(
                Store(parsed), await Passphrase.ReadAsync(parsed.GetValue(_passphrase), cancellationToken), TimeProvider.System,
                cancellationToken);

        public async Task<BackupRepository> OpenOrCreateAsync(ParseResult parsed, CancellationToken cancellationToken) =>
            await BackupRepository.OpenOrCreateAsync(
                Store(parsed), await Passphrase.ReadAsync(parsed.GetValue(_passphrase), cancellationToken), TimeProvider.System,
                cancellationToken);

        private LocalObjectStore Store(ParseResult parsed) => new(parsed.GetValue(_directory)!, TimeProvider.System);
    }
}
