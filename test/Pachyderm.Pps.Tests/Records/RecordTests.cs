using System.Text;
using Pachyderm.Errors;
using Pachyderm.Metadata;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Specs;
using Pachyderm.Pps.Triggers;

namespace Pachyderm.Pps.Tests.Records;

public sealed class RecordTests : IAsyncLifetime
{
    private static readonly PipelineName Name = new("p");

    internal static readonly ProcessStats Stats = new(TimeSpan.FromTicks(1), TimeSpan.FromTicks(2), TimeSpan.FromTicks(3), 4, 5);

    internal static readonly Input EveryKind = new CrossInput([
        new AtomInput("a", "ra", "b", "c", "/*", Lazy: true, FromCommit: "f"),
        new UnionInput([new CronInput("t", "rt", "", "@daily", Given.Now.AddTicks(7)), new CronInput("u", "ru", "x", "@daily", null)]),
    ]);

    internal static readonly Workload Everything = new(
        new Transform
        {
            Image = "i",
            Cmd = ["sh", "", "\u00e9\U0001F600"],
            Env = [new("A", ""), new("B", "2")],
            Secrets = [new SecretMount("s", "/s")],
            Stdin = ["x"],
            AcceptReturnCode = [1, -1, long.MaxValue],
            Debug = true,
            ImagePullSecrets = ["p"],
        },
        "out")
    {
        Parallelism = new ParallelismSpec(ulong.MaxValue, 0.1),
        Resources = new ResourceSpec(0.1f, "1M", 2),
        Egress = new Egress("s3://b"),
        ScaleDownThreshold = TimeSpan.FromSeconds(1.5),
        Incremental = true,
        CacheSize = "1G",
        EnableStats = true,
        Batch = true,
    };

    private readonly string folder = Directory.CreateTempSubdirectory("pps-records-").FullName;
    private SqliteMetadataStore store = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => store = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await store.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_pipeline_is_read_as_it_was_written()
    {
        Pipeline pipeline = PipelineOf(EveryKind) with
        {
            Workload = Everything,
            Description = "d",
            State = PipelineState.Failure,
            JobCounts = default(JobCounts).Move(null, JobState.Killed),
            RecentError = "e",
            LegacyId = "l",
        };

        await WriteAsync(writer => writer.PutPipeline(pipeline));
        await ReopenAsync();

        Assert.Equal(pipeline, (await ReadAsync(static reader => reader.FindPipeline(Name)))!.Pipeline);
    }

    [Fact]
    public async Task A_job_is_read_as_it_was_written()
    {
        Job job = (JobOf(EveryKind) with { Workload = Everything, NewCommit = new CommitRef("ra", "c"), Parent = JobId.New() })
            .Run(9).Restart("lost").Run(10).Advance(1, 2, Stats)
            .Commit(new CommitRef("p", "o"), isDisjoint: true, new CommitRef("p", "s")).Succeed(Given.Now);

        await WriteAsync(writer => writer.PutJob(job));
        await ReopenAsync();

        Assert.Equal(job, (await ReadAsync(reader => reader.FindJob(job.Id)))!.Job);
    }

    [Fact]
    public async Task What_is_small_is_read_as_it_was_written_too()
    {
        Pipeline pipeline = PipelineOf(new AtomInput("", "", "", "", "")) with { Salt = new Salt("") };
        Job job = JobOf(pipeline.Input);

        await WriteAsync(writer =>
        {
            writer.PutPipeline(pipeline);
            writer.PutJob(job);
        });

        Assert.Equal(job, (await ReadAsync(reader => reader.FindJob(job.Id)))!.Job);
        Assert.Equal(
            pipeline with { JobCounts = pipeline.JobCounts.Move(null, JobState.Starting) },
            (await ReadAsync(static reader => reader.FindPipeline(Name)))!.Pipeline);
    }

    [Fact]
    public async Task Pipelines_and_jobs_are_listed_last_written_first()
    {
        Job[] jobs = [.. Enumerable.Range(0, 5).Select(static i => JobOf(Atom($"c{i}")) with { Pipeline = new PipelineName(i == 4 ? "pp" : "p") })];
        await WriteAsync(writer =>
        {
            Array.ForEach(jobs, writer.PutJob);
            writer.PutPipeline(PipelineOf(Atom("")));
            writer.PutPipeline(PipelineOf(Atom("")) with { Name = new PipelineName("q") });
            writer.PutJob(jobs[1].Run(1));
        });

        IReadOnlyList<JobRecord> first = await ReadAsync(static reader => reader.ListJobs(Name, null, 2));
        IReadOnlyList<JobRecord> rest = await ReadAsync(reader => reader.ListJobs(Name, first[^1].Revision, 100));

        Assert.Equal([jobs[1].Id, jobs[3].Id, jobs[2].Id, jobs[0].Id], first.Concat(rest).Select(static record => record.Job.Id));
        Assert.Equal([jobs[1].Id, jobs[4].Id], (await ReadAsync(static reader => reader.ListJobs(null, null, 2))).Select(static record => record.Job.Id));
        Assert.Equal(["p", "q"], (await ReadAsync(static reader => reader.ListPipelines())).Select(static record => record.Pipeline.Name.Value));
    }

    [Fact]
    public async Task The_queue_has_the_jobs_that_have_not_ended_in_the_order_in_which_they_were_triggered()
    {
        Job[] jobs = [.. Enumerable.Range(0, 4).Select(static i => JobOf(Atom($"c{i}")))];
        await WriteAsync(writer =>
        {
            Array.ForEach(jobs, writer.PutJob);
            writer.PutJob(jobs[0].Run(1));
            writer.PutJob(jobs[1].Kill(""));
            writer.DeleteJob(jobs[2].Id);
        });
        await ReopenAsync();

        Assert.Equal([jobs[0].Id, jobs[3].Id], (await ReadAsync(static reader => reader.ListQueue(Name))).Select(static record => record.Job.Id));
        Assert.Equal(jobs[0].Id, (await ReadAsync(static reader => reader.FindNextJob(Name)))!.Job.Id);
        Assert.Null(await ReadAsync(static reader => reader.FindNextJob(new PipelineName("pp"))));
    }

    [Fact]
    public async Task Jobs_are_found_by_their_input()
    {
        Job[] jobs = [JobOf(Atom("1")), JobOf(Atom("2")), JobOf(Atom("1")) with { Pipeline = new PipelineName("q") }];
        await WriteAsync(writer => Array.ForEach(jobs, writer.PutJob));

        Assert.Equal([jobs[0]], await ReadAsync(static reader => reader.ListJobsWith(Name, Atom("1"))));
        await WriteAsync(writer => writer.DeleteJob(jobs[0].Id));
        Assert.Empty(await ReadAsync(static reader => reader.ListJobsWith(Name, Atom("1"))));
    }

    [Fact]
    public async Task Jobs_are_counted_with_their_pipeline_and_told_in_the_feed()
    {
        Job job = JobOf(Atom("1"));
        long before = await store.ReadAsync(static reader => reader.LastChange, Token);
        await WriteAsync(writer =>
        {
            writer.PutPipeline(PipelineOf(Atom("")));
            writer.PutJob(job);
            writer.PutJob(job.Run(1));
            writer.PutJob(job.Run(1).Advance(1, 0, default));
            writer.DeleteJob(job.Id);
        });

        Assert.Equal(
            [KeyValuePair.Create(JobState.Running, 1)], (await ReadAsync(static reader => reader.FindPipeline(Name)))!.Pipeline.JobCounts.NonZero());
        IReadOnlyList<Change> changes = await store.ReadAsync(reader => reader.ListChanges(before, 100), Token);
        Assert.Equal(
            [(ChangeKind.JobChanged, "p", job.Id.Value), (ChangeKind.JobDeleted, "p", job.Id.Value)],
            changes.Where(static change => change.Kind >= ChangeKind.JobChanged).Select(static change => (change.Kind, change.Repo, change.Commit!)).Distinct());
    }

    [Fact]
    public async Task Processed_datums_and_logs_go_with_their_job_and_results_stay()
    {
        Job job = JobOf(Atom("1"));
        Job other = JobOf(Atom("2"));
        DatumTag tag = new(7, Given.Hash("x"));
        DatumRecord[] datums = [.. Enumerable.Range(0, 2_500).Select(i => new DatumRecord(i * 1_000, tag, i % 2 == 0, i, Stats, $"{i}"))];
        await WriteAsync(writer =>
        {
            writer.PutJob(job);
            writer.PutJob(other);
            Array.ForEach(datums, datum => writer.PutDatum(job.Id, datum));
            writer.PutDatum(other.Id, datums[0]);
            writer.PutResult(tag, new ResultRecord(job.Id, new byte[] { 1, 2 }));
            writer.AppendLog(Name, job.Id, ["one"u8.ToArray()]);
            writer.AppendLog(Name, job.Id, ["two"u8.ToArray()]);
        });

        Assert.Equal(datums[..10], await ReadAsync(reader => reader.ListDatums(job.Id, -1, 10)));
        Assert.Equal(datums[10..], await ReadAsync(reader => reader.ListDatums(job.Id, 9_000, 5_000)));
        IReadOnlyList<KeyValuePair<long, ReadOnlyMemory<byte>>> log = await ReadAsync(reader => reader.ListLogs(Name, job.Id, 0, 10));
        Assert.Equal(["one", "two"], log.Select(static piece => Encoding.UTF8.GetString(piece.Value.Span)));
        Assert.Single(await ReadAsync(reader => reader.ListLogs(Name, job.Id, log[0].Key, 10)));
        await WriteAsync(writer => writer.DeleteJob(job.Id));
        Assert.Empty(await ReadAsync(reader => reader.ListDatums(job.Id, -1, 10)));
        Assert.Empty(await ReadAsync(reader => reader.ListLogs(Name, job.Id, 0, 10)));
        Assert.Single(await ReadAsync(reader => reader.ListDatums(other.Id, -1, 10)));
        ResultRecord result = (await ReadAsync(reader => reader.FindResult(tag)))!;
        Assert.Equal((job.Id, 2), (result.Job, result.Output.Length));
    }

    [Fact]
    public async Task Results_of_this_and_of_older_releases_are_found()
    {
        DatumTag[] tags = [.. Enumerable.Range(0, 3_000).Select(static i => new DatumTag(i % 3 == 0 ? null : (ushort)i, Given.Hash($"{i}")))];
        await store.WriteAsync(
            transaction =>
            {
                PpsWriter writer = new(transaction);
                Array.ForEach(tags[..2_999], tag => writer.PutResult(tag, new ResultRecord(new JobId("j"), new byte[] { 1 })));
                transaction.PutTag(new TagRecord(tags[2_999].ToString(), "object"));
                writer.DeleteResult(tags[5]);
                return true;
            },
            Token);
        bool[] known = new bool[tags.Length];

        await new StoredResults(store).FindAsync(tags, known, Token);

        Assert.Equal([5], known.Index().Where(static answer => !answer.Item).Select(static answer => answer.Index));
        IReadOnlyList<KeyValuePair<DatumTag, ResultRecord>> page = await ReadAsync(static reader => reader.ListResults(null, 1_000));
        IReadOnlyList<KeyValuePair<DatumTag, ResultRecord>> rest = await ReadAsync(reader => reader.ListResults(page[^1].Key, 5_000));
        Assert.Equal(tags[..2_999].Where(tag => tag != tags[5]).Order(), page.Concat(rest).Select(static pair => pair.Key).Order());
    }

    [Fact]
    public async Task A_killed_server_considers_every_commit_once()
    {
        TriggerCommit[] commits = [Commit("b1", "a1"), Commit("b2", "a2"), Commit("c1", "a1"), Commit("b3", "a3"), Commit("c3", "a3")];
        List<string?> found = [];
        for (int i = 0; i < commits.Length; i++)
        {
            // Each commit after a restart: only what is stored is known.
            await ReopenAsync();
            Assert.Equal(i, await ReadAsync(static reader => reader.FindCursor(Name)));
            CommitSetFinder finder = new(["b", "c"], ["a"]);
            foreach (CommitRef waiting in await ReadAsync(static reader => reader.ListWaiting(Name)))
            {
                finder.Restore(commits.Single(commit => commit.Commit == waiting));
            }
            CommitArrival arrival = finder.Add(commits[i]);
            found.Add(arrival.Set is { } set ? string.Join(' ', set.Commits.Select(static commit => commit.Id)) : null);
            await WriteAsync(writer => writer.Arrive(Name, commits[i].Commit, arrival, i + 1));
        }

        Assert.Equal([null, null, "b1 c1", null, "b3 c3"], found);
        Assert.Equal(["b3", "c3"], (await ReadAsync(static reader => reader.ListWaiting(Name))).Select(static commit => commit.Id));
        await AssertArrivedAsync(true, commits);
        await AssertArrivedAsync(false, Commit("b4", "a4"));
        await WriteAsync(static writer =>
        {
            writer.PutArrived(Name, new CommitRef("b", "b4"));
            writer.ForgetWaiting(Name, "b");
        });
        await AssertArrivedAsync(true, Commit("b4", "a4"));
        Assert.Equal(["c3"], (await ReadAsync(static reader => reader.ListWaiting(Name))).Select(static commit => commit.Id));
        await WriteAsync(writer => writer.PutPipeline(PipelineOf(Atom(""))));
        Assert.True(await store.WriteAsync(static writer => new PpsWriter(writer).DeletePipeline(Name), Token));
        Assert.False(await store.WriteAsync(static writer => new PpsWriter(writer).DeletePipeline(Name), Token));
        Assert.Empty(await ReadAsync(static reader => reader.ListWaiting(Name)));
        Assert.Equal(0, await ReadAsync(static reader => reader.FindCursor(Name)));
        await AssertArrivedAsync(false, commits);
    }

    [Fact]
    public async Task A_set_lets_go_of_all_that_waited_before_it_even_of_what_could_be_in_none()
    {
        CommitSetFinder finder = new(["a", "b"], ["a"], [[], ["a"]]);
        TriggerCommit[] commits =
            [Root("a1"), Commit("b1", "a1"), Root("b0"), Root("a2"), Commit("b2", "a2"), Root("a3"), Commit("b3", "a3")];
        foreach (TriggerCommit commit in commits)
        {
            CommitArrival arrival = finder.Add(commit);
            await WriteAsync(writer => writer.Arrive(Name, commit.Commit, arrival, 1));
        }

        Assert.Equal(["a3", "b3"], (await ReadAsync(static reader => reader.ListWaiting(Name))).Select(static commit => commit.Id));

        static TriggerCommit Root(string id) => new(new CommitRef(id[..1], id), []);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"format\":1,\"minReader\":1}")]
    [InlineData("""{"format":1,"minReader":1,"name":null,"version":1,"created":1,"input":{"atom":{}},"workload":{}}""")]
    [InlineData("""{"format":1,"minReader":1,"name":"p","version":1,"created":1,"input":{},"workload":{}}""")]
    [InlineData("""{"format":1,"minReader":1,"name":"p","version":1,"created":-1,"input":{"atom":{}},"workload":{}}""")]
    [InlineData("""{"format":1,"minReader":1,"name":"p","version":1,"created":1,"input":{"atom":{}},"workload":{},"state":9}""")]
    [InlineData("""{"format":1,"minReader":1,"name":"p","version":1,"created":1,"input":{"cross":[null]},"workload":{}}""")]
    [InlineData("""{"format":1,"minReader":1,"name":"p","version":1,"created":1,"input":{"atom":{}},"workload":{"env":[["A"]]}}""")]
    [InlineData("""{"format":1,"minReader":1,"name":"p","version":1,"created":1,"input":{"atom":{}},"workload":{"cmd":null}}""")]
    [InlineData("""{"format":0,"minReader":0,"name":"p","version":1,"created":1,"input":{"atom":{}},"workload":{}}""")]
    [InlineData("""{"format":1,"minReader":1,"name":"p","version":1,"created":1,"input":{"atom":{}},"workload":{},"jobCounts":[1,2,3,4,5,6]}""")]
    public void A_damaged_record_is_named(string json)
    {
        var error = Assert.Throws<CorruptionException>(() => RecordCodec.DecodePipeline(Encoding.UTF8.GetBytes(json), "pipeline p"));

        Assert.Equal(("record-damaged", "pipeline p"), (error.Id, error.Thing));
    }

    [Fact]
    public void A_record_of_a_later_release_is_refused_if_it_cannot_be_read()
    {
        byte[] later = """{"format":7,"minReader":2,"name":"p","version":1,"created":1,"input":{"atom":{}},"workload":{}}"""u8.ToArray();
        byte[] readable = """{"format":7,"minReader":1,"name":"p","version":1,"created":1,"input":{"atom":{}},"workload":{},"new":1}"""u8.ToArray();

        Assert.Equal("record-format-unknown", Assert.Throws<OperatorException>(() => RecordCodec.DecodePipeline(later, "pipeline p")).Id);
        Assert.Equal("record-format-unknown", Assert.Throws<OperatorException>(() => RecordCodec.DecodeResult(new byte[] { 2, 2, 0, 0, 0 }, "r")).Id);
        Assert.Equal("p", RecordCodec.DecodePipeline(readable, "pipeline p").Pipeline.Name.Value);
    }

    [Theory]
    [InlineData(new byte[] { })]
    [InlineData(new byte[] { 1, 1, 0, 0, 9, 65 })]
    [InlineData(new byte[] { 0, 0, 0, 0, 0 })]
    public void A_damaged_result_is_named(byte[] bytes) =>
        Assert.Equal("record-damaged", Assert.Throws<CorruptionException>(() => RecordCodec.DecodeResult(bytes, "r")).Id);

    [Fact]
    public void The_form_of_a_record_does_not_change_by_accident()
    {
        Pipeline pipeline = PipelineOf(EveryKind) with { Workload = Everything };
        string json = Encoding.UTF8.GetString(RecordCodec.Encode(new PipelineRecord(pipeline, 12)));

        Assert.Equal(
            """{"format":1,"minReader":1,"name":"p","version":1,"salt":"s","created":636386083000000000,"input":{"cross":[{"atom":{"name":"a","repo":"ra","branch":"b","commit":"c","glob":"/*","lazy":true,"fromCommit":"f","spec":""}},{"union":[{"cron":{"name":"t","repo":"rt","branch":"","commit":"","glob":"","fromCommit":"","spec":"@daily","start":636386083000000007}},{"cron":{"name":"u","repo":"ru","branch":"","commit":"x","glob":"","fromCommit":"","spec":"@daily"}}]}]},"workload":{"image":"i","cmd":["sh","","\u00E9\uD83D\uDE00"],"env":[["A",""],["B","2"]],"secrets":[["s","/s"]],"stdin":["x"],"acceptReturnCode":[1,-1,9223372036854775807],"debug":true,"imagePullSecrets":["p"],"outputBranch":"out","parallelism":{"constant":18446744073709551615,"coefficient":0.1},"resources":{"cpu":0.1,"memory":"1M","gpu":2},"egress":"s3://b","scaleDownThreshold":15000000,"incremental":true,"cacheSize":"1G","enableStats":true,"batch":true},"description":"","jobCounts":[0,0,0,0,0],"recentError":"","legacyId":"","revision":12}""",
            json);
        Assert.Equal(
            "0101000003" + "6a6964" + "0708",
            Convert.ToHexStringLower(RecordCodec.Encode(new ResultRecord(new JobId("jid"), new byte[] { 7, 8 }))));
    }

    private static AtomInput Atom(string commit) => new("r", "r", "master", commit, "/*");

    private static Pipeline PipelineOf(Input input) =>
        new(Name, 1, new Salt("s"), Given.Now, input, new Workload(new Transform(), "master"));

    private static Job JobOf(Input input) => Job.Create(PipelineOf(input), input, Given.Now);

    private static TriggerCommit Commit(string id, string from) => new(new CommitRef(id[..1], id), [new CommitRef(from[..1], from)]);

    private Task<SqliteMetadataStore> OpenAsync() =>
        SqliteMetadataStore.OpenAsync(new SqliteMetadataOptions { Path = Path.Combine(folder, "metadata.db") }, Token);

    private async Task AssertArrivedAsync(bool expected, params TriggerCommit[] commits)
    {
        foreach (TriggerCommit commit in commits)
        {
            Assert.Equal(expected, await ReadAsync(reader => reader.HasArrived(Name, commit.Commit)));
        }
    }

    private async Task ReopenAsync()
    {
        await store.DisposeAsync();
        store = await OpenAsync();
    }

    private Task<T> ReadAsync<T>(Func<PpsReader, T> query) => store.ReadAsync(reader => query(new PpsReader(reader)), Token);

    private Task<bool> WriteAsync(Action<PpsWriter> change) => store.WriteAsync(
        writer =>
        {
            change(new PpsWriter(writer));
            return true;
        },
        Token);
}
