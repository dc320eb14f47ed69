using System.Text;
using Pachyderm.Metadata;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Specs;
using Pachyderm.Storage.Content;

namespace Pachyderm.Pps.Records;

/// <summary>The records of this room as a transaction of the metadata store sees them. Valid as long as that is.</summary>
/// <param name="reader">The transaction.</param>
public class PpsReader(IMetadataReader reader)
{
    /// <summary>The longest page that is read at a time.</summary>
    internal const int Page = 1_000;

    /// <summary>The pipeline, or null.</summary>
    /// <exception cref="Errors.OperatorException">A later release wrote it, or it is damaged.</exception>
    public PipelineRecord? FindPipeline(PipelineName name) =>
        reader.FindRow(RowSpace.Pipelines, Encoding.UTF8.GetBytes(name.Value)) is { } row
            ? RecordCodec.DecodePipeline(row, $"pipeline {name}")
            : null;

    /// <summary>All pipelines, last written first.</summary>
    public IReadOnlyList<PipelineRecord> ListPipelines() =>
    [
        .. Rows(RowSpace.Pipelines, [])
            .Select(static row => RecordCodec.DecodePipeline(row.Value, $"pipeline {Encoding.UTF8.GetString(row.Key.Span)}"))
            .OrderByDescending(static record => record.Revision),
    ];

    /// <summary>The job, or null.</summary>
    public JobRecord? FindJob(JobId id) =>
        reader.FindRow(RowSpace.Jobs, Encoding.UTF8.GetBytes(id.Value)) is { } row ? RecordCodec.DecodeJob(row, $"job {id}") : null;

    /// <summary>A page of jobs, last written first.</summary>
    /// <param name="pipeline">Only the jobs of this pipeline, or null.</param>
    /// <param name="before">Only jobs whose revision is below this; null to begin with the last written.</param>
    /// <param name="limit">Largest number of jobs, above 0.</param>
    public IReadOnlyList<JobRecord> ListJobs(PipelineName? pipeline, long? before, int limit)
    {
        byte[] prefix = new RowKey().Text(pipeline?.Value ?? "").ToArray();
        ReadOnlyMemory<byte>? after = null;
        if (before is { } revision)
        {
            after = new RowKey().Text(pipeline?.Value ?? "").Descending(revision).ToArray();
        }
        return [.. reader.ListRows(RowSpace.JobsByRevision, prefix, after, limit).Select(Job)];
    }

    /// <summary>The jobs of a pipeline that have exactly an input.</summary>
    public IReadOnlyList<Job> ListJobsWith(PipelineName pipeline, Input input) =>
    [
        .. Rows(RowSpace.JobsByInput, new RowKey().Text(pipeline.Value).Input(input).ToArray())
            .Select(row => Job(row).Job).Where(job => job.Input == input),
    ];

    /// <summary>The jobs of a pipeline that have not ended, first triggered first.</summary>
    public IReadOnlyList<JobRecord> ListQueue(PipelineName pipeline) =>
        [.. Rows(RowSpace.JobQueue, new RowKey().Text(pipeline.Value).ToArray()).Select(Job)];

    /// <summary>The job of a pipeline whose turn it is; null if all have ended.</summary>
    public JobRecord? FindNextJob(PipelineName pipeline) =>
        reader.ListRows(RowSpace.JobQueue, new RowKey().Text(pipeline.Value).ToArray(), null, 1) is [{ } first] ? Job(first) : null;

    /// <summary>A page of the datums that a job has processed, by place.</summary>
    /// <param name="job">The job.</param>
    /// <param name="after">Only datums behind this place; -1 to begin.</param>
    /// <param name="limit">Largest number of datums, above 0.</param>
    public IReadOnlyList<DatumRecord> ListDatums(JobId job, int after, int limit)
    {
        byte[] prefix = new RowKey().Text(job.Value).ToArray();
        ReadOnlyMemory<byte>? behind = null;
        if (after >= 0)
        {
            behind = new RowKey().Text(job.Value).Ascending(after).ToArray();
        }
        return
        [
            .. reader.ListRows(RowSpace.Datums, prefix, behind, limit).Select(row =>
            {
                int index = checked((int)RowKey.LastNumber(row.Key.Span));
                return RecordCodec.DecodeDatum(index, row.Value, $"datum {index} of job {job}");
            }),
        ];
    }

    /// <summary>The result under a tag, or null.</summary>
    public ResultRecord? FindResult(DatumTag tag)
    {
        Span<byte> key = stackalloc byte[ChunkId.Length + sizeof(ushort)];
        key = key[..RowKey.Tag(tag, key)];
        return reader.FindRow(RowSpace.Results, key) is { } row ? RecordCodec.DecodeResult(row, $"result {tag}") : null;
    }

    /// <summary>Finds out which tags have a result; for <see cref="IDatumResults"/>.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="known">Receives an answer for each, at its place.</param>
    public void FindResults(ReadOnlySpan<DatumTag> tags, Span<bool> known)
    {
        Span<byte> key = stackalloc byte[ChunkId.Length + sizeof(ushort)];
        for (int i = 0; i < tags.Length; i++)
        {
            known[i] = reader.HasRow(RowSpace.Results, key[..RowKey.Tag(tags[i], key)]);
        }
    }

    /// <summary>A page of all results, for those who must know what is in use.</summary>
    /// <param name="after">Only results behind this tag; null to begin.</param>
    /// <param name="limit">Largest number of results, above 0.</param>
    public IReadOnlyList<KeyValuePair<DatumTag, ResultRecord>> ListResults(DatumTag? after, int limit)
    {
        ReadOnlyMemory<byte>? behind = null;
        if (after is { } last)
        {
            Span<byte> key = stackalloc byte[ChunkId.Length + sizeof(ushort)];
            behind = key[..RowKey.Tag(last, key)].ToArray();
        }
        return
        [
            .. reader.ListRows(RowSpace.Results, [], behind, limit).Select(static row =>
            {
                DatumTag tag = TagOf(row.Key.Span);
                return KeyValuePair.Create(tag, RecordCodec.DecodeResult(row.Value, $"result {tag}"));
            }),
        ];
    }

    /// <summary>The commits that a pipeline keeps until others arrive, oldest first for each repo.</summary>
    public IReadOnlyList<CommitRef> ListWaiting(PipelineName pipeline) =>
        [.. Rows(RowSpace.Waiting, new RowKey().Text(pipeline.Value).ToArray()).Select(row => Waiting(pipeline, row))];

    /// <summary>Whether a pipeline has considered a commit, or is never to consider it.</summary>
    public bool HasArrived(PipelineName pipeline, CommitRef commit) => reader.HasRow(RowSpace.Arrived, ArrivedKey(pipeline, commit));

    /// <summary>A page of the commits that a pipeline has considered, or is never to consider.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="after">Only commits behind this one; null to begin.</param>
    /// <param name="limit">Largest number of commits, above 0.</param>
    public IReadOnlyList<CommitRef> ListArrived(PipelineName pipeline, CommitRef? after, int limit)
    {
        byte[] prefix = new RowKey().Text(pipeline.Value).ToArray();
        ReadOnlyMemory<byte>? behind = null;
        if (after is { } last)
        {
            behind = ArrivedKey(pipeline, last);
        }
        return
        [
            .. reader.ListRows(RowSpace.Arrived, prefix, behind, limit).Select(row =>
            {
                string[] parts = Encoding.UTF8.GetString(row.Key.Span[prefix.Length..]).Split('\0');
                return new CommitRef(parts[0], parts[1]);
            }),
        ];
    }

    /// <summary>The last change of the feed that a pipeline has considered; 0 if none.</summary>
    public long FindCursor(PipelineName pipeline) =>
        reader.FindRow(RowSpace.Cursors, Encoding.UTF8.GetBytes(pipeline.Value)) is { Length: sizeof(long) } row
            ? RowKey.LastNumber(row.Span)
            : 0;

    /// <summary>A page of the pieces of a job's log, oldest first.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="job">The job.</param>
    /// <param name="after">Only pieces behind this number; 0 to begin.</param>
    /// <param name="limit">Largest number of pieces, above 0.</param>
    /// <returns>Number and content of each.</returns>
    public IReadOnlyList<KeyValuePair<long, ReadOnlyMemory<byte>>> ListLogs(PipelineName pipeline, JobId job, long after, int limit)
    {
        byte[] prefix = LogKey(pipeline, job).ToArray();
        return
        [
            .. reader.ListRows(RowSpace.Logs, prefix, LogKey(pipeline, job).Ascending(after).ToArray(), limit)
                .Select(static row => KeyValuePair.Create(RowKey.LastNumber(row.Key.Span), row.Value)),
        ];
    }

    /// <summary>All rows with a prefix, read in pages.</summary>
    internal IEnumerable<StoredRow> Rows(int space, byte[] prefix)
    {
        ReadOnlyMemory<byte>? after = null;
        while (true)
        {
            IReadOnlyList<StoredRow> page = reader.ListRows(space, prefix, after, Page);
            foreach (StoredRow row in page)
            {
                yield return row;
            }
            if (page.Count < Page)
            {
                yield break;
            }
            after = page[^1].Key;
        }
    }

    internal static RowKey LogKey(PipelineName pipeline, JobId job) => new RowKey().Text(pipeline.Value).Text(job.Value);

    internal static byte[] ArrivedKey(PipelineName pipeline, CommitRef commit) =>
        new RowKey().Text(pipeline.Value).Text(commit.Repo).Text(commit.Id).ToArray();

    internal static CommitRef Waiting(PipelineName pipeline, StoredRow row)
    {
        int start = Encoding.UTF8.GetByteCount(pipeline.Value) + 1;
        ReadOnlySpan<byte> repo = row.Key.Span[start..^(sizeof(long) + 1)];
        return new CommitRef(Encoding.UTF8.GetString(repo), Encoding.UTF8.GetString(row.Value.Span));
    }

    private static DatumTag TagOf(ReadOnlySpan<byte> key) => key.Length == ChunkId.Length
        ? new DatumTag(null, new ChunkId(key))
        : new DatumTag((ushort)((key[0] << 8) | key[1]), new ChunkId(key[sizeof(ushort)..]));

    private JobRecord Job(StoredRow index)
    {
        JobId id = new(Encoding.UTF8.GetString(index.Value.Span));
        return FindJob(id) ?? throw new Errors.CorruptionException(
            "job-missing", $"job {id}", "an index names it, but it has no record", "restore the metadata from a backup");
    }
}
