using Pachyderm.Migration.Journal;
using Pachyderm.TestSupport;

namespace Pachyderm.Migration.Tests.Journal;

/// <summary>What a migration keeps in a store does not change without a new number: another release may have to undo it. See <see cref="GoldenFormat"/>.</summary>
public sealed class JournalFormatTests
{
    private static readonly GoldenFormat Golden = new(
        "Pachyderm.Migration.Tests/Journal", "journal", MigrationJournal.CurrentVersion, "MigrationJournal.CurrentVersion");

    private static readonly DateTimeOffset Time = new(2021, 2, 3, 4, 5, 6, TimeSpan.Zero);

    private static readonly MigrationJournal Journal = new()
    {
        Id = "20210203-040506-0a1b2c3d",
        From = "1.4.8",
        To = "1.5.3",
        Step = "1.4.x-1.5.x",
        Phase = MigrationPhase.Verified,
        PfsPrefix = "pachyderm_pfs",
        PpsPrefix = "pachyderm_pps",
        Accepted = ["finding"],
        Quarantine = true,
        Storage = "/pach",
        BackupRepository = "/backups",
        BackupName = "before",
        BackupSha256 = new string('a', 64),
        PlanDigest = new string('b', 64),
        DigestBefore = new string('c', 64),
        DigestAfter = new string('d', 64),
        VerifiedRevision = 7,
        StampRevision = 8,
        OutputSha256 = new string('e', 64),
        Started = Time,
        Updated = Time.AddSeconds(1),
    };

    private static readonly MigrationStamp Stamp = new()
    {
        Release = "1.5.3",
        From = "1.4.8",
        MigrationId = "20210203-040506-0a1b2c3d",
        SourceDigest = new string('c', 64),
        At = Time,
        Program = "3.0.0",
    };

    private static readonly FenceHolder Fence = new("20210203-040506-0a1b2c3d", "user", "host", 4711, Time, 2, Time.AddSeconds(1));

    [Fact]
    public void The_fields_are_those_of_the_golden_file() => Golden.HasShape(JsonShape.Of(
        JournalJson.Default.MigrationJournal, JournalJson.Default.MigrationStamp, JournalJson.Default.FenceHolder));

    [Fact]
    public void A_journal_has_its_golden_bytes()
    {
        Golden.Holds("journal.json", JournalJson.Encode(Journal, JournalJson.Default.MigrationJournal));
        Assert.All(
            Golden.OfEveryFormat("journal.json"),
            static bytes => Assert.Equivalent(Journal, JournalJson.DecodeJournal(bytes, ""), strict: true));
    }

    [Fact]
    public void A_stamp_has_its_golden_bytes()
    {
        Golden.Holds("stamp.json", JournalJson.Encode(Stamp, JournalJson.Default.MigrationStamp));
        Assert.All(
            Golden.OfEveryFormat("stamp.json"),
            static bytes => Assert.Equal(Stamp, JournalJson.Decode(bytes, JournalJson.Default.MigrationStamp, "")));
    }

    [Fact]
    public void A_fence_has_its_golden_bytes()
    {
        Golden.Holds("fence.json", JournalJson.Encode(Fence, JournalJson.Default.FenceHolder));
        Assert.All(
            Golden.OfEveryFormat("fence.json"),
            static bytes => Assert.Equal(Fence, JournalJson.Decode(bytes, JournalJson.Default.FenceHolder, "")));
    }

    [Fact]
    public void The_keys_are_those_of_the_golden_file()
    {
        MigrationKeys keys = new("pachyderm_pfs");
        byte[][] all =
            [keys.Fence, keys.Journal, keys.Stamp, keys.Progress("convert", 3), keys.Quarantined("pachyderm_pfs/repos/\u00ff"u8)];
        Golden.Holds("keys.txt", [.. all.SelectMany(static key => (byte[])[.. key, (byte)'\n'])]);
    }
}
