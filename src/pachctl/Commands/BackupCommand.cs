using System.CommandLine;
using System.Globalization;
using Pachyderm.Backup;
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
    public static Command Create() => new("backup", "Back up both stores of a cluster: metadata at one revision, content incrementally.")
    {
        CreateCreate(),
        CreateList(),
        CreateVerify(),
        CreateRestore(),
    };

    private static Command CreateCreate()
    {
        Command command = new("create", "Make a backup. Every object that a commit refers to must exist; otherwise nothing is made.");
        StoreOptions store = StoreOptions.AddTo(command, hasOutput: false, optional: true);
        Repository repository = Repository.AddTo(command);
        Option<string?> storage = new("--storage") { Description = "Storage root of the cluster (PACH_ROOT).", HelpName = "PATH" };
        Option<string?> name = new("--name") { Description = "Name of the backup (default: the time).", HelpName = "NAME" };
        Option<bool> acceptDamaged = new("--accept-damaged") { Description = "Back objects up whose content is not what their name says, and name them." };
        command.Options.Add(storage);
        command.Options.Add(name);
        command.Options.Add(acceptDamaged);
        command.Validators.Add(result =>
        {
            if (result.GetValue(storage) is null && !result.Children.Any(child => child is System.CommandLine.Parsing.OptionResult { Option.Name: "--etcd" or "--snapshot" or "--namespace" }))
            {
                result.AddError("name what to back up: a store (--etcd, --snapshot or --namespace), --storage PATH, or both");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            LegacyContentStore? content = parsed.GetValue(storage) is { } path ? await LegacyContentStore.OpenAsync(path, cancellationToken) : null;
            await using IRecordStore? metadata = store.IsNamed(parsed) ? await store.AddressOf(parsed).OpenStoreAsync(TimeProvider.System, cancellationToken) : null;
            ClusterKeys keys = new(store.PfsPrefixOf(parsed), store.PpsPrefixOf(parsed));
            RecordStoreStatus? status = metadata is null ? null : await metadata.GetStatusAsync(cancellationToken);
            BackupSummary summary = await (await repository.OpenOrCreateAsync(parsed, cancellationToken)).CreateAsync(
                new BackupRequest
                {
                    Name = parsed.GetValue(name),
                    Source = string.Join(" and ", new[] { metadata?.Location, content?.Location }.OfType<string>()),
                    Metadata = metadata is null ? null : new MetadataSource(metadata.Location, status!.Revision, null, (stream, cancel) => metadata.SaveSnapshotAsync(stream, cancel)),
                    Content = content,
                    References = metadata is null || content is null ? null : cancel => ReadReferencesAsync(metadata, content, keys, cancel),
                    AcceptDamaged = parsed.GetValue(acceptDamaged),
                },
                cancellationToken);
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"Backup {summary.Name}: metadata {summary.MetadataBytes:N0} bytes{(summary.Revision is { } revision ? $" at revision {revision}" : "")}, content {summary.Files:N0} files and {summary.Links:N0} links of {summary.ContentBytes:N0} bytes, {summary.NewContentBytes:N0} of them new{(summary.ReferencesChecked is { } references ? $"; {references:N0} references checked" : "")}"));
            foreach (string left in summary.LeftOut)
            {
                Console.Error.WriteLine($"left out: {left}: it is no part of a storage root");
            }

            return ExitCodes.Done;
        });
        return command;
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
                $"{verified.Name}: {verified.Files:N0} files, {verified.Bytes:N0} bytes {(verified.ReadData ? "read and compared" : "present")}, {verified.ProblemCount:N0} problems"));
            return verified.IsSound ? ExitCodes.Done : ExitCodes.Failed;
        });
        return command;
    }

    private static Command CreateRestore()
    {
        Command command = new("restore", "Restore a backup into targets that do not exist or are empty, and prove it by digest. A live etcd is restored from the snapshot file with `etcdctl snapshot restore`.");
        Repository repository = Repository.AddTo(command);
        Argument<string> name = new("name") { Description = "Name of the backup." };
        Option<string?> metadata = new("--snapshot") { Description = "Where the metadata go, as an etcd snapshot file.", HelpName = "FILE" };
        Option<string?> content = new("--storage") { Description = "Where the content goes: a directory that does not exist or is empty.", HelpName = "PATH" };
        command.Arguments.Add(name);
        command.Options.Add(metadata);
        command.Options.Add(content);
        command.Validators.Add(result =>
        {
            if (result.GetValue(metadata) is null && result.GetValue(content) is null)
            {
                result.AddError("name where to restore to: --snapshot FILE, --storage PATH, or both");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            RestoreResult restored = await (await repository.OpenAsync(parsed, cancellationToken)).RestoreAsync(
                parsed.GetValue(name)!, new RestoreTarget(parsed.GetValue(content), parsed.GetValue(metadata)), progress: null, cancellationToken);
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"Restored {restored.Name} and compared what was written: metadata {restored.MetadataBytes:N0} bytes, content {restored.Files:N0} files of {restored.ContentBytes:N0} bytes"));
            return ExitCodes.Done;
        });
        return command;
    }

    private static async IAsyncEnumerable<ObjectReference> ReadReferencesAsync(
        IRecordStore metadata, LegacyContentStore content, ClusterKeys keys, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IAsyncEnumerable<IReadOnlyList<StoredRecord>> Read(KeyRange range) => metadata.ReadAsync(range, 0, cancellationToken);
        await foreach (ObjectReference reference in TreeReferences.WalkAsync(content, ContentReferences.ReadAsync(Read, keys, cancellationToken), cancellationToken))
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
        private readonly Option<string> _directory = new("--backup") { Description = "Directory of the backup repository.", HelpName = "DIR", Required = true };
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
                Store(parsed), await Passphrase.ReadAsync(parsed.GetValue(_passphrase), cancellationToken), TimeProvider.System, cancellationToken);

        public async Task<BackupRepository> OpenOrCreateAsync(ParseResult parsed, CancellationToken cancellationToken) =>
            await BackupRepository.OpenOrCreateAsync(
                Store(parsed), await Passphrase.ReadAsync(parsed.GetValue(_passphrase), cancellationToken), TimeProvider.System, cancellationToken);

        private LocalObjectStore Store(ParseResult parsed) => new(parsed.GetValue(_directory)!, TimeProvider.System);
    }
}
