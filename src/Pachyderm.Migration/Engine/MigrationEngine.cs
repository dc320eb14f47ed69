using Pachyderm.Errors;
using Pachyderm.Formats;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Releases;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Survey;
using Pachyderm.Migration.Targets;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Engine;

/// <summary>
/// Carries a store from one release to another: discover, plan, preflight, fence, back up, run, verify, stamp, unfence. Every phase is
/// journaled in the store that it changes; killed at any point, <see cref="RunAsync"/> goes on where it stopped, and
/// <see cref="UndoAsync"/> puts back what was there.
/// </summary>
/// <param name="target">The store.</param>
/// <param name="request">What the operator asks.</param>
/// <param name="observer">Is told how it gets on.</param>
/// <param name="time">The clock.</param>
public sealed partial class MigrationEngine(
    IMigrationTarget target, MigrationRequest request, IMigrationObserver observer, TimeProvider time)
{
    private readonly ClusterKeys _keys = new(request.PfsPrefix, request.PpsPrefix);

    /// <summary>Version of this program, as reports and stamps name it.</summary>
    public static string ProgramVersion { get; } =
        typeof(MigrationEngine).Assembly.GetName().Version is { } version ? $"pachctl {version.ToString(3)}" : "pachctl";

    /// <summary>
    /// Looks at everything and changes nothing: what the store holds, the way, every finding at once, and what would change.
    /// Safe on a live cluster.
    /// </summary>
    public async Task<MigrationReport> CheckAsync(CancellationToken cancellationToken)
    {
        MigrationReport report = NewReport("check");
        (MigrationPlan plan, FindingList findings) = await PlanAsync(target.OpenCurrent(), forecast: true, report, cancellationToken);
        if (await DescribeUnderWayAsync(cancellationToken) is { } finding)
        {
            findings.Add(finding);
        }

        Conclude(report, findings);
        if (report.Result == "ready" && (plan.Conversion is null || plan.From.CompareTo(plan.To) == 0))
        {
            report.Result = "nothing-to-do";
        }

        return report;
    }

    /// <summary>Migrates, or goes on with a migration that was interrupted.</summary>
    /// <exception cref="MigrationBlockedException">Findings stand in the way; nothing was written.</exception>
    /// <exception cref="MigrationFailedException">It began and failed; the message says what state the data is in.</exception>
    /// <exception cref="OperatorException">It could not begin; nothing was written.</exception>
    public async Task<MigrationReport> RunAsync(CancellationToken cancellationToken)
    {
        MigrationJournal? journal = await target.ReadJournalAsync(cancellationToken);
        if (journal is not null)
        {
            return await ContinueAsync(journal, cancellationToken);
        }

        MigrationReport report = NewReport("migrate");
        if (await target.ReadStampAsync(cancellationToken) is { } stamp && IsReached(stamp.Release))
        {
            return AlreadyThere(report, stamp.From, stamp.Release);
        }

        (MigrationPlan plan, FindingList findings) = await PlanAsync(target.OpenCurrent(), forecast: false, report, cancellationToken);
        Conclude(report, findings);
        if (report.Result == "blocked")
        {
            throw new MigrationBlockedException(report, CountBlockers(findings));
        }

        if (plan.Conversion is null || plan.From.CompareTo(plan.To) == 0)
        {
            return AlreadyThere(report, plan.From.ToString(), plan.To.ToString());
        }

        string id = Guid.NewGuid().ToString("N");
        await target.AcquireFenceAsync(id, cancellationToken);
        try
        {
            // Somebody may have come first between the first look and the fence.
            if (await target.ReadJournalAsync(cancellationToken) is not null)
            {
                throw new OperatorException(
                    "migration-under-way", target.Location, "another migration was begun a moment ago",
                    "see `pachctl migrate status`, then resume or undo it");
            }

            DateTimeOffset now = time.GetUtcNow();
            journal = new MigrationJournal
            {
                Id = id,
                From = plan.From.ToString(),
                To = plan.To.ToString(),
                Step = plan.Step!.Folder,
                Phase = MigrationPhase.Fenced,
                PfsPrefix = request.PfsPrefix,
                PpsPrefix = request.PpsPrefix,
                Accepted = [.. request.Accepted.Order(StringComparer.Ordinal)],
                Quarantine = request.Quarantine,
                Storage = request.Storage is null ? null : Path.GetFullPath(request.Storage),
                BackupRepository = Path.GetFullPath(request.BackupDirectory),
                PlanDigest = plan.Digest(request),
                DigestBefore = plan.Inventory.Digest.ToString(),
                Started = now,
                Updated = now,
            };
            FaultPoints.Reach("fence.held");
            return await CarryThroughAsync(journal, plan, report, cancellationToken);
        }
        finally
        {
            await target.ReleaseFenceAsync();
        }
    }

    /// <summary>Goes on with a migration that was interrupted.</summary>
    /// <exception cref="OperatorException">There is none.</exception>
    public async Task<MigrationReport> ResumeAsync(CancellationToken cancellationToken) =>
        await ContinueAsync(await RequireJournalAsync(cancellationToken), cancellationToken);

    /// <summary>What the store knows of migrations: the journal of one under way, the stamp of one done, the holder of the fence.</summary>
    public async Task<(
        MigrationJournal? Journal, MigrationStamp? Stamp, FenceHolder? Fence)> GetStatusAsync(CancellationToken cancellationToken) => (
        await target.ReadJournalAsync(cancellationToken),
        await target.ReadStampAsync(cancellationToken),
        await target.ReadFenceAsync(cancellationToken));

    private async Task<MigrationReport> ContinueAsync(MigrationJournal journal, CancellationToken cancellationToken)
    {
        MigrationReport report = NewReport("resume", journal.Id);
        (report.From, report.To) = (journal.From, journal.To);
        if (request.To is { } to && to.Plain.ToString() != journal.To && journal.Phase != MigrationPhase.Stamped)
        {
            throw new OperatorException(
                "migration-under-way", target.Location, $"a migration from {journal.From} to {journal.To} is under way, not to {to}",
                "resume or undo it first");
        }

        if (journal.Phase == MigrationPhase.Stamped)
        {
            return request.To is null || IsReached(journal.To)
                ? AlreadyThere(report, journal.From, journal.To)
                : throw new OperatorException(
                    "not-finalized",
                    target.Location,
                    $"the migration to {journal.To} is done and can still be undone",
                    "run `pachctl migrate finalize` to keep it, or `pachctl migrate undo`, before the next one");
        }

        if (journal.Phase == MigrationPhase.Undoing)
        {
            throw new OperatorException(
                "undo-under-way", target.Location, "an undo of the migration was interrupted", "run `pachctl migrate undo` again");
        }

        await target.AcquireFenceAsync(journal.Id, cancellationToken);
        try
        {
            observer.Say($"resuming the migration from {journal.From} to {journal.To}, which came to the phase {journal.Phase}");
            return await CarryThroughAsync(journal, known: null, report, cancellationToken);
        }
        finally
        {
            await target.ReleaseFenceAsync();
        }
    }

    private async Task<(MigrationPlan Plan, FindingList Findings)> PlanAsync(
        IRecordSource source, bool forecast, MigrationReport report, CancellationToken cancellationToken)
    {
        RecordStoreStatus status = await target.GetStatusAsync(cancellationToken);
        ClusterInventory inventory = await InPhaseAsync(
            report, "discover", null, () => SurveyRunner.RunAsync(source, _keys, request.PfsPrefix, Progress(), cancellationToken));
        (report.From, report.Evidence) = (inventory.Release.ToString(), $"the data is of {inventory.Release}: {inventory.Release.Why}");
        report.Before = StoreInventories.Of(inventory);
        MigrationPlan plan = MigrationPlan.Make(inventory, request, target.Location);
        (report.From, report.To) = (plan.From.ToString(), plan.To.ToString());
        report.Path = [.. plan.Path.Legs.Select(leg => leg.ToString())];
        report.PlanDigest = plan.Digest(request);

        FindingList findings = new();
        findings.AddAll(inventory.Findings);
        plan.Step?.Examine(inventory, MigrationPlan.OptionsOf(request, plan.To), findings);
        await AddPreflightFindingsAsync(status, report, findings, cancellationToken);
        if (forecast && plan.Conversion is not null)
        {
            // Unreadable records are findings; the forecast counts them as set aside.
            IRecordConversion lenient = plan.Step!.Prepare(inventory, MigrationPlan.OptionsOf(request, plan.To) with { Quarantine = true });
            ChangeTally tally = await InPhaseAsync(
                report,
                "plan",
                inventory.RecordCount,
                () => Tallying.RunAsync(
                    source, CurrentReader(cancellationToken), inventory.Classifier, lenient, audit: false, Progress(), cancellationToken));
            plan = plan with { Tally = tally };
            Describe(report, lenient, tally);
            report.After = StoreInventories.Of(tally);
        }

        return (plan, findings);
    }

    private async Task AddPreflightFindingsAsync(
        RecordStoreStatus status, MigrationReport report, FindingList findings, CancellationToken cancellationToken)
    {
        foreach (string alarm in status.Alarms)
        {
            findings.Add(new Finding(
                "alarm", FindingSeverity.Blocker, target.Location, $"the alarm {alarm} is raised",
                "compact and defragment etcd, then `etcdctl alarm disarm`"));
        }

        SpaceForecast space = await target.ForecastSpaceAsync(cancellationToken);
        report.Space = new SpaceSummary(space.NeededBytes, space.AvailableBytes, space.Where);
        if (space.AvailableBytes < space.NeededBytes)
        {
            findings.Add(new Finding(
                "space",
                FindingSeverity.Blocker,
                space.Where,
                $"{space.NeededBytes} bytes may be needed and {space.AvailableBytes} are free",
                "make room: compact and defragment etcd or raise its quota; free the disk"));
        }

        foreach (Finding finding in await target.ExamineAsync(cancellationToken))
        {
            findings.Add(finding);
        }

        findings.AddAll(BackupDirectory.Examine(request.BackupDirectory, status));
        await AddNamedBackupFindingAsync(findings, cancellationToken);
        await AddContentFindingsAsync(findings, cancellationToken);
    }

    private void Conclude(MigrationReport report, FindingList findings)
    {
        report.FindingCounts =
        [
            .. findings.Counts
                .OrderByDescending(pair => pair.Value.Severity)
                .ThenBy(pair => pair.Key, StringComparer.Ordinal)
                .Select(pair => new FindingCount(pair.Key, pair.Value.Severity, pair.Value.Count, IsAccepted(pair.Key))),
        ];
        report.Findings =
        [
            .. findings.Details.OrderByDescending(finding => finding.Severity).ThenBy(finding => finding.Id, StringComparer.Ordinal),
        ];
        report.Result = CountBlockers(findings) == 0 ? "ready" : "blocked";
        report.Ended = time.GetUtcNow();
    }

    private long CountBlockers(FindingList findings) =>
        findings.Counts.Where(pair => pair.Value.Severity == FindingSeverity.Blocker && !IsAccepted(pair.Key))
            .Sum(pair => pair.Value.Count);

    private bool IsAccepted(string findingId) => findingId == "bad-record"
        ? request.Quarantine
        : MigrationRequest.Acceptable.Contains(findingId, StringComparer.Ordinal) && request.Accepted.Contains(findingId);

    private async Task<Finding?> DescribeUnderWayAsync(CancellationToken cancellationToken)
    {
        if (await target.ReadJournalAsync(cancellationToken) is not { } journal || journal.Phase == MigrationPhase.Stamped)
        {
            return null;
        }

        return new Finding(
            "migration-under-way",
            FindingSeverity.Blocker,
            target.Location,
            $"a migration from {journal.From} to {journal.To} stopped in the phase {journal.Phase}",
            "run `pachctl migrate resume` or `pachctl migrate undo`");
    }

    private async Task<MigrationJournal> RequireJournalAsync(CancellationToken cancellationToken) =>
        await target.ReadJournalAsync(cancellationToken)
        ?? throw new OperatorException("no-migration", target.Location, "no migration is under way or open to undo", "see `pachctl migrate status`");

    private MigrationReport AlreadyThere(MigrationReport report, string from, string to)
    {
        (report.From, report.To) = (from, to);
        report.Result = "nothing-to-do";
        report.Ended = time.GetUtcNow();
        observer.Say($"{target.Location} is already at {to}");
        return report;
    }

    private bool IsReached(string release) =>
        ReleaseVersion.TryParse(release, out ReleaseVersion at) && at.CompareTo(request.To ?? MigrationPath.Newest) == 0;

    private MigrationReport NewReport(string action, string? id = null) => new()
    {
        Action = action,
        MigrationId = id,
        Result = "failed",
        Program = ProgramVersion,
        Store = target.Location,
        PfsPrefix = request.PfsPrefix,
        PpsPrefix = request.PpsPrefix,
        Started = time.GetUtcNow(),
    };

    private static void Describe(MigrationReport report, IRecordConversion conversion, ChangeTally tally) =>
        report.Changes = conversion.ChangeNames
        .Select((name, bit) => (name, count: tally.ByChange[bit]))
        .Append(("records set aside", tally.Quarantined))
        .Where(change => change.Item2 > 0)
        .ToDictionary(change => change.Item1, change => change.Item2, StringComparer.Ordinal);

    private async Task<T> InPhaseAsync<T>(MigrationReport report, string phase, long? total, Func<Task<T>> work)
    {
        observer.PhaseStarted(phase, total);
        long started = time.GetTimestamp();
        T result = await work();
        report.Seconds[phase] = report.Seconds.GetValueOrDefault(phase) + Math.Round(time.GetElapsedTime(started).TotalSeconds, 3);
        observer.PhaseEnded(phase);
        return result;
    }

    private Task<bool> InPhaseAsync(MigrationReport report, string phase, long? total, Func<Task> work) =>
        InPhaseAsync(report, phase, total, async () =>
        {
            await work();
            return true;
        });

    private ObserverProgress Progress() => new(observer);

    private Func<KeyRange, IAsyncEnumerable<IReadOnlyList<StoredRecord>>> CurrentReader(CancellationToken cancellationToken) =>
        range => target.ReadCurrentAsync(range, cancellationToken);

    private sealed class ObserverProgress(IMigrationObserver observer) : IProgress<long>
    {
        public void Report(long value) => observer.Advanced(value);
    }
}
