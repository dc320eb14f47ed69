using System.Buffers;
using System.Globalization;
using System.IO.Hashing;
using Google.Protobuf;
using Pachyderm.Formats;
using Pachyderm.Formats.V1_5;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Survey;

/// <summary>
/// Reads every record of a store once, in any order, and remembers what a migration has to know. One for each worker; they are merged
/// at the end. Memory: a few hundred bytes a repo, pipeline and unfinished commit or job, and 8 bytes for each commit and each
/// commit that is referred to.
/// </summary>
internal sealed class ClusterSurvey(RecordClassifier classifier, ReadOnlyMemory<byte> stampKey)
{
    private const int GcPolicyField = Formats.V1_4.PipelineInfo.GcPolicyFieldNumber;

    private readonly ClusterKeys _keys = classifier.Keys;
    private readonly RecordDecoder _decoder = new();
    private static readonly ProtoTextFormatter InputFormatter = ProtoTextFormatter.For(Input.Descriptor);

    private readonly ArrayBufferWriter<byte> _inputText = new(1024);
    private readonly IndexKeyWriter _indexKeys = new(classifier.Keys);
    private readonly Dictionary<ulong, RepoFacts> _factsByHash = [];
    private readonly RecordTotals?[] _totals = new RecordTotals?[Enum.GetValues<RecordKind>().Length];

    /// <summary>Totals of the lasting records by kind.</summary>
    public Dictionary<RecordKind, RecordTotals> Totals => _totals
        .Select((totals, kind) => (Kind: (RecordKind)kind, Totals: totals))
        .Where(pair => pair.Totals is not null)
        .ToDictionary(pair => pair.Kind, pair => pair.Totals!);

    /// <summary>Records outside the cluster's prefixes, and those on a lease.</summary>
    public RecordTotals Foreign { get; } = new();

    /// <summary>Message records by encoding.</summary>
    public long[] Encodings { get; } = new long[Enum.GetValues<RecordEncoding>().Length];

    public FindingList Findings { get; } = new();

    public Dictionary<ByteString, RepoFacts> Repos { get; } = [];

    public Dictionary<ByteString, PipelineFacts> Pipelines { get; } = [];

    public List<OpenCommit> OpenCommits { get; } = [];

    /// <summary>Identifiers in open-commit entries.</summary>
    public HashSet<ByteString> OpenCommitEntries { get; } = [];

    /// <summary>Scratch records by commit, as <c>repo/id</c>.</summary>
    public Dictionary<ByteString, long> ScratchCommits { get; } = [];

    public UInt64Set Commits { get; } = new();

    public UInt64Set Jobs { get; } = new();

    public UInt64Set ReferencedCommits { get; } = new();

    /// <summary>Index entries that records call for, less those that exist: 0 if the indexes are complete and exact, by kind.</summary>
    public Dictionary<RecordKind, (ulong Sum, long Count)> IndexBalance { get; } = [];

    public VersionEvidence Evidence { get; private set; }

    /// <summary>Whether keys outside the prefixes look like the file-system records of a cluster.</summary>
    public bool SawOtherPfs { get; private set; }

    /// <summary>Whether keys outside the prefixes look like the pipeline records of a cluster.</summary>
    public bool SawOtherPps { get; private set; }

    public long JobsWithInputs { get; private set; }

    public byte[]? Stamp { get; private set; }

    public long HighestModRevision { get; private set; }

    /// <summary>Identifies a commit in <see cref="Commits"/>.</summary>
    public static ulong HashCommit(ReadOnlySpan<byte> repo, ReadOnlySpan<byte> id) =>
        XxHash3.HashToUInt64(id, (long)XxHash3.HashToUInt64(repo));

    /// <summary>Takes in one record.</summary>
    public void Observe(in StoredRecord record)
    {
        ReadOnlySpan<byte> key = record.Key.Span;
        ReadOnlySpan<byte> value = record.Value.Span;
        RecordKey parsed = _keys.Parse(key);
        RecordKind kind = parsed.Kind;
        if (kind is RecordKind.Foreign or RecordKind.GcGeneration || record.Lease != 0)
        {
            Foreign.Add(key, value);
            NoteOtherCluster(key);
            if (key.SequenceEqual(stampKey.Span))
            {
                Stamp = value.ToArray();
            }

            NoteLease(kind, record);
            return;
        }

        HighestModRevision = Math.Max(HighestModRevision, record.ModRevision);
        MultisetDigest digest = MultisetDigest.Of(key, value);
        (_totals[(int)kind] ??= new RecordTotals()).Add(key.Length + value.Length, digest);
        switch (kind)
        {
            case RecordKind.Repo or RecordKind.Commit or RecordKind.Branch or RecordKind.Pipeline or RecordKind.Job:
                ObserveMessage(parsed, record, digest);
                break;
            case RecordKind.RepoRefCount:
                ObserveRefCount(parsed.Repo, value);
                break;
            case RecordKind.OpenCommit:
                OpenCommitEntries.Add(ByteString.CopyFrom(parsed.Id));
                Evidence |= VersionEvidence.OpenCommitEntry;
                break;
            case RecordKind.Scratch:
                ByteString commit = ByteString.CopyFrom([.. parsed.Repo, (byte)'/', .. parsed.Id]);
                ScratchCommits[commit] = ScratchCommits.GetValueOrDefault(commit) + 1;
                break;
            case RecordKind.RepoProvenanceIndex or RecordKind.CommitProvenanceIndex or RecordKind.JobPipelineIndex or RecordKind.JobInputIndex:
                Balance(kind, key, -1);
                break;
            case RecordKind.PipelineStoppedIndex or RecordKind.JobStoppedIndex:
                Evidence |= VersionEvidence.StoppedIndex;
                break;
            case RecordKind.Worker:
                NoteLease(kind, record);
                break;
            case RecordKind.Unknown:
                ReadOnlyMemory<byte> unknown = record.Key;
                Findings.Add(
                    "unknown-key", FindingSeverity.Note,
                    () => (KeyText.Show(unknown.Span), "no release writes such a key", "it is kept as it is"));
                break;
        }
    }

    /// <summary>Takes in what another worker has seen.</summary>
    public void Merge(ClusterSurvey other)
    {
        foreach ((RecordKind kind, RecordTotals totals) in other.Totals)
        {
            (_totals[(int)kind] ??= new RecordTotals()).Add(totals);
        }

        Foreign.Add(other.Foreign);
        for (int encoding = 0; encoding < Encodings.Length; encoding++)
        {
            Encodings[encoding] += other.Encodings[encoding];
        }

        Findings.AddAll(other.Findings);
        foreach ((ByteString name, RepoFacts facts) in other.Repos)
        {
            if (!Repos.TryAdd(name, facts))
            {
                Repos[name].Merge(facts);
            }
        }

        foreach ((ByteString name, PipelineFacts facts) in other.Pipelines)
        {
            Pipelines[name] = facts;
        }

        OpenCommits.AddRange(other.OpenCommits);
        OpenCommitEntries.UnionWith(other.OpenCommitEntries);
        foreach ((ByteString commit, long count) in other.ScratchCommits)
        {
            ScratchCommits[commit] = ScratchCommits.GetValueOrDefault(commit) + count;
        }

        Commits.UnionWith(other.Commits);
        Jobs.UnionWith(other.Jobs);
        ReferencedCommits.UnionWith(other.ReferencedCommits);
        foreach ((RecordKind kind, (ulong sum, long count)) in other.IndexBalance)
        {
            (ulong mySum, long myCount) = IndexBalance.GetValueOrDefault(kind);
            IndexBalance[kind] = (unchecked(mySum + sum), myCount + count);
        }

        Evidence |= other.Evidence;
        SawOtherPfs |= other.SawOtherPfs;
        SawOtherPps |= other.SawOtherPps;
        JobsWithInputs += other.JobsWithInputs;
        Stamp ??= other.Stamp;
        HighestModRevision = Math.Max(HighestModRevision, other.HighestModRevision);
    }

    private void ObserveMessage(in RecordKey key, in StoredRecord record, MultisetDigest digest)
    {
        RecordKind kind = key.Kind;
        RecordEncoding encoding = _decoder.Decode(kind, record.Value.Span, out ReadOnlySpan<byte> wire, out string? problem);
        bool isExact = encoding != RecordEncoding.Binary || RecordCodec.For(kind)!.IsBinary(record.Value.Span);
        if (encoding != RecordEncoding.Neither)
        {
            try
            {
                // What is exactly as upstream writes it may be read in place; anything else has to be parsed to the last byte first.
                if (!isExact)
                {
                    ParseWhole(kind, wire);
                }

                problem = kind switch
                {
                    RecordKind.Repo => ObserveRepo(key, RepoInfo.Parser.ParseFrom(wire)),
                    RecordKind.Commit => ObserveCommit(key, record, wire, digest),
                    RecordKind.Branch => ObserveBranch(key, record, Commit.Parser.ParseFrom(wire)),
                    RecordKind.Pipeline =>
                        ObservePipeline(key, PipelineInfo.Parser.ParseFrom(wire), encoding, HasField(wire, GcPolicyField)),
                    _ => ObserveJob(key, record, wire, encoding),
                };
            }
            catch (InvalidProtocolBufferException exception)
            {
                problem = exception.Message;
            }
        }

        if (problem is not null)
        {
            encoding = RecordEncoding.Neither;
            if (kind == RecordKind.Repo)
            {
                FactsOf(key.Repo).IsUnreadable = true;
            }

            ReadOnlyMemory<byte> keyBytes = record.Key;
            Findings.Add(
                "bad-record",
                FindingSeverity.Blocker,
                () => (KeyText.Show(keyBytes.Span), $"the record cannot be read ({problem})", "restore it from a backup, delete it, or set it aside with --quarantine"));
        }

        if (encoding == RecordEncoding.Binary && !isExact)
        {
            ReadOnlyMemory<byte> keyBytes = record.Key;
            Findings.Add(
                "unknown-fields",
                FindingSeverity.Warning,
                () => (KeyText.Show(keyBytes.Span), "it has fields that no release up to 1.5.3 writes, or writes them in another way", "they are kept as they are"));
        }

        Encodings[(int)encoding]++;
        Evidence |= encoding switch
        {
            RecordEncoding.Text => VersionEvidence.Text,
            RecordEncoding.Binary => VersionEvidence.Binary,
            _ => VersionEvidence.None,
        };
    }

    private string? ObserveRepo(in RecordKey key, RepoInfo repo)
    {
        if (RecordRules.Check(key, repo) is { } problem)
        {
            return problem;
        }

        RepoFacts facts = FactsOf(repo.Repo.Name.Span);
        facts.Exists = true;
        facts.Provenance = [.. repo.Provenance.Select(source => source.Name)];
        foreach (Repo source in repo.Provenance)
        {
            Balance(RecordKind.RepoProvenanceIndex, _keys.RepoProvenanceIndex(source.Name.Span, repo.Repo.Name.Span), +1);
        }

        return null;
    }

    private string? ObserveCommit(in RecordKey key, in StoredRecord record, ReadOnlySpan<byte> wire, MultisetDigest digest)
    {
        if (CommitView.Read(key, wire, out CommitView commit) is { } problem)
        {
            return problem;
        }

        FactsOf(commit.Repo).Commits.Add(record.Key.Length + record.Value.Length, digest);
        Commits.Add(HashCommit(commit.Repo, commit.Id));
        if (!commit.IsFinished)
        {
            OpenCommits.Add(new OpenCommit(ByteString.CopyFrom(commit.Repo), ByteString.CopyFrom(commit.Id), record.ModRevision));
        }

        if (commit.HasParent)
        {
            ReferencedCommits.Add(HashCommit(commit.ParentRepo, commit.ParentId));
        }

        CommitView.ProvenanceEnumerator provenance = commit.Provenance;
        while (provenance.MoveNext())
        {
            ReferencedCommits.Add(HashCommit(provenance.Repo, provenance.Id));
            Balance(
                RecordKind.CommitProvenanceIndex, _indexKeys.CommitProvenance(commit.Repo, commit.Id, provenance.Repo, provenance.Id), +1);
        }

        return null;
    }

    private string? ObserveBranch(in RecordKey key, in StoredRecord record, Commit head)
    {
        if (RecordRules.CheckBranch(key, head) is { } problem)
        {
            return problem;
        }

        FactsOf(head.Repo.Name.Span).Branches++;
        Refer(head);
        if (key.Name.Length == RecordRules.CommitIdLength)
        {
            ReadOnlyMemory<byte> keyBytes = record.Key;
            Findings.Add(
                "branch-name-length",
                FindingSeverity.Warning,
                () => (KeyText.Show(keyBytes.Span), "1.5 refuses to write branches whose name is as long as a commit's id", "it stays readable; point a branch with another name at its head"));
        }

        return null;
    }

    private string? ObservePipeline(in RecordKey key, PipelineInfo pipeline, RecordEncoding encoding, bool hasLeftovers)
    {
        if (RecordRules.Check(key, pipeline) is { } problem)
        {
            return problem;
        }

        Pipelines[pipeline.Pipeline.Name] = new PipelineFacts(pipeline.Pipeline.Name, pipeline, encoding);
        Evidence |= pipeline.Inputs.Count > 0 ? VersionEvidence.Inputs : VersionEvidence.None;
        Evidence |= pipeline.Input is not null ? VersionEvidence.Input : VersionEvidence.None;
        Evidence |= hasLeftovers ? VersionEvidence.EarlyLeftovers : VersionEvidence.None;
        Evidence |= pipeline.Salt.IsEmpty ? VersionEvidence.None : VersionEvidence.Salt;
        return null;
    }

    private string? ObserveJob(in RecordKey key, in StoredRecord record, ReadOnlySpan<byte> wire, RecordEncoding encoding)
    {
        if (JobView.Read(key, wire, out JobView job) is { } problem)
        {
            return problem;
        }

        Jobs.Add(XxHash3.HashToUInt64(key.Id));
        if (job.State is (ulong)JobState.JobStarting or (ulong)JobState.JobRunning)
        {
            string pipeline = job.HasPipeline ? KeyText.Show(job.Pipeline) : "(none)";
            ReadOnlyMemory<byte> keyBytes = record.Key;
            Findings.Add(
                "running-job",
                FindingSeverity.Blocker,
                () => (KeyText.Show(keyBytes.Span), $"the job of pipeline {pipeline} is not finished", "wait for it, `pachctl stop-job` it, or accept it with --accept running-job"));
        }

        if (job.HasPipeline)
        {
            Balance(RecordKind.JobPipelineIndex, _keys.JobPipelineIndex(job.Pipeline, key.Id), +1);
        }

        if (job.HasInput)
        {
            _inputText.ResetWrittenCount();
            if (!InputFormatter.TryFormat(job.Input, _inputText))
            {
                return "its input is not a message on the wire";
            }

            Balance(RecordKind.JobInputIndex, _keys.JobInputIndex(_inputText.WrittenSpan, key.Id), +1);
        }

        if (!job.OutputId.IsEmpty)
        {
            ReferencedCommits.Add(HashCommit(job.OutputRepo, job.OutputId));
        }

        JobsWithInputs += job.HasInputs ? 1 : 0;
        Evidence |= job.HasInputs ? VersionEvidence.Inputs : VersionEvidence.None;
        Evidence |= job.HasInput ? VersionEvidence.Input : VersionEvidence.None;
        Evidence |= job.HasError ? VersionEvidence.EarlyLeftovers : VersionEvidence.None;
        Evidence |= !job.Salt.IsEmpty || job.HasStats ? VersionEvidence.Salt : VersionEvidence.None;
        Evidence |= encoding == RecordEncoding.Binary && !job.PipelineId.IsEmpty ? VersionEvidence.BinaryPipelineId : VersionEvidence.None;
        return null;
    }

    private void ObserveRefCount(ReadOnlySpan<byte> repo, ReadOnlySpan<byte> value)
    {
        RepoFacts facts = FactsOf(repo);
        facts.HasRefCount = true;
        facts.StoredRefCount = long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long count)
            ? count
            : null;
    }

    private void NoteOtherCluster(ReadOnlySpan<byte> key)
    {
        if (!key.StartsWith("pachyderm_migration/"u8))
        {
            SawOtherPfs |= key.IndexOf("/repos/"u8) > 0 || key.IndexOf("/commits/"u8) > 0;
            SawOtherPps |= key.IndexOf("/pipelines/"u8) > 0 || key.IndexOf("/jobs/"u8) > 0;
        }
    }

    private void NoteLease(RecordKind kind, in StoredRecord record)
    {
        ReadOnlyMemory<byte> key = record.Key;
        switch (kind)
        {
            case RecordKind.Worker:
                Findings.Add(
                    "registered-worker",
                    FindingSeverity.Blocker,
                    () => (KeyText.Show(key.Span), "a worker is registered and may write at any moment", "stop its pipeline or scale its pods to 0, or accept it with --accept registered-worker"));
                break;
            case RecordKind.MasterLock or RecordKind.WorkerMasterLock:
                Findings.Add(
                    "registered-master",
                    FindingSeverity.Blocker,
                    () => (KeyText.Show(key.Span), "a pachd or worker master holds this lock and may write at any moment", "scale pachd and the workers to 0, or accept it with --accept registered-master"));
                break;
        }
    }

    private void Refer(Commit commit) => ReferencedCommits.Add(HashCommit(NameOf(commit.Repo), commit.Id.Span));

    private void Balance(RecordKind kind, ReadOnlySpan<byte> key, int sign)
    {
        (ulong sum, long count) = IndexBalance.GetValueOrDefault(kind);
        ulong hash = XxHash3.HashToUInt64(key);
        IndexBalance[kind] = (unchecked(sign > 0 ? sum + hash : sum - hash), count + sign);
    }

    private static void ParseWhole(RecordKind kind, ReadOnlySpan<byte> wire) => _ = kind switch
    {
        RecordKind.Commit => (IMessage)CommitInfo.Parser.ParseFrom(wire),
        RecordKind.Job => JobInfo.Parser.ParseFrom(wire),
        RecordKind.Pipeline => PipelineInfo.Parser.ParseFrom(wire),
        RecordKind.Repo => RepoInfo.Parser.ParseFrom(wire),
        _ => Commit.Parser.ParseFrom(wire),
    };

    private static bool HasField(ReadOnlySpan<byte> wire, int field)
    {
        WireScanner scanner = new(wire);
        while (scanner.Next())
        {
            if (scanner.Field == field)
            {
                return true;
            }
        }

        return false;
    }

    private static ReadOnlySpan<byte> NameOf(Repo? repo) => repo is null ? [] : repo.Name.Span;

    private RepoFacts FactsOf(ReadOnlySpan<byte> repo)
    {
        // Looked up for every commit: by hash, so that the name is copied only once.
        ulong hash = XxHash3.HashToUInt64(repo);
        if (!_factsByHash.TryGetValue(hash, out RepoFacts? facts))
        {
            facts = new RepoFacts();
            _factsByHash.Add(hash, facts);
            Repos.Add(ByteString.CopyFrom(repo), facts);
        }

        return facts;
    }
}
