using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Pachyderm.Errors;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;

namespace Pachyderm.Pps.Records;

/// <summary>
/// Records in the metadata store: JSON with the number of their format and the lowest of a reader. What a later release wrote is refused if
/// it says that this one cannot read it.
/// </summary>
internal static class RecordCodec
{
    /// <summary>The format that this release writes.</summary>
    public const int Format = 1;

    /// <summary>The lowest format whose programs may read what this release writes.</summary>
    public const int MinReader = 1;

    public static byte[] Encode(PipelineRecord record) => JsonSerializer.SerializeToUtf8Bytes(
        new PipelineDocument
        {
            Format = Format,
            MinReader = MinReader,
            Name = record.Pipeline.Name.Value,
            Version = record.Pipeline.Version,
            Salt = record.Pipeline.Salt.Value,
            Created = record.Pipeline.Created.UtcTicks,
            Input = record.Pipeline.Input.ToDocument(),
            Workload = record.Pipeline.Workload.ToDocument(),
            Description = record.Pipeline.Description,
            State = (int)record.Pipeline.State,
            JobCounts = [.. Enum.GetValues<JobState>().Select(state => record.Pipeline.JobCounts[state])],
            RecentError = record.Pipeline.RecentError,
            LegacyId = record.Pipeline.LegacyId,
            Revision = record.Revision,
        },
        RecordJson.Default.PipelineDocument);

    public static PipelineRecord DecodePipeline(ReadOnlyMemory<byte> bytes, string thing) => Decode(
        bytes,
        thing,
        RecordJson.Default.PipelineDocument,
        static document => (document.Format, document.MinReader),
        static document => new PipelineRecord(
            new Pipeline(
                new PipelineName(document.Name),
                document.Version,
                new Salt(document.Salt),
                DocumentMapping.Time(document.Created),
                document.Input.ToInput(),
                document.Workload.ToWorkload())
            {
                Description = document.Description,
                State = Defined((PipelineState)document.State),
                JobCounts = JobCounts.From(document.JobCounts.Select(static (count, state) => KeyValuePair.Create((JobState)state, count))),
                RecentError = document.RecentError,
                LegacyId = document.LegacyId,
            },
            document.Revision));

    public static byte[] Encode(JobRecord record)
    {
        Job job = record.Job;
        return JsonSerializer.SerializeToUtf8Bytes(
            new JobDocument
            {
                Format = Format,
                MinReader = MinReader,
                Id = job.Id.Value,
                Pipeline = job.Pipeline.Value,
                PipelineVersion = job.PipelineVersion,
                Salt = job.Salt.Value,
                Input = job.Input.ToDocument(),
                Workload = job.Workload.ToDocument(),
                Started = job.Started.UtcTicks,
                NewCommit = job.NewCommit.ToDocument(),
                Parent = job.Parent?.Value,
                State = (int)job.State,
                Finished = job.Finished?.UtcTicks,
                Output = job.OutputCommit.ToDocument(),
                IsOutputDisjoint = job.IsOutputDisjoint,
                Statistics = job.StatsCommit.ToDocument(),
                Restarts = job.Restarts,
                Total = job.DataTotal,
                Processed = job.DataProcessed,
                Skipped = job.DataSkipped,
                Stats = job.Stats.ToDocument(),
                Reason = job.Reason,
                Queued = record.Queued,
                Revision = record.Revision,
            },
            RecordJson.Default.JobDocument);
    }

    public static JobRecord DecodeJob(ReadOnlyMemory<byte> bytes, string thing) => Decode(
        bytes,
        thing,
        RecordJson.Default.JobDocument,
        static document => (document.Format, document.MinReader),
        static document => new JobRecord(
            Job.Restore(
                new Job(
                    new JobId(document.Id),
                    new PipelineName(document.Pipeline),
                    document.PipelineVersion,
                    new Salt(document.Salt),
                    document.Input.ToInput(),
                    document.Workload.ToWorkload(),
                    DocumentMapping.Time(document.Started))
                {
                    NewCommit = document.NewCommit.ToCommit(),
                    Parent = document.Parent is { } parent ? new JobId(parent) : null,
                },
                Defined((JobState)document.State),
                new JobProgress(document.Total, document.Processed, document.Skipped, document.Stats.ToStats()),
                new JobOutcome(
                    document.Restarts,
                    document.Finished is { } finished ? DocumentMapping.Time(finished) : null,
                    document.Output.ToCommit(),
                    document.Statistics.ToCommit(),
                    document.Reason,
                    document.IsOutputDisjoint)),
            document.Queued,
            document.Revision));

    public static byte[] Encode(DatumRecord record) => JsonSerializer.SerializeToUtf8Bytes(
        new DatumDocument
        {
            Format = Format,
            MinReader = MinReader,
            Tag = record.Tag.ToString(),
            Failed = record.Failed,
            Failures = record.Failures,
            Stats = record.Stats.ToDocument(),
            Reason = record.Reason,
        },
        RecordJson.Default.DatumDocument);

    public static DatumRecord DecodeDatum(int index, ReadOnlyMemory<byte> bytes, string thing) => Decode(
        bytes,
        thing,
        RecordJson.Default.DatumDocument,
        static document => (document.Format, document.MinReader),
        document => new DatumRecord(
            index,
            DatumTag.TryParse(document.Tag, out DatumTag tag) ? tag : throw new FormatException("its tag is none"),
            document.Failed,
            document.Failures,
            document.Stats.ToStats(),
            document.Reason));

    // Binary, since there is one for each datum ever processed: format, lowest reader, two bytes 0, length of the job's identifier, the
    // identifier, the output.
    public static byte[] Encode(ResultRecord record)
    {
        byte[] job = Encoding.UTF8.GetBytes(record.Job.Value);
        return [Format, MinReader, 0, 0, checked((byte)job.Length), .. job, .. record.Output.Span];
    }

    public static ResultRecord DecodeResult(ReadOnlyMemory<byte> bytes, string thing)
    {
        const int Header = 5;
        ReadOnlySpan<byte> span = bytes.Span;
        if (span.Length < Header || span.Length < Header + span[Header - 1])
        {
            throw Damaged(thing, "it is too short", null);
        }
        Check(span[0], span[1], thing);
        int job = span[Header - 1];
        return new ResultRecord(new JobId(Encoding.UTF8.GetString(span.Slice(Header, job))), bytes[(Header + job)..]);
    }

    private static TRecord Decode<TDocument, TRecord>(
        ReadOnlyMemory<byte> bytes,
        string thing,
        JsonTypeInfo<TDocument> type,
        Func<TDocument, (int Format, int MinReader)> formats,
        Func<TDocument, TRecord> map)
        where TDocument : class
    {
        try
        {
            TDocument document = JsonSerializer.Deserialize(bytes.Span, type) ?? throw new FormatException("it is null");
            (int format, int minReader) = formats(document);
            Check(format, minReader, thing);
            return map(document);
        }
        catch (Exception e) when (e is JsonException or FormatException or ArgumentException)
        {
            throw Damaged(thing, "it cannot be read", e);
        }
    }

    private static T Defined<T>(T value)
        where T : struct, Enum =>
        Enum.IsDefined(value) ? value : throw new FormatException($"there is no state {value}");

    private static void Check(int format, int minReader, string thing)
    {
        if (minReader > Format)
        {
            throw new OperatorException(
                "record-format-unknown",
                thing,
                $"it has format {format} and this release reads up to format {Format}",
                "use the release that wrote it");
        }
        if (format < 1 || minReader < 1)
        {
            throw Damaged(thing, "it has no format", null);
        }
    }

    private static CorruptionException Damaged(string thing, string problem, Exception? inner) =>
        new("record-damaged", thing, problem, "restore the metadata from a backup", inner);
}
