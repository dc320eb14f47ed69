using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Json;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;

namespace Pachyderm.Backup;

/// <summary>
/// Backups of clusters in an object store. The layout:
/// <list type="bullet">
/// <item><c>repository.json</c>: format, identity, and the wrapped key of an encrypted repository. Written first, never changed.</item>
/// <item><c>backups/&lt;name&gt;/claim</c>: who is writing that backup; only while it is written.</item>
/// <item><c>backups/&lt;name&gt;/metadata-&lt;claim&gt;</c>: the etcd snapshot.</item>
/// <item><c>backups/&lt;name&gt;/files-&lt;claim&gt;</c>: the list of files of the content store, see <c>ContentRecord</c>.</item>
/// <item><c>backups/&lt;name&gt;/manifest</c>: what the backup holds, with digests. Written last: without it there is no backup.</item>
/// <item><c>content/...</c>: contents of files, shared by all backups and never changed.</item>
/// </list>
/// In an encrypted repository everything but <c>repository.json</c>, claims and the names of backups is sealed (see <c>SealedFormat</c>),
/// and the keys of content are keyed hashes. Several processes may work on one repository at once: names are claimed atomically and
/// contents are the same whoever writes them.
/// </summary>
public sealed class BackupRepository
{
    private const int MaxNameLength = 100;
    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    // Long enough for a slow disk to take one buffer, short enough to be gone with the next backup.
    private static readonly TimeSpan AbandonedWriteAge = TimeSpan.FromHours(1);

    private readonly RepositoryStore _objects;
    private readonly TimeProvider _time;

    private BackupRepository(RepositoryStore objects, RepositoryHeader header, TimeProvider time)
    {
        _objects = objects;
        _time = time;
        Version = header.Version;
    }

    /// <summary>Where the repository is, for messages.</summary>
    public string Location => _objects.Inner.Location;

    /// <summary>Whether everything in it is encrypted.</summary>
    public bool Encrypted => _objects.Encrypted;

    /// <summary>Version of the repository's format.</summary>
    public int Version { get; }

    /// <summary>Opens a repository. Nothing is written.</summary>
    /// <param name="store">Where it is.</param>
    /// <param name="passphrase">The passphrase of an encrypted repository; null for one in the clear.</param>
    /// <param name="time">Clock; the system's if null.</param>
    /// <param name="cancellationToken">Ends the opening.</param>
    /// <exception cref="OperatorException">
    /// <c>backup-repository-not-found</c>, <c>backup-repository-foreign</c>, <c>backup-format-unknown</c>, <c>passphrase-needed</c>,
    /// <c>wrong-passphrase</c>, <c>backup-not-encrypted</c> (a passphrase was given, but nothing is encrypted).
    /// </exception>
    public static async Task<BackupRepository> OpenAsync(
        IObjectStore store, string? passphrase, TimeProvider? time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        RepositoryHeader header = await ReadHeaderAsync(store, cancellationToken) ?? throw new OperatorException(
            "backup-repository-not-found", store.Location, "there is no backup repository",
            "check the place, or create a backup there first");
        return Open(store, header, passphrase, time);
    }

    /// <summary>Opens a repository, or makes a new one in an empty store: encrypted if a passphrase is given.</summary>
    /// <inheritdoc cref="OpenAsync"/>
    public static async Task<BackupRepository> OpenOrCreateAsync(
        IObjectStore store, string? passphrase, TimeProvider? time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        RepositoryHeader? header = await ReadHeaderAsync(store, cancellationToken);
        if (header is null)
        {
            await foreach (ObjectProperties other in store.ListAsync("", cancellationToken))
            {
                throw new OperatorException(
                    "backup-repository-foreign", store.Location, $"it holds other things, such as {other.Key}",
                    "give an empty or new directory");
            }

            header = NewHeader(passphrase, time ?? TimeProvider.System);
            using MemoryStream json = new(JsonSerializer.SerializeToUtf8Bytes(header, BackupJson.Default.RepositoryHeader));
            if (!await store.PutAsync(RepositoryHeader.Key, json, overwrite: false, cancellationToken))
            {
                // Somebody else was faster; theirs counts.
                header = await ReadHeaderAsync(store, cancellationToken) ?? header;
            }
        }

        return Open(store, header, passphrase, time);
    }

    /// <summary>Makes a backup. Whatever was left of backups whose writer was killed is removed first.</summary>
    /// <param name="request">What to back up.</param>
    /// <param name="cancellationToken">Ends the work; no backup is there then.</param>
    /// <exception cref="OperatorException">
    /// <c>object-missing</c> (a referenced object does not exist; the message names up to 20), <c>object-damaged</c>,
    /// <c>content-changed</c>, <c>pack-damaged</c>, <c>adopted-content-elsewhere</c>, <c>backup-exists</c>, <c>backup-in-progress</c>,
    /// <c>backup-name-refused</c>, or a failure of a store.
    /// </exception>
    public async Task<BackupSummary> CreateAsync(BackupRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        await PruneIncompleteAsync(cancellationToken);
        BackupClaim claim = BackupClaim.OfThisProcess(_time);
        string name = await ClaimNameAsync(request.Name, claim, cancellationToken);
        BackupManifest? manifest = null;
        try
        {
            manifest = await new BackupCreator(_objects, _time).WriteAsync(name, claim.Id, request, cancellationToken);
            return BackupSummary.Of(manifest, Encrypted);
        }
        finally
        {
            await ReleaseAsync(name, claim, complete: manifest is not null);
        }
    }

    /// <summary>
    /// Delivers every backup, by name. One whose manifest cannot be read is delivered with <see cref="BackupSummary.Problem"/>.
    /// </summary>
    public async IAsyncEnumerable<BackupSummary> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (ObjectProperties item in _objects.Inner.ListAsync(BackupKeys.Prefix, cancellationToken))
        {
            string name = item.Key[BackupKeys.Prefix.Length..].Split('/')[0];
            if (!string.Equals(item.Key, BackupKeys.Manifest(name), StringComparison.Ordinal))
            {
                continue;
            }

            BackupSummary summary;
            try
            {
                summary = BackupSummary.Of(await ReadManifestAsync(name, cancellationToken), Encrypted);
            }
            catch (OperatorException exception)
            {
                summary = new BackupSummary { Name = name, Encrypted = Encrypted, Problem = exception.Message };
            }

            yield return summary;
        }
    }

    /// <summary>Finds the newest backup that was begun at a time or before it. Backups that cannot be read are passed over.</summary>
    /// <param name="time">The time.</param>
    /// <param name="wholeStores">Whether only backups of data directories count; if not, only those of older clusters do.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="OperatorException"><c>backup-not-found</c>: all are later, or there is none.</exception>
    public async Task<string> FindAtAsync(DateTimeOffset time, bool wholeStores, CancellationToken cancellationToken)
    {
        BackupSummary? found = null;
        BackupSummary? first = null;
        await foreach (BackupSummary backup in ListAsync(cancellationToken))
        {
            if (backup.Problem is null && backup.StoreFormat is not null == wholeStores)
            {
                first = first is null || backup.Created < first.Created ? backup : first;
                found = backup.Created <= time && (found is null || backup.Created >= found.Created) ? backup : found;
            }
        }

        return found?.Name ?? throw new OperatorException(
            "backup-not-found",
            Location,
            $"no backup {(wholeStores ? "of a data directory" : "of a cluster of 1.4 or 1.5")} was made by "
                + $"{time.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z",
            first is null
                ? "make one, or look into another repository"
                : $"the first is {first.Name}, of {first.Created.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z");
    }

    /// <summary>Looks whether a backup is whole: its manifest, its lists, and that every content is there with its size.</summary>
    /// <param name="name">Name of the backup.</param>
    /// <param name="readData">Whether everything is read and its hash compared.</param>
    /// <param name="progress">Told of the progress.</param>
    /// <param name="cancellationToken">Ends the verification.</param>
    /// <exception cref="OperatorException"><c>backup-not-found</c>; <c>backup-damaged</c> when the manifest cannot be read.</exception>
    public async Task<BackupVerification> VerifyAsync(
        string name, bool readData, IProgress<BackupProgress>? progress, CancellationToken cancellationToken) =>
        await new BackupVerifier(_objects).VerifyAsync(
            await ReadManifestAsync(name, cancellationToken), readData, progress, cancellationToken);

    /// <summary>
    /// Writes a backup into empty places and proves it: what was written is read again, and its digest compared with the manifest's.
    /// </summary>
    /// <param name="name">Name of the backup.</param>
    /// <param name="target">Where to.</param>
    /// <param name="progress">Told of the progress.</param>
    /// <param name="cancellationToken">Ends the work; what was written so far stays, marked as unfinished.</param>
    /// <exception cref="OperatorException">
    /// <c>backup-not-found</c>, <c>restore-target-exists</c>, <c>backup-lacks-part</c>, <c>backup-damaged</c>, <c>restore-unproven</c>.
    /// </exception>
    public async Task<RestoreResult> RestoreAsync(
        string name, RestoreTarget target, IProgress<BackupProgress>? progress, CancellationToken cancellationToken) =>
        await new BackupRestorer(_objects).RestoreAsync(
            await ReadManifestAsync(name, cancellationToken), target, progress, cancellationToken);

    /// <summary>
    /// Removes what is left of backups that were never finished and whose writer is gone. Contents that they stored stay, since the next
    /// backup would store them again.
    /// </summary>
    /// <returns>How many unfinished backups were removed.</returns>
    public async Task<int> PruneIncompleteAsync(CancellationToken cancellationToken)
    {
        List<string> claimed = [];
        await foreach (ObjectProperties item in _objects.Inner.ListAsync(BackupKeys.Prefix, cancellationToken))
        {
            if (item.Key.EndsWith(BackupKeys.ClaimSuffix, StringComparison.Ordinal))
            {
                claimed.Add(item.Key[BackupKeys.Prefix.Length..^BackupKeys.ClaimSuffix.Length]);
            }
        }

        int removed = 0;
        foreach (string name in claimed)
        {
            if (await ReadClaimAsync(name, cancellationToken) is { } claim && !claim.IsLive(_time))
            {
                bool complete = await HasManifestAsync(name, cancellationToken);
                await RemoveAsync(name, claim, complete, cancellationToken);
                removed += complete ? 0 : 1;
            }
        }

        if (_objects.Inner is IObjectStoreMaintenance maintenance)
        {
            await maintenance.RemoveAbandonedWritesAsync(AbandonedWriteAge, cancellationToken);
        }

        return removed;
    }

    private static BackupRepository Open(IObjectStore store, RepositoryHeader header, string? passphrase, TimeProvider? time)
    {
        byte[]? key = (header.Encryption, passphrase) switch
        {
            (null, null) => null,
            (null, _) => throw new OperatorException(
                "backup-not-encrypted", store.Location, "it is not encrypted, though a passphrase was given",
                "leave the passphrase out, or use a new directory"),
            (_, null) => throw new OperatorException("passphrase-needed", store.Location, "it is encrypted", "give its passphrase"),
            ({ } wrapping, _) => wrapping.Unwrap(passphrase, header.Id, store.Location),
        };
        return new BackupRepository(new RepositoryStore(store, key), header, time ?? TimeProvider.System);
    }

    private static RepositoryHeader NewHeader(string? passphrase, TimeProvider time)
    {
        if (passphrase is { Length: 0 })
        {
            throw new OperatorException(
                "passphrase-needed", "passphrase", "it is empty", "give one of several words, or none for a repository in the clear");
        }

        string id = Guid.NewGuid().ToString("N");
        KeyWrapping? wrapping = passphrase is null ? null : KeyWrapping.Wrap(RandomNumberGenerator.GetBytes(32), passphrase, id);
        return new RepositoryHeader(
            RepositoryHeader.FormatName, RepositoryHeader.CurrentVersion, RepositoryHeader.CurrentVersion, id, time.GetUtcNow(), wrapping);
    }

    private static async Task<RepositoryHeader?> ReadHeaderAsync(IObjectStore store, CancellationToken cancellationToken) =>
        await new RepositoryStore(store, null).ReadAsync(RepositoryHeader.Key, RepositoryHeader.MaxBytes, cancellationToken) is { } json
            ? RepositoryHeader.Parse(json, store.Location)
            : null;

    private static void CheckName(string name)
    {
        if (name.Length is 0 or > MaxNameLength || name[0] is '.' or '-' || name.AsSpan().ContainsAnyExcept(NameCharacters))
        {
            throw new OperatorException(
                "backup-name-refused",
                "backup name",
                "it is not of the allowed form",
                $"use 1 to {MaxNameLength} letters, digits, '.', '_' and '-', beginning with a letter, digit or '_'");
        }
    }

    private async Task<BackupManifest> ReadManifestAsync(string name, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(name);
        CheckName(name);
        byte[] bytes = await _objects.ReadAsync(BackupKeys.Manifest(name), BackupManifest.MaxBytes, cancellationToken)
            ?? throw new OperatorException(
            "backup-not-found", $"{Location}, backup {name}", "there is no such backup", "list the backups to see their names");
        BackupManifest manifest = BackupManifest.Parse(bytes, $"{Location}, {BackupKeys.Manifest(name)}");
        return string.Equals(manifest.Name, name, StringComparison.Ordinal)
            ? manifest
            : throw SealedFormat.Damaged($"{Location}, {BackupKeys.Manifest(name)}", "it is the manifest of another backup");
    }

    private async Task<string> ClaimNameAsync(string? wanted, BackupClaim claim, CancellationToken cancellationToken)
    {
        if (wanted is not null)
        {
            CheckName(wanted);
            return await TryClaimAsync(wanted, claim, cancellationToken) ? wanted : throw await RefuseAsync(wanted, cancellationToken);
        }

        // Two backups in one second get different names.
        string time = _time.GetUtcNow().UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        for (int i = 1; ; i++)
        {
            string name = i == 1 ? time : $"{time}-{i.ToString(CultureInfo.InvariantCulture)}";
            if (await TryClaimAsync(name, claim, cancellationToken))
            {
                return name;
            }
        }
    }

    private async Task<bool> TryClaimAsync(string name, BackupClaim claim, CancellationToken cancellationToken)
    {
        if (await HasManifestAsync(name, cancellationToken))
        {
            return false;
        }

        using MemoryStream json = new(JsonSerializer.SerializeToUtf8Bytes(claim, BackupJson.Default.BackupClaim));
        if (!await _objects.Inner.PutAsync(BackupKeys.Claim(name), json, overwrite: false, cancellationToken))
        {
            return false;
        }

        // A backup of that name may have been finished between the look and the claim.
        if (await HasManifestAsync(name, cancellationToken))
        {
            await _objects.Inner.DeleteAsync(BackupKeys.Claim(name), cancellationToken);
            return false;
        }

        return true;
    }

    private async Task<OperatorException> RefuseAsync(string name, CancellationToken cancellationToken) =>
        !await HasManifestAsync(name, cancellationToken) && await ReadClaimAsync(name, cancellationToken) is { } claim
            ? claim.Refusal(name)
            : new OperatorException("backup-exists", $"{Location}, backup {name}", "it exists already", "choose another name");

    private async Task<bool> HasManifestAsync(string name, CancellationToken cancellationToken) =>
        await _objects.Inner.GetPropertiesAsync(BackupKeys.Manifest(name), cancellationToken) is not null;

    private async Task<BackupClaim?> ReadClaimAsync(string name, CancellationToken cancellationToken)
    {
        byte[]? json = await new RepositoryStore(_objects.Inner, null).ReadAsync(
            BackupKeys.Claim(name), RepositoryHeader.MaxBytes, cancellationToken);
        if (json is null)
        {
            return null;
        }

        try
        {
            if (JsonSerializer.Deserialize(json, BackupJson.Default.BackupClaim) is { Id: not null, Host: not null } claim)
            {
                return claim;
            }
        }
        catch (JsonException exception)
        {
            throw Unreadable(exception);
        }

        throw Unreadable(null);

        CorruptionException Unreadable(Exception? inner) => new(
            "backup-damaged", $"{Location}, {BackupKeys.Claim(name)}", "it cannot be read", "delete this file when no backup is running",
            inner);
    }

    private async Task ReleaseAsync(string name, BackupClaim claim, bool complete)
    {
        try
        {
            // After a cancellation this must still happen. A manifest whose answer was lost makes the backup complete all the same.
            complete = complete || await HasManifestAsync(name, CancellationToken.None);
            await RemoveAsync(name, claim, complete, CancellationToken.None);
        }
        catch (OperatorException)
        {
            // The outcome of the backup matters more. What is left is removed by the next one.
        }
    }

    // The claim goes last, so that the name stays taken while its parts are removed; the parts carry the claim's identity, so that
    // whoever claims the name next cannot lose theirs.
    private async Task RemoveAsync(string name, BackupClaim claim, bool complete, CancellationToken cancellationToken)
    {
        if (!complete)
        {
            await _objects.Inner.DeleteAsync(BackupKeys.Files(name, claim.Id), cancellationToken);
            await _objects.Inner.DeleteAsync(BackupKeys.Metadata(name, claim.Id), cancellationToken);
        }

        await _objects.Inner.DeleteAsync(BackupKeys.Claim(name), cancellationToken);
    }
}

/// <summary>The keys of a backup's objects.</summary>
internal static class BackupKeys
{
    public const string Prefix = "backups/";
    public const string ClaimSuffix = "/claim";

    public static string Claim(string name) => Prefix + name + ClaimSuffix;

    public static string Manifest(string name) => $"{Prefix}{name}/manifest";

    public static string Metadata(string name, string claim) => $"{Prefix}{name}/metadata-{claim}";

    public static string Files(string name, string claim) => $"{Prefix}{name}/files-{claim}";
}
