using Google.Protobuf;
using Pachyderm.Formats;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Releases;

namespace Pachyderm.Migration.Survey;

/// <summary>What a survey found: everything that planning and converting need to know beyond the single record.</summary>
public sealed class ClusterInventory
{
    private readonly ClusterSurvey _survey;

    internal ClusterInventory(ClusterSurvey survey, RecordClassifier classifier)
    {
        _survey = survey;
        Classifier = classifier;
        Totals = survey.Totals;
        MultisetDigest digest = default;
        foreach (RecordTotals totals in Totals.Values)
        {
            digest.Add(totals.Digest);
        }

        Digest = digest;
        Release = Detect();
        Findings = new FindingList();
        Findings.AddAll(survey.Findings);
        RefCounts = CountReferences();
        DanglingCommits = survey.ReferencedCommits.CountMissingFrom(survey.Commits);
        AddFindings();
    }

    /// <summary>Tells the cluster's records from others.</summary>
    public RecordClassifier Classifier { get; }

    /// <summary>Lasting records by kind.</summary>
    public IReadOnlyDictionary<RecordKind, RecordTotals> Totals { get; }

    /// <summary>Number of all lasting records.</summary>
    public long RecordCount => Totals.Values.Sum(totals => totals.Count);

    /// <summary>Bytes of all lasting records.</summary>
    public long Bytes => Totals.Values.Sum(totals => totals.Bytes);

    /// <summary>Digest of all lasting records.</summary>
    public MultisetDigest Digest { get; }

    /// <summary>Keys that are not the cluster's, or on a lease.</summary>
    public long OtherKeys => _survey.Foreign.Count;

    /// <summary>The release that the data shows.</summary>
    public DetectedRelease Release { get; }

    /// <summary>What the records themselves gave cause to say.</summary>
    public FindingList Findings { get; }

    /// <summary>Message records in text, in binary, and unreadable.</summary>
    public (long Text, long Binary, long Unreadable) Encodings =>
        (_survey.Encodings[(int)RecordEncoding.Text], _survey.Encodings[(int)RecordEncoding.Binary], _survey.Encodings[(int)RecordEncoding.Neither]);

    /// <summary>Repos by name.</summary>
    public IReadOnlyDictionary<ByteString, RepoFacts> Repos => _survey.Repos;

    /// <summary>Pipelines by name.</summary>
    public IReadOnlyDictionary<ByteString, PipelineFacts> Pipelines => _survey.Pipelines;

    /// <summary>The reference count that each repo ought to have: how many repos list it as provenance.</summary>
    public IReadOnlyDictionary<ByteString, long> RefCounts { get; }

    /// <summary>Commits without a finish.</summary>
    public IReadOnlyList<OpenCommit> OpenCommits => _survey.OpenCommits;

    /// <summary>Identifiers that have an open-commit entry.</summary>
    public IReadOnlySet<ByteString> OpenCommitEntries => _survey.OpenCommitEntries;

    /// <summary>Number of jobs with a list of inputs.</summary>
    public long JobsWithInputs => _survey.JobsWithInputs;

    /// <summary>Scratch records by commit, as <c>repo/id</c>.</summary>
    public IReadOnlyDictionary<ByteString, long> ScratchCommits => _survey.ScratchCommits;

    /// <summary>Records of how the store was migrated before, as bytes of a <see cref="MigrationStamp"/>; null if it was not.</summary>
    public MigrationStamp? Stamp =>
        _survey.Stamp is { } json ? JournalJson.Decode(json, JournalJson.Default.MigrationStamp, "the stamp") : null;

    /// <summary>Whether there is a commit of that repo and id.</summary>
    public bool HasCommit(ReadOnlySpan<byte> repo, ReadOnlySpan<byte> id) => _survey.Commits.Contains(ClusterSurvey.HashCommit(repo, id));

    /// <summary>Whether there is a job of that id.</summary>
    public bool HasJob(ReadOnlySpan<byte> id) => _survey.Jobs.Contains(System.IO.Hashing.XxHash3.HashToUInt64(id));

    /// <summary>Number of commits that something refers to and that do not exist.</summary>
    public long DanglingCommits { get; }

    /// <summary>Whether every record has the index entries of a kind that it calls for, and no others exist.</summary>
    public bool IsIndexExact(RecordKind kind) => _survey.IndexBalance.GetValueOrDefault(kind) == (0, 0);

    private DetectedRelease Detect()
    {
        VersionEvidence evidence = _survey.Evidence;
        bool text = evidence.HasFlag(VersionEvidence.Text);
        bool binary = evidence.HasFlag(VersionEvidence.Binary);
        if (RecordCount == 0)
        {
            return OtherKeys == 0
                ? new DetectedRelease(StoreKind.Empty, default, default, "the store has no keys")
                : new DetectedRelease(StoreKind.Foreign, default, default, $"none of its {OtherKeys} keys is under the cluster's prefixes");
        }

        if (text)
        {
            (ReleaseVersion latest, string why) = evidence.HasFlag(VersionEvidence.EarlyLeftovers)
                ? (new ReleaseVersion(1, 4, 8), "records are protobuf text, some first written by 1.4.3 or earlier")
                : (new ReleaseVersion(1, 4, 8), evidence.HasFlag(VersionEvidence.Inputs)
                    ? "records are protobuf text, some first written by 1.4.5 or earlier"
                    : "records are protobuf text");
            return new DetectedRelease(
                binary ? StoreKind.Mixed : StoreKind.Cluster,
                new ReleaseVersion(1, 4, 0),
                latest,
                binary ? $"{Encodings.Text} records are text of 1.4 and {Encodings.Binary} binary of 1.5" : why);
        }

        if (!binary)
        {
            // Only reference counts or index entries: both lines write them alike.
            return new DetectedRelease(StoreKind.Cluster, new ReleaseVersion(1, 4, 0), MigrationPath.Newest, "no record tells its release");
        }

        if (evidence.HasFlag(VersionEvidence.Salt))
        {
            return new DetectedRelease(
                StoreKind.Cluster, new ReleaseVersion(1, 5, 1), MigrationPath.Newest, "records are protobuf binary with salts");
        }

        return evidence.HasFlag(VersionEvidence.BinaryPipelineId) || Pipelines.Values.Any(pipeline => pipeline.Record.Salt.IsEmpty)
            ? new DetectedRelease(StoreKind.Cluster, new ReleaseVersion(1, 5, 0), new ReleaseVersion(1, 5, 0), "records are protobuf binary without salts")
            : new DetectedRelease(StoreKind.Cluster, new ReleaseVersion(1, 5, 0), MigrationPath.Newest, "records are protobuf binary");
    }

    private Dictionary<ByteString, long> CountReferences()
    {
        Dictionary<ByteString, long> counts = Repos.Where(repo => repo.Value.Exists).ToDictionary(repo => repo.Key, _ => 0L);
        foreach (RepoFacts repo in Repos.Values.Where(repo => repo.Exists))
        {
            foreach (ByteString source in repo.Provenance.Distinct())
            {
                if (counts.TryGetValue(source, out long count))
                {
                    counts[source] = count + 1;
                }
            }
        }

        return counts;
    }

    private void AddFindings()
    {
        AddPrefixFinding("--pfs-prefix", "file-system", _survey.SawOtherPfs, [RecordKind.Repo, RecordKind.Commit]);
        AddPrefixFinding("--pps-prefix", "pipeline", _survey.SawOtherPps, [RecordKind.Pipeline, RecordKind.Job]);
        foreach (OpenCommit commit in OpenCommits)
        {
            Findings.Add(new Finding(
                "open-commit",
                FindingSeverity.Blocker,
                $"{KeyText.Show(commit.Repo.Span)}/{KeyText.Show(commit.Id.Span)}",
                "the commit is open",
                "finish it (`pachctl finish-commit`) or delete it, or carry it open with --accept open-commit"));
        }

        foreach ((ByteString name, RepoFacts facts) in Repos)
        {
            string shown = KeyText.Show(name.Span);
            if (facts.IsUnreadable)
            {
                continue;
            }

            if (!facts.Exists)
            {
                Findings.Add(new Finding(
                    "repo-missing", FindingSeverity.Warning, shown,
                    $"it has {facts.Commits.Count} commits, {facts.Branches} "
                        + $"branches{(facts.HasRefCount ? " and a reference count" : "")} but no repo record",
                    "they are kept; restore the repo record from a backup if it is needed"));
                continue;
            }

            if (facts.StoredRefCount != RefCounts[name])
            {
                Findings.Add(new Finding(
                    "reference-count",
                    FindingSeverity.Warning,
                    KeyText.Show(Classifier.Keys.RepoRefCount(name.Span)),
                    $"its reference count is "
                        + $"{facts.StoredRefCount?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "missing"}, and "
                        + $"{RefCounts[name]} repos have it as provenance",
                    "the migration corrects it"));
            }

            foreach (ByteString source in facts.Provenance.Where(source => !RefCounts.ContainsKey(source)))
            {
                Findings.Add(new Finding(
                    "dangling-provenance", FindingSeverity.Warning, shown, $"its provenance {KeyText.Show(source.Span)} does not exist",
                    "it is kept as it is; the repo was force-deleted"));
            }
        }
    }

    private void AddPrefixFinding(string option, string what, bool sawOthers, RecordKind[] kinds)
    {
        if (sawOthers && !kinds.Any(Totals.ContainsKey))
        {
            Findings.Add(new Finding(
                "wrong-prefix",
                FindingSeverity.Blocker,
                option,
                $"there are no {what} records under this prefix, but under another one",
                $"name the cluster's own prefix with {option}; otherwise half of it would stay behind"));
        }
    }
}
