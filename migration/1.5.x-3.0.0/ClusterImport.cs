using Pachyderm.Errors;
using Pachyderm.Formats;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Releases;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Survey;
using Pachyderm.Migration.Targets;
using Pachyderm.ObjectStores;
using Pachyderm.Pfs;
using Pachyderm.Storage.Content;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>
/// Carries a cluster of 1.4 or 1.5 into a data directory of this release: discover, plan, preflight, fence, run, verify, stamp. The source
/// is
/// only read, so there is nothing to back up, and undoing it is dropping the directory. Killed at any point, <see cref="RunAsync"/> goes
/// on.
/// </summary>
/// <param name="request">What the operator asks.</param>
/// <param name="observer">Is told how it gets on.</param>
/// <param name="time">The clock.</param>
public sealed partial class ClusterImport(ImportRequest request, IMigrationObserver observer, TimeProvider time)
{
    private readonly string data = Path.GetFullPath(request.Data);
    private readonly ClusterKeys keys = new(request.PfsPrefix, request.PpsPrefix);

    // The live etcd that the operator names; null for a snapshot file, and if an import goes on without being told.
    private StoreAddress? LiveSource => request.Source is { Snapshot: null } address ? address : null;

    /// <summary>Looks at everything and changes nothing: what the cluster holds, the way, and every finding at once.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="OperatorException">The source cannot be read.</exception>
    public async Task<MigrationReport> CheckAsync(CancellationToken cancellationToken)
    {
        ImportJournal? journal = await ImportJournal.ReadAsync(data, cancellationToken);
        using SourceImage image = await SourceImage.OpenAsync(request.Source, data, journal, time, cancellationToken);
        MigrationReport report = NewReport("check", image.Location);
        using SourceCluster source = await DiscoverAsync(image, report, cancellationToken);
        FindingList findings = await ExamineAsync(image, source, journal, report, cancellationToken);
        await InPhaseAsync(report, "content", null, () => ContentCheck.RunAsync(source, findings, observer, cancellationToken));
        Conclude(report, findings);
        return report;
    }

    /// <summary>Imports, or goes on with an import that was interrupted.</summary>
    /// <param name="cancellationToken">Ends it; the next run goes on.</param>
    /// <exception cref="MigrationBlockedException">Findings stand in the way; nothing was written.</exception>
    /// <exception cref="MigrationFailedException">It began and failed; the message says what state the data is in.</exception>
    /// <exception cref="OperatorException">It could not begin; nothing was written.</exception>
    public async Task<MigrationReport> RunAsync(CancellationToken cancellationToken)
    {
        ImportJournal? journal = await ImportJournal.ReadAsync(data, cancellationToken);
        if (journal?.Phase == MigrationPhase.Undoing)
        {
            throw new OperatorException(
                "undo-under-way", data, "an undo of the import was interrupted", "run `pachctl migrate undo --data DIR` again");
        }
        using SourceImage image = await SourceImage.OpenAsync(request.Source, data, journal, time, cancellationToken);
        MigrationReport report = NewReport("import", image.Location);
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
        FindingList findings = await ExamineAsync(image, source, journal, report, cancellationToken);
        Conclude(report, findings);
        if (report.Result == "blocked")
        {
            throw new MigrationBlockedException(report, CountBlockers(findings));
        }
        using DirectoryFence fence = DirectoryFence.Acquire(data);
        // Somebody may have come first between the first look and the fence.
        journal = await ImportJournal.ReadAsync(data, cancellationToken) ?? await BeginAsync(image, source, report, cancellationToken);
        RequireSame(journal, source);
        report = report with { MigrationId = journal.Id };
        FaultPoints.Reach("import.fenced");
        try
        {
            SourceChanges? changes = IsAccepted(SourceChanges.FindingId) || (LiveSource ?? journal.Live) is not { } live
                ? null
                : new SourceChanges(live, keys, image.File, time);
            await CarryThroughAsync(source, journal, changes, findings, report, cancellationToken);
        }
        catch (Exception exception) when (exception is OperatorException || StorageErrors.IsStorageFailure(exception))
        {
            report.Ended = time.GetUtcNow();
            throw new MigrationFailedException(
                report, exception, "the source is untouched, and what was made so far is kept",
                $"{(exception as OperatorException)?.Remedy ?? "put that right"}; then run the same command again, which goes on, or "
                    + $"drop it with `pachctl migrate undo --data DIR`");
        }
        Conclude(report, findings);
        (report.Result, report.Ended) = ("done", time.GetUtcNow());
        return report;
    }

    /// <summary>Goes on with an import that was interrupted, with what it knows itself.</summary>
    /// <param name="cancellationToken">Ends it; the next run goes on.</param>
    /// <exception cref="OperatorException">As for <see cref="RunAsync"/>; or none was begun.</exception>
    public async Task<MigrationReport> ResumeAsync(CancellationToken cancellationToken)
    {
        ImportRequest original = OriginalRequest(await RequireJournalAsync(cancellationToken));
        return await new ClusterImport(original, observer, time).RunAsync(cancellationToken);
    }

    /// <summary>
    /// Compares a data directory with its source again, until the import is final. What has been written since is left out: trees of
    /// commits
    /// never change.
    /// </summary>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="OperatorException"><c>verification-failed</c>: something differs; or the import is final, or not there.</exception>
    public async Task<MigrationReport> VerifyAsync(CancellationToken cancellationToken)
    {
        ImportJournal journal = await RequireJournalAsync(cancellationToken);
        if (journal.Phase != MigrationPhase.Stamped || journal.Final)
        {
            throw journal.Final ? new OperatorException("finalized", data, "the import is final and its source forgotten", "run `pachctl fsck` on the server")
                : NotEnded();
        }
        ImportRequest original = OriginalRequest(journal);
        using SourceImage image = await SourceImage.OpenAsync(null, data, journal, time, cancellationToken);
        MigrationReport report = NewReport("verify", image.Location);
        using SourceCluster source = await new ClusterImport(original, observer, time).DiscoverAsync(image, report, cancellationToken);
        RequireSame(journal, source);
        await using DataStores stores = await DataStores.OpenAsync(data, readOnly: true, onFinding: null, cancellationToken);
        await VerifyAsync(journal, source, stores, isFresh: false, report, cancellationToken);
        (report.Result, report.Ended) = ("done", time.GetUtcNow());
        return report;
    }

    private async Task CarryThroughAsync(
        SourceCluster source, ImportJournal journal, SourceChanges? changes, FindingList findings, MigrationReport report,
        CancellationToken cancellationToken)
    {
        DataStores stores = await DataStores.OpenForImportAsync(data, journal.Copy ? null : journal.Storage, cancellationToken);
        try
        {
            if (journal.Phase < MigrationPhase.Ran)
            {
                journal = await AdvanceAsync(journal, MigrationPhase.Running, cancellationToken);
                await CarryAsync(source, journal, stores, findings, report, cancellationToken);
                long last = await stores.Metadata.WriteAsync(
                    static writer =>
                    {
                        LaterWrites.Begin(writer);
                        return writer.LastChange;
                    },
                    cancellationToken);
                journal = await AdvanceAsync(journal with { LastChange = last }, MigrationPhase.Ran, cancellationToken);
                FaultPoints.Reach("import.ran");
            }
            if (journal.Phase < MigrationPhase.Verified)
            {
                await VerifyAsync(journal, source, stores, isFresh: true, report, cancellationToken);
                journal = await AdvanceAsync(journal, MigrationPhase.Verified, cancellationToken);
                FaultPoints.Reach("import.verified");
            }
        }
        finally
        {
            await stores.DisposeAsync();
        }
        await RefuseChangesAsync(changes, cancellationToken);
        DataStores.Stamp(data);
        FaultPoints.Reach("import.stamped");
        try
        {
            await RefuseChangesAsync(changes, cancellationToken);
        }
        catch (OperatorException)
        {
            // Somebody slipped in between the look and the stamp: it was not deserved.
            DataStores.RemoveStamp(data);
            throw;
        }
        await AdvanceAsync(journal, MigrationPhase.Stamped, cancellationToken);
    }

    // What the source is not any more when it is stamped would be lost with it.
    private static Task RefuseChangesAsync(SourceChanges? changes, CancellationToken cancellationToken) =>
        changes is null ? Task.CompletedTask : changes.RefuseAsync(cancellationToken);

    private async Task CarryAsync(
        SourceCluster source, ImportJournal journal, DataStores stores, FindingList findings, MigrationReport report,
        CancellationToken cancellationToken)
    {
        FindingList damage = new();
        ObjectImport objects = journal.Copy
            ? new ObjectCopy(new FileContents(stores.Chunks))
            : new ObjectAdoption(stores.Chunks, source.Content);
        await InPhaseAsync(report, "content", null, () => objects.RunAsync(source.Content, stores, observer, findings, cancellationToken));
        await InPhaseAsync(
            report, "records", source.Inventory.RecordCount,
            () => new RecordImport(source, stores, objects, observer).RunAsync(damage, cancellationToken));
        if (damage.Details.Count > 0)
        {
            await ObjectImport.BeginAgainAsync(stores, cancellationToken);
            findings.AddAll(damage);
            Conclude(report, findings);
            Finding first = damage.Details[0];
            long count = CountBlockers(damage);
            throw new OperatorException(
                first.Id, first.Thing, $"{first.Problem}{(count == 1 ? "" : $"; {count} commits in all cannot be read, see the report")}",
                first.Remedy);
        }
        await stores.Chunks.SealAsync(cancellationToken);
    }

    private async Task VerifyAsync(
        ImportJournal journal, SourceCluster source, DataStores stores, bool isFresh, MigrationReport report,
        CancellationToken cancellationToken)
    {
        ImportVerifier verifier = new(source, stores, isFresh, observer);
        VerifiedImport verified = await InPhaseAsync(
            report, "verify", source.Inventory.RecordCount, () => verifier.RunAsync(request.Verification, cancellationToken));
        report.Import = new ImportSummary(
            data, journal.Copy ? "copied" : "adopted", request.Verification.ToString(), verified.Files, verified.Bytes, verified.Repos);
    }

    private async Task<ImportJournal> BeginAsync(
        SourceImage image, SourceCluster source, MigrationReport report, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        ImportJournal journal = new()
        {
            Id = Guid.NewGuid().ToString("N"),
            From = report.From!,
            Phase = MigrationPhase.Fenced,
            Source = image.Location,
            Etcd = request.Source?.Etcd,
            Namespace = request.Source?.Namespace,
            Snapshot = image.Keep(data),
            SourceDigest = source.Inventory.Digest.ToString(),
            Storage = source.Content.RootPath,
            Copy = request.Copy,
            Quarantine = request.Quarantine,
            Accepted = [.. request.Accepted.Order(StringComparer.Ordinal)],
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

    private async Task<SourceCluster> DiscoverAsync(SourceImage image, MigrationReport report, CancellationToken cancellationToken)
    {
        ClusterInventory inventory = await InPhaseAsync(
            report, "discover", null,
            () => SurveyRunner.RunAsync(
                new SnapshotRecordSource(image.File), keys, request.PfsPrefix, new Progress(observer), cancellationToken));
        // The same rules by which an etcd is judged that is carried to the last 1.5; here that is but the way.
        MigrationPlan plan = MigrationPlan.Make(
            inventory, new MigrationRequest
            {
                BackupDirectory = "",
                From = request.From,
                To = MigrationPath.Newest,
                Quarantine = request.Quarantine,
            },
            report.Store);
        SourceCluster source = await SourceCluster.OpenAsync(image.File, inventory, request, plan.From, cancellationToken);
        (report.From, report.To) = (plan.From.ToString(), MigrationPath.Native.ToString());
        report.Evidence = $"the data is of {inventory.Release}: {inventory.Release.Why}";
        report.Path = [.. source.Path.Legs.Select(static leg => leg.ToString())];
        report.Before = StoreInventories.Of(inventory);
        return source;
    }

    private async Task<FindingList> ExamineAsync(
        SourceImage image, SourceCluster source, ImportJournal? journal, MigrationReport report, CancellationToken cancellationToken)
    {
        FindingList findings = new();
        findings.AddAll(source.Inventory.Findings);
        foreach (Finding finding in image.Findings)
        {
            findings.Add(finding);
        }
        source.Examine(findings);
        long lists = Count(RecordKind.AuthAcl) + Count(RecordKind.AuthAdmin);
        if (lists > 0)
        {
            findings.Add(new Finding(
                "access-control", FindingSeverity.Blocker, $"{lists} access control lists and administrators",
                "this release has no authentication: whoever reaches pachd could read and write everything",
                "keep people away from pachd by other means, then accept it with --accept access-control"));
        }
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
                $"{report.Space.NeededBytes} bytes may be needed and {report.Space.AvailableBytes} are free",
                "make room, or name a directory on another disk with --data"));
        }
        return findings;

        long Count(RecordKind kind) => source.Inventory.Totals.TryGetValue(kind, out RecordTotals? totals) ? totals.Count : 0;
    }

    private void RequireSame(ImportJournal journal, SourceCluster source)
    {
        if (journal.SourceDigest != source.Inventory.Digest.ToString() || journal.Storage != source.Content.RootPath)
        {
            throw new OperatorException(
                "other-import", data,
                $"an import of {journal.Source} with the content of {journal.Storage} was begun or made there, and that is not this one",
                "name the same source and storage to go on, or another directory with --data");
        }
        if (request.Source is not null
            && (journal.Copy, journal.Quarantine, journal.PfsPrefix, journal.PpsPrefix) != (request.Copy, request.Quarantine, request.PfsPrefix, request.PpsPrefix))
        {
            throw new OperatorException(
                "other-import", data,
                $"its import was begun {(journal.Copy ? "with" : "without")} --copy, {(journal.Quarantine ? "with" : "without")} "
                    + $"--quarantine",
                "give the same options, go on with `pachctl migrate resume --data DIR`, or name another directory with --data");
        }
    }

    private ImportRequest OriginalRequest(ImportJournal journal) => request with
    {
        Source = null,
        Storage = journal.Storage,
        From = null,
        Copy = journal.Copy,
        Quarantine = journal.Quarantine,
        Accepted = journal.Accepted.ToHashSet(StringComparer.Ordinal),
        PfsPrefix = journal.PfsPrefix,
        PpsPrefix = journal.PpsPrefix,
    };

    private async Task<ImportJournal> RequireJournalAsync(CancellationToken cancellationToken) =>
        await ImportJournal.ReadAsync(data, cancellationToken)
        ?? throw new OperatorException("no-import", data, "no import was made there", "name the directory that was given with --data");

    private OperatorException NotEnded() =>
        new("not-ended", data, "the import has not ended", "run `pachctl migrate resume --data DIR`, which goes on");

    private void Conclude(MigrationReport report, FindingList findings)
    {
        report.FindingCounts =
        [
            .. findings.Counts
                .OrderByDescending(static pair => pair.Value.Severity)
                .ThenBy(static pair => pair.Key, StringComparer.Ordinal)
                .Select(pair => new FindingCount(pair.Key, pair.Value.Severity, pair.Value.Count, IsAccepted(pair.Key))),
        ];
        report.Findings =
        [
            .. findings.Details
                .OrderByDescending(static finding => finding.Severity)
                .ThenBy(static finding => finding.Id, StringComparer.Ordinal),
        ];
        report.Result = CountBlockers(findings) == 0 ? "ready" : "blocked";
        report.Ended = time.GetUtcNow();
    }

    private long CountBlockers(FindingList findings) =>
        findings.Counts.Where(pair => pair.Value.Severity == FindingSeverity.Blocker && !IsAccepted(pair.Key))
            .Sum(static pair => pair.Value.Count);

    private bool IsAccepted(string findingId) => findingId == "bad-record"
        ? request.Quarantine
        : MigrationRequest.Acceptable.Contains(findingId, StringComparer.Ordinal) && request.Accepted.Contains(findingId);

    private MigrationReport NewReport(string action, string location) => new()
    {
        Action = action,
        Result = "failed",
        Program = MigrationEngine.ProgramVersion,
        Store = location,
        PfsPrefix = request.PfsPrefix,
        PpsPrefix = request.PpsPrefix,
        Started = time.GetUtcNow(),
    };

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

    /// <summary>Passes progress on.</summary>
    private sealed class Progress(IMigrationObserver observer) : IProgress<long>
    {
        public void Report(long value) => observer.Advanced(value);
    }
}
