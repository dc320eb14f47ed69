using Pachyderm.Errors;
using Pachyderm.Metadata;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.Migration.Engine;
using Pachyderm.Pfs;

namespace Pachyderm.Migration.Native;

/// <summary>
/// Carries a data directory of an older format to that of this release, with the phases of every migration: discover, plan, preflight,
/// fence, back up, run, verify, stamp. A pachd of this release may serve the directory meanwhile; it reads an older format, and writes
/// none.
/// </summary>
/// <param name="dataDirectory">The data directory.</param>
/// <param name="observer">Is told how it gets on.</param>
/// <param name="time">The clock.</param>
public sealed class FormatUpgrade(string dataDirectory, IMigrationObserver observer, TimeProvider time)
{
    private const long SpareBytes = 16 << 20;

    private readonly string _data = Path.GetFullPath(dataDirectory);

    private string Store => Path.Combine(_data, "metadata.db");

    /// <summary>Looks at everything and changes nothing. Safe beside a pachd that writes.</summary>
    /// <exception cref="OperatorException">There is no data, or it has a format that this release cannot read.</exception>
    public async Task<UpgradeReport> CheckAsync(CancellationToken cancellationToken)
    {
        (int format, UpgradeJournal? journal) = Discover();
        UpgradeReport report = NewReport("check", journal, format);
        if (format == StoreFormat.Version && journal is null or { Phase: UpgradePhase.Flipped })
        {
            report.Result = "nothing-to-do";
            return report;
        }

        await ExamineAsync(report, journal, cancellationToken);
        report.Result = report.Blockers.Count == 0 ? "ready" : "blocked";
        return report;
    }

    /// <summary>Upgrades, or goes on with an upgrade that was interrupted.</summary>
    /// <exception cref="UpgradeBlockedException">Something stands in the way; nothing was written.</exception>
    /// <exception cref="CorruptionException">Verification failed; the old format is still the one that counts.</exception>
    /// <exception cref="OperatorException">It could not begin or go on. A second run goes on, an undo goes back.</exception>
    public async Task<UpgradeReport> RunAsync(CancellationToken cancellationToken)
    {
        (int format, UpgradeJournal? journal) = Discover();
        UpgradeReport report = NewReport("migrate", journal, format);
        if (format == StoreFormat.Version)
        {
            report.Result = "nothing-to-do";
            if (FormatFile.Read(_data) != format)
            {
                // The last act of an upgrade that was killed before it.
                FormatFile.Write(_data);
                report.Result = "done";
            }

            return report;
        }

        await ExamineAsync(report, journal, cancellationToken);
        if (report.Blockers.Count > 0)
        {
            report.Result = "blocked";
            throw new UpgradeBlockedException(report);
        }

        await Task.Run(() => Run(report, cancellationToken), cancellationToken);
        report.Result = "done";
        return report;
    }

    /// <summary>How far an upgrade has come, and of which format the data are.</summary>
    /// <exception cref="OperatorException">There is no data, or it has a format that this release cannot read.</exception>
    public (int Format, UpgradeJournal? Journal) GetStatus() => Discover();

    /// <summary>Compares every record with the backup that was made before the upgrade. Reads only.</summary>
    /// <exception cref="CorruptionException">They differ, though nothing was written since.</exception>
    /// <exception cref="OperatorException">There is nothing to compare with.</exception>
    public async Task<UpgradeReport> VerifyAsync(CancellationToken cancellationToken)
    {
        (int format, UpgradeJournal? found) = Discover();
        UpgradeJournal journal = Require(found);
        UpgradeReport report = NewReport("verify", journal, format);
        await Task.Run(
            () =>
            {
                using SqliteUpgrade upgrade = SqliteUpgrade.Open(Store);
                Phase(report, "verify", journal.Copied, () =>
                {
                    report.DigestBefore = SqliteUpgrade.DigestOf(BackupPath(journal.From), cancellationToken);
                    report.DigestAfter = upgrade.Digest(FormatCatalog.From(journal.From), cancellationToken);
                });
            },
            cancellationToken);
        report.LaterWrites = journal.LaterWrites;
        report.Result = report.DigestBefore == report.DigestAfter ? "done" : "changed";
        return report;
    }

    /// <summary>Goes back to the format before, from whatever phase, with everything that was written since.</summary>
    /// <exception cref="OperatorException">There is no upgrade that can be undone, or pachd runs.</exception>
    public async Task<UpgradeReport> UndoAsync(CancellationToken cancellationToken)
    {
        (int format, UpgradeJournal? found) = Discover();
        if (found is null && FormatFile.Read(_data) is { } stamped && stamped != format)
        {
            // The last act of an undo that was killed before it.
            FormatFile.Write(_data, format, format);
            UpgradeReport ended = NewReport("undo", null, format);
            ended.Result = "undone";
            return ended;
        }

        UpgradeJournal journal = Require(found);
        UpgradeReport report = NewReport("undo", journal, format);
        report.LaterWrites = journal.LaterWrites;
        await Task.Run(
            () =>
            {
                using SqliteUpgrade upgrade = SqliteUpgrade.Open(Store);
                Phase(report, "undo", null, () => upgrade.Revert(FormatCatalog.From(journal.From)));
                FaultPoints.Reach("upgrade.reverted");
                FormatFile.Write(_data, journal.From, journal.From);
                FaultPoints.Reach("upgrade.undone");
                File.Delete(BackupPath(journal.From));
            },
            cancellationToken);
        report.Result = "undone";
        return report;
    }

    /// <summary>Removes what is needed to go back, and gives its space to the disk: the only point of no return.</summary>
    /// <exception cref="OperatorException">There is no upgrade that has ended, or pachd runs.</exception>
    public async Task<UpgradeReport> FinalizeAsync(CancellationToken cancellationToken)
    {
        (int format, UpgradeJournal? found) = Discover();
        UpgradeJournal journal = Require(found);
        if (journal.Phase != UpgradePhase.Flipped || FormatFile.Read(_data) != format)
        {
            throw new OperatorException(
                "migration-not-done", _data, "the upgrade has not ended",
                "run `pachctl migrate --data DIRECTORY` first, which goes on where it stopped");
        }

        UpgradeReport report = NewReport("finalize", journal, format);
        await Task.Run(
            () =>
            {
                using SqliteUpgrade upgrade = SqliteUpgrade.Open(Store);
                Phase(report, "contract", null, () => upgrade.Contract(FormatCatalog.From(journal.From)));
                FaultPoints.Reach("upgrade.contracted");
                File.Delete(BackupPath(journal.From));
            },
            cancellationToken);
        report.Result = "final";
        return report;
    }

    private void Run(UpgradeReport report, CancellationToken cancellationToken)
    {
        using SqliteUpgrade upgrade = SqliteUpgrade.Open(Store);
        FaultPoints.Reach("upgrade.fenced");
        FormatChange change = FormatCatalog.From(upgrade.Stamp.Format);
        string backup = report.Backup = BackupPath(change.From);
        if (upgrade.Journal is null)
        {
            Phase(report, "back up", null, () => BackUp(upgrade, change, backup, report, cancellationToken));
            FaultPoints.Reach("upgrade.backed-up");
            Phase(report, "expand", null, () => upgrade.Expand(
                change, Guid.NewGuid().ToString("N"), report.DigestBefore!, time.GetUtcNow()));
            FaultPoints.Reach("upgrade.expanded");
        }

        UpgradeJournal journal = upgrade.Journal!;
        (report.Id, report.DigestBefore) = (journal.Id, journal.Digest);
        if (journal.Phase == UpgradePhase.Copying)
        {
            long before = journal.Copied;
            Phase(report, "copy", report.Rows - before, () => upgrade.Copy(
                change,
                copied =>
                {
                    observer.Advanced(copied - before);
                    before = copied;
                    FaultPoints.Reach("upgrade.copying");
                },
                cancellationToken));
            FaultPoints.Reach("upgrade.copied");
        }

        // From here on it is short, and nothing is gained by giving up.
        Phase(report, "verify and flip", report.Rows, () => upgrade.VerifyAndFlip(change));
        FaultPoints.Reach("upgrade.flipped");
        Phase(report, "digest", report.Rows, () => report.DigestAfter = upgrade.Digest(change, CancellationToken.None));
        if (report.DigestAfter != report.DigestBefore && upgrade.Journal!.LaterWrites == 0)
        {
            // Unless a program of the older format wrote while the upgrade was interrupted, which the triggers followed.
            observer.Say($"the records have changed since the upgrade began: digest {report.DigestBefore} then, {report.DigestAfter} now");
        }

        FormatFile.Write(_data, change.To, change.MinReader);
        FaultPoints.Reach("upgrade.stamped");
    }

    private static void BackUp(
        SqliteUpgrade upgrade, FormatChange change, string backup, UpgradeReport report, CancellationToken cancellationToken)
    {
        report.DigestBefore = upgrade.Digest(change, cancellationToken);
        upgrade.Backup(backup);
        if (SqliteUpgrade.DigestOf(backup, cancellationToken) is { } copied && copied != report.DigestBefore)
        {
            throw new CorruptionException(
                "backup-differs", backup, "the backup of the metadata does not have the records that the store has",
                "nothing was changed; check the disk, and run it again");
        }
    }

    private async Task ExamineAsync(UpgradeReport report, UpgradeJournal? journal, CancellationToken cancellationToken)
    {
        observer.PhaseStarted("preflight", null);
        long started = time.GetTimestamp();
        List<string> blockers = [];
        await using (SqliteMetadataStore store = await SqliteMetadataStore.OpenAsync(
            new SqliteMetadataOptions { Path = Store, ReadOnly = true }, cancellationToken))
        {
            foreach (MetadataFinding finding in await store.IntegrityCheckAsync(fix: false, cancellationToken))
            {
                blockers.Add($"{finding.Thing}: {finding.Problem}; {finding.Remedy}");
            }
        }

        report.Rows = SqliteUpgrade.CountRows(Store, FormatCatalog.From(report.From));
        report.BytesBefore = new FileInfo(Store).Length;
        // The backup, the new tables, and the log that they go through.
        report.BytesNeeded = journal is null ? (3 * report.BytesBefore) + SpareBytes : SpareBytes;
        report.BytesFree = new DriveInfo(_data).AvailableFreeSpace;
        if (report.BytesFree < report.BytesNeeded)
        {
            blockers.Add(
                $"{_data}: the upgrade needs {report.BytesNeeded:N0} bytes on this disk, and {report.BytesFree:N0} are free; make room");
        }

        report.Blockers = blockers;
        report.Seconds["preflight"] = time.GetElapsedTime(started).TotalSeconds;
        observer.PhaseEnded("preflight");
    }

    private (int Format, UpgradeJournal? Journal) Discover()
    {
        if (!Directory.Exists(_data))
        {
            throw new OperatorException("data-missing", _data, "there is no such directory", "name the data directory of a pachd");
        }

        if (FormatFile.Read(_data) is null)
        {
            throw new OperatorException(
                "data-missing", _data, "it has no format.json, so no pachd has kept data in it", "name the data directory of a pachd");
        }

        (StoreStampView stamp, UpgradeJournal? journal) = SqliteUpgrade.Inspect(Store);
        return (stamp.Format, journal);
    }

    private UpgradeJournal Require(UpgradeJournal? journal) => journal ?? throw new OperatorException(
        "migration-missing", _data, "no upgrade of it is under way or can be undone", "there is nothing to do");

    private UpgradeReport NewReport(string action, UpgradeJournal? journal, int format) => new()
    {
        Action = action,
        Result = "failed",
        Data = _data,
        From = journal?.From ?? format,
        To = action == "undo" ? journal?.From ?? format : StoreFormat.Version,
        Id = journal?.Id,
        DigestBefore = journal?.Digest,
    };

    private string BackupPath(int format) => FormattableString.Invariant($"{Store}.format-{format}");

    private void Phase(UpgradeReport report, string name, long? total, Action act)
    {
        observer.PhaseStarted(name, total);
        long started = time.GetTimestamp();
        act();
        report.Seconds[name] = time.GetElapsedTime(started).TotalSeconds;
        observer.PhaseEnded(name);
    }
}
