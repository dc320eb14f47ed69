using Pachyderm.Errors;
using Pachyderm.Formats;
using Pachyderm.Metadata;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Releases;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Survey;
using Pachyderm.Migration.Targets;
using Pachyderm.ObjectStores;
using Pachyderm.Pfs;
using Pachyderm.RecordStores.Snapshot;
using Pachyderm.Storage.Content;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>
/// Carries a cluster of 1.4 or 1.5 into a data directory of this release: discover, plan, preflight, fence, run, verify, stamp. The source is
/// only read, so there is nothing to back up, and undoing it is dropping the directory. Killed at any point, <see cref="RunAsync"/> goes on.
/// </summary>
/// <param name="request">What the operator asks.</param>
/// <param name="observer">Is told how it gets on.</param>
/// <param name="time">The clock.</param>
public sealed class ClusterImport(ImportRequest request, IMigrationObserver observer, TimeProvider time)
{
    private readonly string data = Path.GetFullPath(request.Data);
    private readonly ClusterKeys keys = new(request.PfsPrefix, request.PpsPrefix);

    /// <summary>Looks at everything and changes nothing: what the cluster holds, the way, and every finding at once.</summary>
    /// <param name="target">The cluster's records.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<MigrationReport> CheckAsync(IMigrationTarget target, CancellationToken cancellationToken)
    {
        MigrationReport report = NewReport("check", target);
        using EtcdSnapshotFile image = await RequireFileAsync(target, cancellationToken);
        using SourceCluster source = await DiscoverAsync(image, report, cancellationToken);
        ImportJournal? journal = await ImportJournal.ReadAsync(data, cancellationToken);
        Conclude(report, await ExamineAsync(source, journal, report, cancellationToken));
        return report;
    }

    /// <summary>Imports, or goes on with an import that was interrupted.</summary>
    /// <param name="target">The cluster's records: a snapshot of its etcd, which is only read.</param>
    /// <param name="cancellationToken">Ends it; the next run goes on.</param>
    /// <exception cref="MigrationBlockedException">Findings stand in the way; nothing was written.</exception>
    /// <exception cref="MigrationFailedException">It began and failed; the message says what state the data is in.</exception>
    /// <exception cref="OperatorException">It could not begin; nothing was written.</exception>
    public async Task<MigrationReport> RunAsync(IMigrationTarget target, CancellationToken cancellationToken)
    {
        MigrationReport report = NewReport("import", target);
        ImportJournal? journal = await ImportJournal.ReadAsync(data, cancellationToken);
        if (journal?.Phase == MigrationPhase.Undoing)
        {
            throw new OperatorException("undo-under-way", data, "an undo of the import was interrupted", "run `pachctl migrate undo --data DIR` again");
        }
        using EtcdSnapshotFile image = await RequireFileAsync(target, cancellationToken);
        using SourceCluster source = await DiscoverAsync(image, report, cancellationToken);
        if (journal is not null)
        {
            RequireSame(journal, source);
        }
        if (journal?.Phase == MigrationPhase.Stamped)
        {
            (report.Result, report.Ended) = ("nothing-to-do", time.GetUtcNow());
            observer.Say($"{data} has been imported already");
            return report;
        }
        FindingList findings = await ExamineAsync(source, journal, report, cancellationToken);
        Conclude(report, findings);
        if (report.Result == "blocked")
        {
            throw new MigrationBlockedException(report, CountBlockers(findings));
        }
        DirectoryFence? fence = null;
        try
        {
            fence = DirectoryFence.Acquire(data);
            // Somebody may have come first between the first look and the fence.
            journal = await ImportJournal.ReadAsync(data, cancellationToken) ?? await BeginAsync(target, source, report, cancellationToken);
            FaultPoints.Reach("import.fenced");
            await CarryThroughAsync(source, journal, report, cancellationToken);
        }
        catch (Exception exception) when (fence is not null && exception is OperatorException or IOException)
        {
            report.Ended = time.GetUtcNow();
            throw new MigrationFailedException(
                report, exception, "the source is untouched, and what was made so far is kept",
                "then run the same command again, which goes on, or drop it with `pachctl migrate undo --data DIR`");
        }
        finally
        {
            fence?.Dispose();
        }
        (report.Result, report.Ended) = ("done", time.GetUtcNow());
        return report;
    }

    /// <summary>
    /// Drops what an import has made, from whatever phase, until it is final. What was written on this release since then is refused, or
    /// dropped if the request says so.
    /// </summary>
    /// <exception cref="OperatorException">There is no import to undo, or it is final, or writes would be lost.</exception>
    public async Task UndoAsync(CancellationToken cancellationToken)
    {
        ImportJournal journal = await RequireJournalAsync(cancellationToken);
        if (journal.Final)
        {
            throw new OperatorException("finalized", data, "the import is final", "keep the data, or remove the directory by hand");
        }
        using DirectoryFence fence = DirectoryFence.Acquire(data);
        if (journal.Phase == MigrationPhase.Stamped)
        {
            await RefuseLaterWritesAsync(journal, cancellationToken);
        }
        await (journal with { Phase = MigrationPhase.Undoing, Updated = time.GetUtcNow() }).WriteAsync(data, cancellationToken);
        FaultPoints.Reach("import.undoing");
        DataStores.RemoveStamp(data);
        FaultPoints.Reach("import.undo-unstamped");
        DataLayout.Remove(data);
        FaultPoints.Reach("import.undo-removed");
        File.Delete(ImportJournal.PathIn(data));
        DurableFiles.FlushDirectory(data);
    }

    /// <summary>Makes an import final: it cannot be undone any more.</summary>
    /// <exception cref="OperatorException">There is no import, or it has not ended.</exception>
    public async Task<ImportJournal> FinalizeAsync(CancellationToken cancellationToken)
    {
        ImportJournal journal = await RequireJournalAsync(cancellationToken);
        if (journal.Phase != MigrationPhase.Stamped)
        {
            throw new OperatorException("not-ended", data, "the import has not ended", "run the same `pachctl migrate` again, which goes on");
        }
        using DirectoryFence fence = DirectoryFence.Acquire(data);
        ImportJournal final = journal with { Final = true, Updated = time.GetUtcNow() };
        await final.WriteAsync(data, cancellationToken);
        await using DataStores stores = await DataStores.OpenAsync(data, readOnly: false, onFinding: null, cancellationToken);
        while (await stores.Metadata.WriteAsync(ImportProgress.RemoveSome, cancellationToken))
        {
            // A page at a time, so that no transaction grows with the cluster.
        }
        return final;
    }

    private async Task CarryThroughAsync(SourceCluster source, ImportJournal journal, MigrationReport report, CancellationToken cancellationToken)
    {
        DataStores stores = await DataStores.OpenForImportAsync(data, cancellationToken);
        try
        {
            if (journal.Phase < MigrationPhase.Ran)
            {
                journal = await AdvanceAsync(journal, MigrationPhase.Running, cancellationToken);
                ObjectCopy objects = new(new FileContents(stores.Chunks));
                await InPhaseAsync(report, "content", null, () => objects.RunAsync(source.Content, stores, observer, cancellationToken));
                FindingList findings = new();
                await InPhaseAsync(
                    report, "records", source.Inventory.RecordCount,
                    () => new RecordImport(source, stores, objects, observer).RunAsync(findings, cancellationToken));
                if (findings.Details.Count > 0)
                {
                    Conclude(report, findings);
                    Finding first = findings.Details[0];
                    throw new OperatorException(
                        first.Id, first.Thing, $"{first.Problem}; {CountBlockers(findings)} commits cannot be read, see the report", first.Remedy);
                }
                await stores.Chunks.SealAsync(cancellationToken);
                long last = await stores.Metadata.ReadAsync(static reader => reader.LastChange, cancellationToken);
                journal = await AdvanceAsync(journal with { LastChange = last }, MigrationPhase.Ran, cancellationToken);
                FaultPoints.Reach("import.ran");
            }
            if (journal.Phase < MigrationPhase.Verified)
            {
                ImportVerifier verifier = new(source, stores, observer);
                report.Import = await InPhaseAsync(
                    report, "verify", null,
                    () => verifier.RunAsync(request.Verification, data, journal.Copy ? "copied" : "adopted", cancellationToken));
                journal = await AdvanceAsync(journal, MigrationPhase.Verified, cancellationToken);
                FaultPoints.Reach("import.verified");
            }
        }
        finally
        {
            await stores.DisposeAsync();
        }
        DataStores.Stamp(data);
        FaultPoints.Reach("import.stamped");
        await AdvanceAsync(journal, MigrationPhase.Stamped, cancellationToken);
    }

    private async Task<ImportJournal> BeginAsync(
        IMigrationTarget target, SourceCluster source, MigrationReport report, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        ImportJournal journal = new()
        {
            Id = Guid.NewGuid().ToString("N"),
            From = report.From!,
            Phase = MigrationPhase.Fenced,
            Source = target.Location,
            SourceDigest = source.Inventory.Digest.ToString(),
            Storage = source.Content.RootPath,
            Copy = request.Copy,
            Quarantine = request.Quarantine,
            PfsPrefix = request.PfsPrefix,
            PpsPrefix = request.PpsPrefix,
            Started = now,
            Updated = now,
        };
        await journal.WriteAsync(data, cancellationToken);
        return journal;
    }

    private async Task<ImportJournal> AdvanceAsync(ImportJournal journal, MigrationPhase phase, CancellationToken cancellationToken)
    {
        ImportJournal next = journal with { Phase = phase, Updated = time.GetUtcNow() };
        await next.WriteAsync(data, cancellationToken);
        return next;
    }

    private async Task<SourceCluster> DiscoverAsync(EtcdSnapshotFile image, MigrationReport report, CancellationToken cancellationToken)
    {
        ClusterInventory inventory = await InPhaseAsync(
            report, "discover", null,
            () => SurveyRunner.RunAsync(new SnapshotRecordSource(image), keys, request.PfsPrefix, Progress(), cancellationToken));
        // The same rules by which an etcd is judged that is carried to the last 1.5; here that is but the way.
        MigrationPlan plan = MigrationPlan.Make(
            inventory, new MigrationRequest { BackupDirectory = "", From = request.From, To = MigrationPath.Newest, Quarantine = request.Quarantine },
            report.Store);
        SourceCluster source = await SourceCluster.OpenAsync(image, inventory, request, plan.From, cancellationToken);
        (report.From, report.To) = (plan.From.ToString(), MigrationPath.Native.ToString());
        report.Evidence = $"the data is of {inventory.Release}: {inventory.Release.Why}";
        report.Path = [.. source.Path.Legs.Select(static leg => leg.ToString())];
        report.Before = StoreInventories.Of(inventory);
        return source;
    }

    private async Task<FindingList> ExamineAsync(
        SourceCluster source, ImportJournal? journal, MigrationReport report, CancellationToken cancellationToken)
    {
        FindingList findings = new();
        findings.AddAll(source.Inventory.Findings);
        source.Examine(findings);
        await RecordImport.ExamineAsync(source, findings, cancellationToken);
        if (journal is null && DataLayout.FindObstacle(data) is { } obstacle)
        {
            findings.Add(obstacle);
        }
        report.Space = await DataLayout.ForecastAsync(data, source, request.Copy, cancellationToken);
        if (report.Space.AvailableBytes < report.Space.NeededBytes)
        {
            findings.Add(new Finding(
                "space", FindingSeverity.Blocker, report.Space.Where,
                $"{report.Space.NeededBytes} bytes may be needed and {report.Space.AvailableBytes} are free", "make room, or name a directory on another disk with --data"));
        }
        return findings;
    }

    private void RequireSame(ImportJournal journal, SourceCluster source)
    {
        if (journal.SourceDigest != source.Inventory.Digest.ToString() || journal.Storage != source.Content.RootPath
            || (journal.Copy, journal.Quarantine, journal.PfsPrefix, journal.PpsPrefix) != (request.Copy, request.Quarantine, request.PfsPrefix, request.PpsPrefix))
        {
            throw new OperatorException(
                "other-import", data, $"an import of {journal.Source} with the content of {journal.Storage} was begun or made there",
                "name the same source, storage and options to go on, or another directory with --data");
        }
    }

    private async Task RefuseLaterWritesAsync(ImportJournal journal, CancellationToken cancellationToken)
    {
        await using DataStores stores = await DataStores.OpenAsync(data, readOnly: false, onFinding: null, cancellationToken);
        IReadOnlyList<Change> later = await stores.Metadata.ReadAsync(
            reader => LaterChanges(reader, journal.LastChange), cancellationToken);
        if (later.Count > 0 && !request.DiscardLaterWrites)
        {
            string names = string.Join(", ", later.Take(5).Select(static change => $"{change.Kind} {change.Repo}{(change.Commit is null ? "" : "/" + change.Commit)}"));
            throw new OperatorException(
                "later-writes", data, $"{(later.Count == 1 ? "a change was" : $"{later.Count} changes were")} made since the import ({names}{(later.Count > 5 ? ", ..." : "")})",
                "copy what is needed, then undo with --discard-later-writes");
        }
    }

    private static IReadOnlyList<Change> LaterChanges(IMetadataReader reader, long after)
    {
        const int Limit = 1_000;
        try
        {
            return reader.ListChanges(after, Limit);
        }
        catch (ChangesTrimmedException)
        {
            return reader.ListChanges(reader.LastChange - Limit, Limit);
        }
    }

    private async Task<ImportJournal> RequireJournalAsync(CancellationToken cancellationToken) =>
        await ImportJournal.ReadAsync(data, cancellationToken)
        ?? throw new OperatorException("no-import", data, "no import was made there", "name the directory that was given with --data");

    private static Task<EtcdSnapshotFile> RequireFileAsync(IMigrationTarget target, CancellationToken cancellationToken) =>
        target.NeedsSourceCopy
            ? throw new OperatorException(
                "snapshot-needed", target.Location, "an import reads a snapshot of etcd", "save one with `etcdctl snapshot save FILE` and name it with --snapshot")
            : target.OpenSourceImageAsync("", cancellationToken);

    private void Conclude(MigrationReport report, FindingList findings)
    {
        report.FindingCounts = [.. findings.Counts.OrderByDescending(static pair => pair.Value.Severity).ThenBy(static pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => new FindingCount(pair.Key, pair.Value.Severity, pair.Value.Count, IsAccepted(pair.Key)))];
        report.Findings = [.. findings.Details.OrderByDescending(static finding => finding.Severity).ThenBy(static finding => finding.Id, StringComparer.Ordinal)];
        report.Result = CountBlockers(findings) == 0 ? "ready" : "blocked";
        report.Ended = time.GetUtcNow();
    }

    private long CountBlockers(FindingList findings) =>
        findings.Counts.Where(pair => pair.Value.Severity == FindingSeverity.Blocker && !IsAccepted(pair.Key)).Sum(static pair => pair.Value.Count);

    private bool IsAccepted(string findingId) => findingId == "bad-record"
        ? request.Quarantine
        : MigrationRequest.Acceptable.Contains(findingId, StringComparer.Ordinal) && request.Accepted.Contains(findingId);

    private MigrationReport NewReport(string action, IMigrationTarget target) => new()
    {
        Action = action,
        Result = "failed",
        Program = MigrationEngine.ProgramVersion,
        Store = target.Location,
        PfsPrefix = request.PfsPrefix,
        PpsPrefix = request.PpsPrefix,
        Started = time.GetUtcNow(),
    };

    private Progress Progress() => new(observer);

    private async Task<T> InPhaseAsync<T>(MigrationReport report, string phase, long? total, Func<Task<T>> work)
    {
        observer.PhaseStarted(phase, total);
        long started = time.GetTimestamp();
        T result = await work();
        report.Seconds[phase] = Math.Round(time.GetElapsedTime(started).TotalSeconds, 3);
        observer.PhaseEnded(phase);
        return result;
    }

    private Task<bool> InPhaseAsync(MigrationReport report, string phase, long? total, Func<Task> work) => InPhaseAsync(
        report, phase, total,
        async () =>
        {
            await work();
            return true;
        });
}

/// <summary>Passes progress on.</summary>
/// <param name="observer">Is told.</param>
internal sealed class Progress(IMigrationObserver observer) : IProgress<long>
{
    /// <inheritdoc/>
    public void Report(long value) => observer.Advanced(value);
}
