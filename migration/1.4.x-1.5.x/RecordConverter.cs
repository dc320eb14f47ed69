using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Google.Protobuf;
using Pachyderm.Formats;
using Pachyderm.Formats.V1_5;
using Pachyderm.Migration.Releases;
using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>
/// Converts the records of a 1.4 or 1.5 cluster to those of one release of 1.5, record by record. What is binary already is mended, too:
/// a migration by upstream's own routine leaves records behind that 1.5 cannot work with.
/// </summary>
internal sealed class RecordConverter : IRecordConversion
{
    // 1.5.0 tells incarnations of a pipeline apart by id and version, later releases by salt.
    private static readonly ReleaseVersion FirstWithSalts = new(1, 5, 1);

    private readonly ClusterInventory _inventory;
    private readonly ClusterKeys _keys;
    private readonly bool _saltsExist;
    private readonly bool _quarantine;
    private readonly HashSet<ByteString> _openCommitIds;
    private readonly Dictionary<ByteString, PipelineInfo> _pipelines;
    private readonly bool _hasUnreadable;
    private readonly RecordAudit _audit;

    [ThreadStatic]
    private static RecordDecoder? s_decoder;

    public RecordConverter(ClusterInventory inventory, StepOptions options)
    {
        _inventory = inventory;
        _keys = inventory.Classifier.Keys;
        _saltsExist = options.To >= FirstWithSalts;
        _quarantine = options.Quarantine;
        _hasUnreadable = inventory.Encodings.Unreadable > 0;
        _audit = new RecordAudit(inventory, _saltsExist);
        _openCommitIds = [.. inventory.OpenCommits.Select(commit => commit.Id)];
        _pipelines = inventory.Pipelines.ToDictionary(
            pipeline => pipeline.Key,
            pipeline =>
            {
                PipelineInfo mended = pipeline.Value.Record.Clone();
                PipelineConverter.Mend(mended, pipeline.Value.Encoding == RecordEncoding.Text, _saltsExist);
                return mended;
            });
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> ChangeNames => RecordChangeNames.All;

    /// <inheritdoc/>
    public RecordChange Convert(in StoredRecord record)
    {
        RecordKey key = _keys.Parse(record.Key.Span);
        return key.Kind switch
        {
            RecordKind.Repo or RecordKind.Commit or RecordKind.Branch or RecordKind.Pipeline or RecordKind.Job =>
                ConvertMessage(key, record),
            RecordKind.RepoRefCount => ConvertRefCount(key, record),
            RecordKind.PipelineStoppedIndex or RecordKind.JobStoppedIndex => Drop(RecordChanges.StoppedIndexDropped),
            RecordKind.JobInputsIndex => Drop(RecordChanges.InputsIndexDropped),
            RecordKind.Scratch => ConvertScratch(key),
            RecordKind.OpenCommit => _openCommitIds.Contains(ByteString.CopyFrom(key.Id))
                ? RecordChange.Keep
                : Drop(RecordChanges.StaleOpenCommitDropped),
            _ => RecordChange.Keep,
        };
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<RecordAddition> AdditionsAsync(
        Func<KeyRange, IAsyncEnumerable<IReadOnlyList<StoredRecord>>> readSource,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (OpenCommit commit in _inventory.OpenCommits.OrderBy(commit => commit.ModRevision).Where(commit => !_inventory.OpenCommitEntries.Contains(commit.Id)))
        {
            Commit value = new() { Repo = new Repo { Name = commit.Repo }, Id = commit.Id };
            yield return Addition(_keys.OpenCommit(commit.Id.Span), value.ToByteArray(), RecordChanges.OpenCommitAdded);
        }

        foreach ((ByteString name, RepoFacts facts) in _inventory.Repos.Where(repo => repo.Value is { Exists: true, HasRefCount: false }))
        {
            yield return Addition(_keys.RepoRefCount(name.Span), RefCountValue(name), RecordChanges.RefCountAdded);
        }

        await foreach (RecordAddition addition in IndexAdditions.FindAsync(_inventory, readSource, JobForIndex, cancellationToken))
        {
            yield return addition;
        }
    }

    /// <inheritdoc/>
    public string? Audit(in StoredRecord before, in RecordChange change) => _audit.Check(before, change);

    /// <inheritdoc/>
    public string? AuditAddition(in RecordAddition addition) => _audit.Check(addition);

    private static RecordDecoder Decoder => s_decoder ??= new RecordDecoder();

    private static RecordChange Drop(RecordChanges what) => RecordChange.Drop((ulong)what);

    private static RecordAddition Addition(byte[] key, byte[] value, RecordChanges what) => new(key, value, (ulong)what);

    private RecordChange ConvertMessage(in RecordKey key, in StoredRecord record)
    {
        RecordEncoding encoding = Decoder.Decode(key.Kind, record.Value.Span, out ReadOnlySpan<byte> wire, out string? problem);

        // The survey has checked every record; only if it found unreadable ones must they be told apart again.
        if (encoding == RecordEncoding.Neither || (_hasUnreadable && !IsSound(key, wire, out problem)))
        {
            return _quarantine
                ? RecordChange.Quarantine
                : throw new InvalidOperationException($"{KeyText.Show(record.Key.Span)}: {problem}");
        }

        if (key.Kind is RecordKind.Pipeline or RecordKind.Job)
        {
            return Mend(key, record, encoding, wire);
        }

        return encoding == RecordEncoding.Text
            ? RecordChange.Replace(wire.ToArray(), (ulong)RecordChanges.Reencoded)
            : RecordChange.Keep;
    }

    private static bool IsSound(in RecordKey key, ReadOnlySpan<byte> wire, out string? problem)
    {
        try
        {
            problem = key.Kind switch
            {
                RecordKind.Repo => RecordRules.Check(key, RepoInfo.Parser.ParseFrom(wire)),
                RecordKind.Commit => RecordRules.Check(key, CommitInfo.Parser.ParseFrom(wire)),
                RecordKind.Branch => RecordRules.CheckBranch(key, Commit.Parser.ParseFrom(wire)),
                RecordKind.Pipeline => RecordRules.Check(key, PipelineInfo.Parser.ParseFrom(wire)),
                _ => RecordRules.Check(key, JobInfo.Parser.ParseFrom(wire)),
            };
        }
        catch (InvalidProtocolBufferException exception)
        {
            problem = exception.Message;
        }

        return problem is null;
    }

    private RecordChange Mend(in RecordKey key, in StoredRecord record, RecordEncoding encoding, ReadOnlySpan<byte> wire)
    {
        bool isText = encoding == RecordEncoding.Text;
        RecordChanges changes = isText ? RecordChanges.Reencoded : RecordChanges.None;
        ReadOnlySpan<byte> cleaned = isText ? Leftovers.Remove(key.Kind, wire, ref changes) : wire;
        IMessage mended;
        if (key.Kind == RecordKind.Pipeline)
        {
            PipelineInfo pipeline = PipelineInfo.Parser.ParseFrom(cleaned);
            changes |= PipelineConverter.Mend(pipeline, isText, _saltsExist);
            mended = pipeline;
        }
        else
        {
            JobInfo job = JobInfo.Parser.ParseFrom(cleaned);
            changes |= MendJob(job, isText);
            mended = job;
        }

        return changes == RecordChanges.None ? RecordChange.Keep : RecordChange.Replace(mended.ToByteArray(), (ulong)changes);
    }

    private RecordChanges MendJob(JobInfo job, bool isText)
    {
        PipelineInfo? pipeline = job.Pipeline is { } owner ? _pipelines.GetValueOrDefault(owner.Name) : null;
        return PipelineConverter.Mend(job, pipeline?.Input, pipeline?.Salt ?? ByteString.Empty, isText, _saltsExist);
    }

    private JobInfo? JobForIndex(in StoredRecord record)
    {
        RecordEncoding encoding = Decoder.Decode(RecordKind.Job, record.Value.Span, out ReadOnlySpan<byte> wire, out _);
        if (encoding == RecordEncoding.Neither || (_hasUnreadable && !IsSound(_keys.Parse(record.Key.Span), wire, out _)))
        {
            return null;
        }

        JobInfo job = JobInfo.Parser.ParseFrom(wire);
        MendJob(job, encoding == RecordEncoding.Text);
        return job;
    }

    private RecordChange ConvertRefCount(in RecordKey key, in StoredRecord record)
    {
        ByteString repo = ByteString.CopyFrom(key.Repo);
        if (!_inventory.RefCounts.ContainsKey(repo))
        {
            return RecordChange.Keep;
        }

        byte[] expected = RefCountValue(repo);
        return record.Value.Span.SequenceEqual(expected)
            ? RecordChange.Keep
            : RecordChange.Replace(expected, (ulong)RecordChanges.RefCountCorrected);
    }

    private RecordChange ConvertScratch(in RecordKey key)
    {
        // 1.4 took writes to finished commits and lost them; 1.5 would not know what to do with what is left of them.
        bool isLate = !_openCommitIds.Contains(ByteString.CopyFrom(key.Id)) && _inventory.HasCommit(key.Repo, key.Id);
        return isLate ? Drop(RecordChanges.LateScratchDropped) : RecordChange.Keep;
    }

    private byte[] RefCountValue(ByteString repo) =>
        Encoding.ASCII.GetBytes(_inventory.RefCounts[repo].ToString(CultureInfo.InvariantCulture));
}
