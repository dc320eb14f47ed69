using System.Runtime.CompilerServices;
using Google.Protobuf;
using Pachyderm.Errors;
using Pachyderm.Formats;
using Pachyderm.Formats.Content;
using Pachyderm.Migration.Releases;
using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;
using Old = Pachyderm.Formats.V1_5;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>
/// A cluster of 1.4 or 1.5 as it is imported: every record in the form of 1.5.3, converted in memory by the step that leads there, and its
/// content. Only reads.
/// </summary>
internal sealed class SourceCluster : IDisposable
{
    private readonly EtcdSnapshotFile image;
    private readonly ClusterKeys keys;
    private readonly IMigrationStep step;
    private readonly StepOptions options;
    private readonly IRecordConversion conversion;

    private SourceCluster(
        EtcdSnapshotFile image, ClusterInventory inventory, ClusterKeys keys, LegacyContentStore content, MigrationPath path,
        IMigrationStep step,
        StepOptions options)
    {
        this.image = image;
        this.keys = keys;
        this.step = step;
        this.options = options;
        Inventory = inventory;
        Content = content;
        Path = path;
        conversion = step.Prepare(inventory, options);
    }

    /// <summary>What the survey found.</summary>
    public ClusterInventory Inventory { get; }

    /// <summary>The content store.</summary>
    public LegacyContentStore Content { get; }

    /// <summary>The way to this release.</summary>
    public MigrationPath Path { get; }

    /// <summary>Opens a cluster.</summary>
    /// <param name="image">Its records, as of one revision; the caller's.</param>
    /// <param name="inventory">What a survey of it found.</param>
    /// <param name="request">What the operator asks.</param>
    /// <param name="from">Release of the data.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<SourceCluster> OpenAsync(
        EtcdSnapshotFile image, ClusterInventory inventory, ImportRequest request, ReleaseVersion from, CancellationToken cancellationToken)
    {
        LegacyContentStore content = await LegacyContentStore.OpenAsync(request.Storage!, cancellationToken);
        MigrationPath path = MigrationPath.Find(from, MigrationPath.Native);
        MigrationLeg? leg = path.Legs.FirstOrDefault(
            leg => leg.To.CompareTo(MigrationPath.Newest) == 0 && leg.Kind == MigrationLegKind.Step);
        // What upstream's own migration or an early 1.5 left behind is mended also when the data is of the last 1.5.
        IMigrationStep to15 = StepCatalog.Get(leg?.Folder ?? "1.5.x-1.5.x");
        StepOptions asked = new(MigrationPath.Newest, request.Quarantine, HasStorage: true);
        return new SourceCluster(
            image.Share(), inventory, new ClusterKeys(request.PfsPrefix, request.PpsPrefix), content, path, to15, asked);
    }

    /// <summary>Adds what the step to 1.5.3 has to say.</summary>
    public void Examine(FindingList findings) => step.Examine(Inventory, options, findings);

    /// <summary>The repos, first written first.</summary>
    public IAsyncEnumerable<SourceRecord<Old.RepoInfo>> ReposAsync(CancellationToken cancellationToken) =>
        ReadAsync(RecordKind.Repo, static value => Old.RepoInfo.Parser.ParseFrom(value.Span), cancellationToken);

    /// <summary>The commits, first written first.</summary>
    public IAsyncEnumerable<SourceRecord<Old.CommitInfo>> CommitsAsync(CancellationToken cancellationToken) =>
        ReadAsync(RecordKind.Commit, static value => Old.CommitInfo.Parser.ParseFrom(value.Span), cancellationToken);

    /// <summary>The branches with their heads, first written first.</summary>
    public IAsyncEnumerable<SourceRecord<Old.Commit>> BranchesAsync(CancellationToken cancellationToken) =>
        ReadAsync(RecordKind.Branch, static value => Old.Commit.Parser.ParseFrom(value.Span), cancellationToken);

    /// <summary>The pipelines, first written first.</summary>
    public IAsyncEnumerable<SourceRecord<Old.PipelineInfo>> PipelinesAsync(CancellationToken cancellationToken) =>
        ReadAsync(RecordKind.Pipeline, static value => Old.PipelineInfo.Parser.ParseFrom(value.Span), cancellationToken);

    /// <summary>The jobs, first written first.</summary>
    public IAsyncEnumerable<SourceRecord<Old.JobInfo>> JobsAsync(CancellationToken cancellationToken) =>
        ReadAsync(RecordKind.Job, static value => Old.JobInfo.Parser.ParseFrom(value.Span), cancellationToken);

    /// <summary>The writes to open commits, first written first; null for a deletion.</summary>
    public IAsyncEnumerable<SourceRecord<Old.PutFileRecords?>> WritesAsync(CancellationToken cancellationToken) => ReadAsync(
        RecordKind.Scratch,
        static value => value.Span.SequenceEqual("delete"u8) ? null : Old.PutFileRecords.Parser.ParseFrom(value.Span),
        cancellationToken);

    /// <summary>The parts of a key; valid as long as the key.</summary>
    public RecordKey Parse(ReadOnlySpan<byte> key) => keys.Parse(key);

    /// <inheritdoc/>
    public void Dispose() => image.Dispose();

    private async IAsyncEnumerable<SourceRecord<T>> ReadAsync<T>(
        RecordKind kind, Func<ReadOnlyMemory<byte>, T> parse, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long number = 0;
        await foreach (IReadOnlyList<StoredRecord> page in image.ReadByRevisionAsync(KeyRange.Prefix(keys.Prefix(kind)), cancellationToken))
        {
            foreach (StoredRecord record in page)
            {
                if (keys.Classify(record.Key.Span) != kind)
                {
                    continue;
                }
                RecordChange change = conversion.Convert(record);
                if (change.Kind is RecordChangeKind.Drop or RecordChangeKind.Quarantine)
                {
                    continue;
                }
                yield return new SourceRecord<T>(++number, record.Key, Parse(change.Kind == RecordChangeKind.Replace
                    ? change.Value
                    : record.Value, record));
            }
        }

        T Parse(ReadOnlyMemory<byte> value, in StoredRecord record)
        {
            try
            {
                return parse(value);
            }
            catch (InvalidProtocolBufferException exception)
            {
                throw new CorruptionException(
                    "bad-record", KeyText.Show(record.Key.Span), $"it cannot be read ({exception.Message})",
                    "restore it from a backup of etcd, or leave it behind with --quarantine", exception);
            }
        }
    }
}

/// <summary>A record of the source.</summary>
/// <param name="Number">Its place among those of its kind, from 1, in the order in which they were last written.</param>
/// <param name="Key">Its key.</param>
/// <param name="Value">Its value in the form of 1.5.3.</param>
internal sealed record SourceRecord<T>(long Number, ReadOnlyMemory<byte> Key, T Value);
