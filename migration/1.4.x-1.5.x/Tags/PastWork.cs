using Google.Protobuf;
using Pachyderm.Formats;
using Pachyderm.Formats.V1_5;
using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>
/// What the pipelines of a cluster have worked on: a scan of the image for jobs, one for branches and one for commits. Memory: some 100
/// bytes a job of a present pipeline, and what <see cref="CommitTrees"/> takes.
/// </summary>
internal sealed class PastWork
{
    private readonly RecordClassifier _classifier;
    private readonly RecordDecoder _decoder = new();
    private readonly Dictionary<ByteString, PastPipeline> _pipelines;
    private readonly Dictionary<(ByteString Repo, ByteString Branch), ByteString> _heads = [];
    private readonly HashSet<(ByteString Repo, ByteString Branch)> _followed = [];

    private PastWork(ClusterInventory inventory)
    {
        _classifier = inventory.Classifier;

        // A pipeline without an id was made by 1.5.1 or later, whose names all its results have.
        _pipelines = inventory.Pipelines.Values
            .Where(pipeline => pipeline.Record.Transform is not null && !pipeline.Record.Id.IsEmpty)
            .ToDictionary(pipeline => pipeline.Name, pipeline => new PastPipeline(pipeline.Record));
        foreach (Input input in _pipelines.Values.Select(pipeline => pipeline.Input).OfType<Input>())
        {
            _followed.UnionWith(InputShape.Of(input, out _).Leaves.Select(leaf => (leaf.Repo, leaf.Branch)));
        }
    }

    /// <summary>The pipelines, in byte order of their names.</summary>
    public IEnumerable<PastPipeline> Pipelines =>
        _pipelines.OrderBy(pipeline => pipeline.Key.ToStringUtf8(), StringComparer.Ordinal).Select(pipeline => pipeline.Value);

    /// <summary>The commits that the jobs read.</summary>
    public CommitTrees Commits { get; } = new();

    /// <summary>Reads an image of the metadata. Records that cannot be read are left out; the survey reports them.</summary>
    public static async Task<PastWork> ReadAsync(EtcdSnapshotFile source, ClusterInventory inventory, CancellationToken cancellationToken)
    {
        PastWork work = new(inventory);
        ClusterKeys keys = inventory.Classifier.Keys;
        await work.ScanAsync(source, RecordKind.Job, keys, cancellationToken);
        await work.ScanAsync(source, RecordKind.Branch, keys, cancellationToken);
        foreach (PastPipeline pipeline in work._pipelines.Values)
        {
            pipeline.AddHeads(work._heads, work.Commits);
        }

        await work.ScanAsync(source, RecordKind.Commit, keys, cancellationToken);
        return work;
    }

    private async Task ScanAsync(EtcdSnapshotFile source, RecordKind kind, ClusterKeys keys, CancellationToken cancellationToken)
    {
        await foreach (
            IReadOnlyList<StoredRecord> page in source.ReadByRevisionAsync(KeyRange.Prefix(keys.Prefix(kind)), cancellationToken))
        {
            foreach (StoredRecord record in page)
            {
                if (_classifier.IsDurable(record))
                {
                    Observe(kind, record);
                }
            }
        }
    }

    private void Observe(RecordKind kind, in StoredRecord record)
    {
        RecordKey key = _classifier.Keys.Parse(record.Key.Span);
        if (key.Kind != kind || _decoder.Decode(kind, record.Value.Span, out ReadOnlySpan<byte> wire, out _) == RecordEncoding.Neither)
        {
            return;
        }

        try
        {
            switch (kind)
            {
                case RecordKind.Job:
                    ObserveJob(JobInfo.Parser.ParseFrom(wire));
                    break;
                case RecordKind.Branch:
                    ObserveBranch(key, Commit.Parser.ParseFrom(wire));
                    break;
                default:
                    ObserveCommit(key, CommitInfo.Parser.ParseFrom(wire));
                    break;
            }
        }
        catch (InvalidProtocolBufferException)
        {
            // Unreadable: the survey has reported it, and it stops a migration unless it is set aside.
            return;
        }
    }

    private void ObserveJob(JobInfo job)
    {
        if (job.Pipeline is { } owner && _pipelines.TryGetValue(owner.Name, out PastPipeline? pipeline) && pipeline.Owns(job))
        {
            pipeline.Add(job, Commits);
        }
    }

    private void ObserveBranch(in RecordKey key, Commit head)
    {
        (ByteString Repo, ByteString Branch) branch = (ByteString.CopyFrom(key.Repo), ByteString.CopyFrom(key.Name));
        if (_followed.Contains(branch))
        {
            _heads[branch] = head.Id;
        }
    }

    private void ObserveCommit(in RecordKey key, CommitInfo commit)
    {
        if (commit.Tree is { } tree)
        {
            Commits.SetTree(ByteString.CopyFrom(key.Repo), ByteString.CopyFrom(key.Id), tree.Hash);
        }
    }
}
