using System.Globalization;
using System.Text;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Specs;
using Pachyderm.TestSupport;

namespace Pachyderm.Pps.Tests.Records;

/// <summary>The records of pipelines, jobs and datums do not change without a new number. See <see cref="GoldenFormat"/>.</summary>
public sealed class RecordFormatTests
{
    private static readonly GoldenFormat Golden = new(
        "Pachyderm.Pps.Tests", "records", RecordCodec.Format, nameof(RecordCodec) + "." + nameof(RecordCodec.Format));

    private static readonly PipelineName Name = new("edges");

    private static readonly DatumTag Tag = new(0xc291, Given.Hash("datum"));

    private static readonly PipelineRecord Pipeline = new(
        new Pipeline(Name, 3, new Salt("4dfe62797cf64a0b8e766537a7e6af3c"), Given.Now.AddTicks(1), RecordTests.EveryKind, RecordTests.Everything)
        {
            Description = "d\u00e9",
            State = PipelineState.Failure,
            JobCounts = default(JobCounts).Move(null, JobState.Killed).Move(null, JobState.Success).Move(null, JobState.Success),
            RecentError = "e",
            LegacyId = "l",
        },
        Revision: 1L << 40);

    private static readonly JobRecord EndedJob = new(
        Job.Restore(
            new Job(
                new JobId("0709d51d-116b-4620-9703-b72d825b7ecf"), Name, 3, new Salt("s"), RecordTests.EveryKind, RecordTests.Everything, Given.Now)
            {
                NewCommit = new CommitRef("ra", "c"),
                Parent = new JobId("a189ba04-afc3-4e19-8a8a-8c07c5710e5c"),
            },
            JobState.Failure,
            new JobProgress(9, 5, 3, RecordTests.Stats),
            new JobOutcome(
                2, Given.Now.AddMinutes(1), new CommitRef("edges", "o"), new CommitRef("edges", "s"), "because", IsOutputDisjoint: true)),
        Queued: 7,
        Revision: 8);

    private static readonly JobRecord NewJob = new(
        new Job(new JobId("new"), Name, 1, new Salt(""), new AtomInput("a", "r", "master", "", "/*"), new Workload(new Transform(), "master"), Given.Now),
        Queued: 1,
        Revision: 1);

    private static readonly DatumRecord Datum = new(4, Tag, Failed: true, 4, RecordTests.Stats, "exit 1");

    private static readonly ResultRecord Result = new(new JobId("0709d51d"), new byte[] { 1, 2, 255 });

    [Fact]
    public void The_fields_are_those_of_the_golden_file() => Golden.HasShape(string.Concat(
        string.Create(CultureInfo.InvariantCulture, $"format {RecordCodec.Format}, oldest reader {RecordCodec.MinReader}\n"),
        JsonShape.Of(RecordJson.Default.PipelineDocument, RecordJson.Default.JobDocument, RecordJson.Default.DatumDocument),
        JsonShape.Of(typeof(PipelineState)),
        JsonShape.Of(typeof(JobState))));

    [Fact]
    public void A_pipeline_has_its_golden_bytes()
    {
        Golden.Holds("pipeline.json", RecordCodec.Encode(Pipeline));
        Assert.All(Golden.OfEveryFormat("pipeline.json"), static bytes => Assert.Equal(Pipeline, RecordCodec.DecodePipeline(bytes, "")));
    }

    [Fact]
    public void A_job_that_has_ended_has_its_golden_bytes()
    {
        Golden.Holds("job.json", RecordCodec.Encode(EndedJob));
        Assert.All(Golden.OfEveryFormat("job.json"), static bytes => Assert.Equal(EndedJob, RecordCodec.DecodeJob(bytes, "")));
    }

    [Fact]
    public void A_job_that_is_new_has_its_golden_bytes()
    {
        Golden.Holds("job-new.json", RecordCodec.Encode(NewJob));
        Assert.All(Golden.OfEveryFormat("job-new.json"), static bytes => Assert.Equal(NewJob, RecordCodec.DecodeJob(bytes, "")));
    }

    [Fact]
    public void A_datum_has_its_golden_bytes()
    {
        Golden.Holds("datum.json", RecordCodec.Encode(Datum));
        Assert.All(Golden.OfEveryFormat("datum.json"), static bytes => Assert.Equal(Datum, RecordCodec.DecodeDatum(4, bytes, "")));
    }

    [Fact]
    public void A_result_has_its_golden_bytes()
    {
        Golden.Holds("result.bin", RecordCodec.Encode(Result));
        Assert.All(Golden.OfEveryFormat("result.bin"), static bytes =>
        {
            ResultRecord read = RecordCodec.DecodeResult(bytes, "");
            Assert.Equal((Result.Job, Convert.ToHexString(Result.Output.Span)), (read.Job, Convert.ToHexString(read.Output.Span)));
        });
    }

    [Fact]
    public void Keys_have_their_golden_bytes()
    {
        byte[] tag = new byte[64];
        StringBuilder keys = new();
        Add(RowSpace.Pipelines, Encoding.UTF8.GetBytes(Name.Value));
        Add(RowSpace.Jobs, Encoding.UTF8.GetBytes(NewJob.Job.Id.Value));
        Add(RowSpace.JobsByRevision, new RowKey().Text("").Descending(5).ToArray());
        Add(RowSpace.JobsByRevision, new RowKey().Text(Name.Value).Descending(5).ToArray());
        Add(RowSpace.JobsByInput, new RowKey().Text(Name.Value).Input(RecordTests.EveryKind).Text(NewJob.Job.Id.Value).ToArray());
        Add(RowSpace.JobQueue, new RowKey().Text(Name.Value).Ascending(5).ToArray());
        Add(RowSpace.Datums, new RowKey().Text(NewJob.Job.Id.Value).Ascending(5).ToArray());
        Add(RowSpace.Results, tag.AsSpan(0, RowKey.Tag(Tag, tag)));
        Add(RowSpace.Results, tag.AsSpan(0, RowKey.Tag(new DatumTag(null, Tag.Hash), tag)));
        Add(RowSpace.Waiting, new RowKey().Text(Name.Value).Text("repo").Ascending(5).ToArray());
        Add(RowSpace.Cursors, Encoding.UTF8.GetBytes(Name.Value));
        Add(RowSpace.Logs, PpsReader.LogKey(Name, NewJob.Job.Id).Ascending(5).ToArray());
        Add(RowSpace.Arrived, PpsReader.ArrivedKey(Name, new CommitRef("repo", "commit")));
        Golden.Holds("keys.txt", Encoding.UTF8.GetBytes(keys.ToString()));

        void Add(int space, ReadOnlySpan<byte> key) => keys.Append(CultureInfo.InvariantCulture, $"{space} {Convert.ToHexStringLower(key)}\n");
    }
}
