using System.Runtime.CompilerServices;
using System.Text;
using Pachyderm.Errors;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Survey;
using Pachyderm.ObjectStores;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Targets;

/// <summary>
/// An etcd snapshot file, from which a migrated snapshot file is made. The source is only read. Beside the output live, as long as
/// they are needed, <c>OUT.partial</c>, the journal <c>OUT.migration.json</c> and the lock <c>OUT.lock</c> with its owner.
/// </summary>
public sealed class SnapshotTarget : IMigrationTarget
{
    private readonly EtcdSnapshotFile _source;
    private readonly string _output;
    private readonly MigrationKeys _keys;
    private readonly TimeProvider _time;
    private FileStream? _lock;

    // What was verified last, and so is what is stamped.
    private EtcdSnapshotFile? _migrated;

    private SnapshotTarget(EtcdSnapshotFile source, string output, string pfsPrefix, TimeProvider time)
    {
        _source = source;
        _output = Path.GetFullPath(output);
        _keys = new MigrationKeys(pfsPrefix);
        _time = time;
    }

    /// <inheritdoc/>
    public string Location => $"snapshot {_source.Path}";

    /// <inheritdoc/>
    public CancellationToken FenceLost => CancellationToken.None;

    /// <inheritdoc/>
    public bool NeedsSourceCopy => false;

    private string JournalPath => _output + ".migration.json";

    private string LockPath => _output + ".lock";

    private string OwnerPath => LockPath + ".owner";

    private string PartialPath => _output + ".partial";

    /// <summary>Opens the source, which checks its SHA-256.</summary>
    /// <exception cref="OperatorException">The source cannot be read, or it and the output are the same file.</exception>
    public static async Task<SnapshotTarget> OpenAsync(
        string source, string output, string pfsPrefix, TimeProvider time, CancellationToken cancellationToken)
    {
        if (Path.GetFullPath(source) == Path.GetFullPath(output))
        {
            throw new OperatorException(
                "same-file", source, "the source and the output are the same file, and the source is never changed",
                "name another file with --out");
        }

        if (Directory.Exists(source))
        {
            throw new OperatorException(
                "snapshot-is-directory", source, "it is a directory", "name a file that `etcdctl snapshot save` wrote");
        }

        return new SnapshotTarget(
            await EtcdSnapshotFile.OpenAsync(source, SnapshotIntegrity.VerifyHash, cancellationToken), output, pfsPrefix, time);
    }

    /// <inheritdoc/>
    public Task<RecordStoreStatus> GetStatusAsync(CancellationToken cancellationToken) =>
        Task.FromResult(new RecordStoreStatus("snapshot", _source.Revision, _source.CompactRevision, _source.SizeBytes, null, []));

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> ExamineAsync(CancellationToken cancellationToken)
    {
        List<Finding> findings = [];
        string directory = Path.GetDirectoryName(_output)!;
        if (File.Exists(_output) && !File.Exists(JournalPath))
        {
            findings.Add(new Finding(
                "output-exists", FindingSeverity.Blocker, _output, "the output exists",
                "name another file with --out, or move this one away"));
        }

        if (!Directory.Exists(directory))
        {
            findings.Add(new Finding(
                "output-directory-missing", FindingSeverity.Blocker, _output, "the directory of the output does not exist",
                "create it, or name another file with --out"));
        }
        else if (!DurableFiles.IsWritable(directory))
        {
            findings.Add(new Finding(
                "output-not-writable", FindingSeverity.Blocker, _output, "there is no permission to write there",
                "name a file in a directory of yours with --out"));
        }

        return Task.FromResult<IReadOnlyList<Finding>>(findings);
    }

    /// <inheritdoc/>
    public Task<SpaceForecast> ForecastSpaceAsync(CancellationToken cancellationToken)
    {
        string directory = Path.GetDirectoryName(_output)!;
        long? available = Directory.Exists(directory) ? new DriveInfo(directory).AvailableFreeSpace : null;
        return Task.FromResult(new SpaceForecast(_source.SizeBytes, available, $"the file system of {directory}"));
    }

    /// <inheritdoc/>
    public async Task<MigrationJournal?> ReadJournalAsync(CancellationToken cancellationToken)
    {
        try
        {
            return JournalJson.DecodeJournal(await File.ReadAllBytesAsync(JournalPath, cancellationToken), JournalPath);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async Task<MigrationStamp?> ReadStampAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(_output))
        {
            return null;
        }

        try
        {
            using EtcdSnapshotFile output = await EtcdSnapshotFile.OpenAsync(_output, SnapshotIntegrity.VerifyHash, cancellationToken);
            await foreach (IReadOnlyList<StoredRecord> page in output.ReadByRevisionAsync(KeyRange.Prefix(_keys.Stamp), cancellationToken))
            {
                return JournalJson.Decode(page[0].Value.Span, JournalJson.Default.MigrationStamp, $"{_output} stamp");
            }
        }
        catch (OperatorException exception) when (exception.Id.StartsWith("snapshot-", StringComparison.Ordinal))
        {
            // No snapshot, so it is not a migrated one.
        }

        throw new OperatorException(
            "output-exists", _output, "the output exists and was not made by a migration",
            "name another file with --out, or move this one away");
    }

    /// <inheritdoc/>
    public async Task<FenceHolder?> ReadFenceAsync(CancellationToken cancellationToken)
    {
        try
        {
            // It opens, so its holder has died: what is left of it goes.
            await using FileStream file = new(LockPath, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            File.Delete(OwnerPath);
            File.Delete(LockPath);
            return null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (DirectoryNotFoundException)
        {
            return null;
        }
        catch (IOException)
        {
            return await ReadHolderAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async Task AcquireFenceAsync(string migrationId, CancellationToken cancellationToken)
    {
        try
        {
            // The lock goes with the process, however it ends.
            _lock = new FileStream(LockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (DirectoryNotFoundException exception)
        {
            throw new OperatorException(
                "output-directory-missing", _output, "the directory of the output does not exist",
                "create it, or name another file with --out", exception);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new OperatorException(
                "output-not-writable", _output, "there is no permission to write there", "name a file in a directory of yours with --out",
                exception);
        }
        catch (IOException exception)
        {
            FenceHolder? holder = await ReadHolderAsync(cancellationToken);
            throw new OperatorException(
                "fence-held",
                _output,
                $"another migration is writing it ({holder?.ToString() ?? exception.Message})",
                "wait until it ends, or name another file with --out",
                exception);
        }

        // Who holds it is told in a file of its own, since nobody else can open the locked one.
        FenceHolder self = FenceHolder.ThisProcess(migrationId, 1, _time);
        try
        {
            await DurableFile.WriteAsync(OwnerPath, JournalJson.Encode(self, JournalJson.Default.FenceHolder), cancellationToken);
        }
        catch (IOException)
        {
            // The lock is what counts. Without the name of its owner the next operator is told less, and that a disk is full will be told
            // by the first write that matters.
        }
    }

    /// <inheritdoc/>
    public async Task ReleaseFenceAsync()
    {
        if (_lock is not null)
        {
            File.Delete(OwnerPath);
            File.Delete(LockPath);
            await _lock.DisposeAsync();
            _lock = null;
        }
    }

    /// <inheritdoc/>
    public async Task WriteJournalAsync(MigrationJournal journal, CancellationToken cancellationToken)
    {
        RequireLock();
        await DurableFile.WriteAsync(JournalPath, JournalJson.Encode(journal, JournalJson.Default.MigrationJournal), cancellationToken);
    }

    /// <inheritdoc/>
    public Task RemoveJournalAsync(CancellationToken cancellationToken)
    {
        RequireLock();
        File.Delete(PartialPath);
        File.Delete(JournalPath);
        DurableFile.SyncDirectoryOf(JournalPath);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task SaveSourceAsync(Stream destination, CancellationToken cancellationToken)
    {
        await using FileStream source = new(
            _source.Path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20, FileOptions.SequentialScan | FileOptions.Asynchronous);
        await source.CopyToAsync(destination, 1 << 20, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<EtcdSnapshotFile> OpenSourceImageAsync(string copy, CancellationToken cancellationToken) =>
        Task.FromResult(_source.Share());

    /// <inheritdoc/>
    IRecordSource IMigrationTarget.OpenCurrent() => new SnapshotRecordSource(_source);

    /// <inheritdoc/>
    public IAsyncEnumerable<IReadOnlyList<StoredRecord>> ReadCurrentAsync(KeyRange range, CancellationToken cancellationToken) =>
        _source.ReadByRevisionAsync(range, cancellationToken);

    /// <inheritdoc/>
    async Task<OpenedSource> IMigrationTarget.OpenMigratedAsync(CancellationToken cancellationToken)
    {
        string path = File.Exists(_output) ? _output : PartialPath;
        EtcdSnapshotFile file = await EtcdSnapshotFile.OpenAsync(path, SnapshotIntegrity.VerifyHash, cancellationToken);
        _migrated?.Dispose();
        _migrated = file.Share();
        return new OpenedSource(new SnapshotRecordSource(file), range => file.ReadByRevisionAsync(range, cancellationToken), file);
    }

    /// <inheritdoc/>
    public async Task ApplyAsync(ApplyRequest request, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        RequireLock();
        File.Delete(PartialPath);
        FaultPoints.Reach("run.before-rewrite");
        await SnapshotRewriter.RewriteAsync(
            request.Source,
            PartialPath,
            record => Rewrite(request, record),
            () => AdditionsAsync(request, cancellationToken),
            progress is null ? null : new Increments(progress),
            cancellationToken);
        FaultPoints.Reach("run.after-rewrite");
    }

    /// <inheritdoc/>
    public async Task<MigrationJournal> StampAsync(MigrationStamp stamp, MigrationJournal journal, CancellationToken cancellationToken)
    {
        RequireLock();
        if (!File.Exists(_output))
        {
            File.Move(PartialPath, _output);
            DurableFile.SyncDirectoryOf(_output);
        }

        FaultPoints.Reach("stamp.after-rename");
        using EtcdSnapshotFile output = _migrated?.Share()
            ?? await EtcdSnapshotFile.OpenAsync(_output, SnapshotIntegrity.Trust, cancellationToken);
        MigrationJournal written = journal with { StampRevision = output.Revision, OutputSha256 = output.Sha256 };
        await WriteJournalAsync(written, cancellationToken);
        return written;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<LaterWrite>> FindLaterWritesAsync(
        ApplyRequest request, MigrationJournal journal, CancellationToken cancellationToken)
    {
        if (journal.OutputSha256 is null || !File.Exists(_output))
        {
            return [];
        }

        return await IsAsWrittenAsync(journal.OutputSha256, cancellationToken)
            ? []
            : [new LaterWrite(Encoding.UTF8.GetBytes(_output), "changed since the migration wrote it", default)];
    }

    /// <inheritdoc/>
    public Task UndoAsync(
        ApplyRequest request, IReadOnlyList<LaterWrite> laterWrites, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        RequireLock();
        File.Delete(PartialPath);
        FaultPoints.Reach("undo.before-delete");
        File.Delete(_output);
        DurableFile.SyncDirectoryOf(_output);
        FaultPoints.Reach("undo.after-delete");
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await ReleaseFenceAsync();
        _migrated?.Dispose();
        _source.Dispose();
    }

    private static RecordRewrite Rewrite(ApplyRequest request, in StoredRecord record)
    {
        if (!request.Classifier.IsDurable(record))
        {
            return RecordRewrite.Keep;
        }

        RecordChange change = request.Conversion.Convert(record);
        return change.Kind switch
        {
            RecordChangeKind.Keep => RecordRewrite.Keep,
            RecordChangeKind.Replace => RecordRewrite.Replace(change.Value),
            _ => RecordRewrite.Drop,
        };
    }

    private async IAsyncEnumerable<RecordWrite> AdditionsAsync(
        ApplyRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (RecordAddition addition in request.Conversion.AdditionsAsync(
            range => request.Source.ReadByRevisionAsync(range, cancellationToken), cancellationToken))
        {
            yield return RecordWrite.Put(addition.Key, addition.Value);
        }

        if (request.HasQuarantine)
        {
            await foreach (IReadOnlyList<StoredRecord> page in request.Source.ReadByRevisionAsync(KeyRange.All, cancellationToken))
            {
                foreach (StoredRecord record in page)
                {
                    if (request.Classifier.IsDurable(record) && request.Conversion.Convert(record).Kind == RecordChangeKind.Quarantine)
                    {
                        yield return RecordWrite.Put(_keys.Quarantined(record.Key.Span), record.Value);
                    }
                }
            }
        }

        yield return RecordWrite.Put(_keys.Stamp, JournalJson.Encode(request.Stamp, JournalJson.Default.MigrationStamp));
    }

    private async Task<bool> IsAsWrittenAsync(string sha256, CancellationToken cancellationToken)
    {
        try
        {
            using EtcdSnapshotFile output = await EtcdSnapshotFile.OpenAsync(_output, SnapshotIntegrity.VerifyHash, cancellationToken);
            return output.Sha256 == sha256;
        }
        catch (CorruptionException)
        {
            return false;
        }
    }

    private async Task<FenceHolder?> ReadHolderAsync(CancellationToken cancellationToken)
    {
        try
        {
            return JournalJson.Decode(
                await File.ReadAllBytesAsync(OwnerPath, cancellationToken), JournalJson.Default.FenceHolder, OwnerPath);
        }
        catch (Exception exception) when (exception is IOException or CorruptionException)
        {
            // Its holder is about to write it, or has just gone.
            return null;
        }
    }

    private void RequireLock()
    {
        if (_lock is null)
        {
            throw new InvalidOperationException("the output is not locked");
        }
    }

    /// <summary>Turns the running count that the rewriter tells into the increments that a phase counts.</summary>
    private sealed class Increments(IProgress<long> progress) : IProgress<long>
    {
        private long _told;

        public void Report(long value) => progress.Report(value - Interlocked.Exchange(ref _told, value));
    }
}
