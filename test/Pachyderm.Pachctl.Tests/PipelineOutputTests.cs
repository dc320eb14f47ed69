using System.IO.Compression;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Pachyderm.Client;
using Pachyderm.Pachctl.Output;
using Pachyderm.Pachctl.Pps;
using Pachyderm.TestSupport;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pps;

namespace Pachyderm.Pachctl.Tests;

/// <summary>What commands on pipelines and jobs print.</summary>
public class PipelineOutputTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    // When each was printed: the moment at which every age in it is right.
    [Fact]
    public void The_table_of_pipelines_is_the_one_that_the_real_command_printed()
    {
        DateTimeOffset printed = new(2026, 11, 22, 21, 30, 12, 793, TimeSpan.Zero);
        string[] real = RealOutput("list-pipeline.txt");

        Assert.Equal(real, Lines(output => PipelineCommands.Write(output, Genuine("pipelines_in_list_order", PipelineInfo.Parser), printed)));
        Assert.True(real.Length > 15);
    }

    [Fact]
    public void The_table_of_jobs_is_the_one_that_the_real_command_printed()
    {
        DateTimeOffset printed = new(2026, 11, 22, 21, 30, 12, 852, TimeSpan.Zero);
        string[] real = RealOutput("list-job.txt");

        Assert.Equal(
            real, Lines(output => JobTable.Write(output, JobCommands.NewestFirst(Genuine("jobs_in_list_order", JobInfo.Parser)), printed)));
        Assert.True(real.Length > 40);
    }

    [Fact]
    public void A_job_without_measures_and_output_is_listed_too() => Assert.Equal(
        [
            "ID OUTPUT COMMIT STARTED     DURATION RESTART PROGRESS  DL UL STATE   ",
            "j  p/-           3 hours ago -        2       0 + 0 / 0 0B 0B running ",
            "k  -             -           -        0       0 + 0 / 0 0B 0B starting ",
        ],
        Lines(output => JobTable.Write(
            output,
            [
                new JobInfo { Job = new Job { Id = "j" }, Pipeline = new Pipeline { Name = "p" }, Started = At(-3), State = JobState.JobRunning, Restart = 2 },
                new JobInfo { Job = new Job { Id = "k" } },
            ],
            Now)).Select(line => line.Replace("running  ", "running ", StringComparison.Ordinal).Replace("STATE    ", "STATE   ", StringComparison.Ordinal)),
        StringComparer.Ordinal);

    [Fact]
    public void A_pipeline_is_described_line_by_line() => Assert.Equal(
        """
        Name: p
        Description: what it does
        Created: 3 hours ago
        State: paused
        Parallelism Spec: constant:2
        ResourceSpec:
        	CPU: 0.5
        	Memory: 64M
        Input:
        {
          "atom": {
            "name": "r",
            "repo": "r",
            "glob": "/*"
          }
        }
        Output Branch: master
        Transform:
        {
          "cmd": [
            "sh"
          ]
        }
        Egress: s3://b/p
        Recent Error: it \x1b[2J broke
        Job Counts:
        starting: 0	running: 0	failure: 1	success: 12	

        """,
        Print(output => PipelineDetails.Write(
            output,
            new PipelineInfo
            {
                Pipeline = new Pipeline { Name = "p" },
                Description = "what it does",
                CreatedAt = At(-3),
                State = PipelineState.PipelinePaused,
                ParallelismSpec = new ParallelismSpec { Constant = 2 },
                ResourceSpec = new ResourceSpec { Cpu = 0.5f, Memory = "64M" },
                Input = Atom("r"),
                OutputBranch = "master",
                Transform = new Transform { Cmd = { "sh" } },
                Egress = new Egress { URL = "s3://b/p" },
                RecentError = "it \x1b[2J broke",
                JobCounts = { [3] = 12, [2] = 1, [4] = 5 },
            },
            Now)));

    [Fact]
    public void A_job_is_described_line_by_line() => Assert.Equal(
        """
        ID: j
        Pipeline: p
        Parent: i
        Started: 3 hours ago
        Duration: 2 hours
        State: failure
        Reason: datum 12ab failed: exit code 1
        Processed: 3
        Skipped: 4
        Total: 8
        Data Downloaded: 5B
        Data Uploaded: 1.5KiB
        Download Time: 1.5ms
        Process Time: 1h0m2.5s
        Upload Time: 0s
        Worker Status:
        WORKER              JOB                 DATUM               STARTED             QUEUE               
        w1                  j                   /a/b                3 hours ago         2                   
        Restarts: 1
        ParallelismSpec: coefficient:0.5
        Input:
        {
          "atom": {
            "name": "r",
            "repo": "r",
            "glob": "/*"
          }
        }
        Transform:
        {}
        Output Commit: c
        Stats Commit: s

        """,
        Print(output => PipelineDetails.Write(
            output,
            new JobInfo
            {
                Job = new Job { Id = "j" },
                Pipeline = new Pipeline { Name = "p" },
                ParentJob = new Job { Id = "i" },
                Started = At(-3),
                Finished = At(-1),
                State = JobState.JobFailure,
                DataProcessed = 3,
                DataSkipped = 4,
                DataTotal = 8,
                Stats = new ProcessStats
                {
                    DownloadBytes = 5,
                    UploadBytes = 1536,
                    DownloadTime = new Duration { Nanos = 1_500_000 },
                    ProcessTime = new Duration { Seconds = 3602, Nanos = 500_000_000 },
                },
                WorkerStatus =
                {
                    new WorkerStatus { WorkerId = "w1", JobId = "j", Started = At(-3), QueueSize = 2, Data = { new InputFile { Path = "/a" }, new InputFile { Path = "/b" } } },
                },
                Restart = 1,
                ParallelismSpec = new ParallelismSpec { Coefficient = 0.5 },
                Input = Atom("r"),
                OutputCommit = new CommitRef("p", "c").ToWire(),
                StatsCommit = new CommitRef("p", "s").ToWire(),
            },
            "datum 12ab failed: exit code 1",
            Now)));

    [Fact]
    public void A_datum_is_described_line_by_line() => Assert.Equal(
        $"""
        ID                d         {""}
        Job ID            j         {""}
        State             SUCCESS   {""}
        Data Downloaded   5B        {""}
        Data Uploaded     0B        {""}
        Total Time        1.5s      {""}
        Download Time     500ms     {""}
        Process Time      1s        {""}
        Upload Time       0s        {""}
        PFS State:
          REPO    COMMIT    PATH      {""}
          p       c         /d/pfs    {""}

        """,
        Print(output => PipelineDetails.Write(
            output,
            new DatumInfo
            {
                Datum = new Datum { Id = "d", Job = new Job { Id = "j" } },
                State = DatumState.Success,
                Stats = new ProcessStats { DownloadBytes = 5, DownloadTime = new Duration { Nanos = 500_000_000 }, ProcessTime = new Duration { Seconds = 1 } },
                PfsState = new CommitRef("p", "c").ToWire("/d/pfs"),
            })));

    [Fact]
    public async Task Datums_are_listed_by_state_and_then_by_time()
    {
        DatumInfo[] datums = [Datum("a", DatumState.Success, 1), Datum("b", DatumState.Starting, null), Datum("c", DatumState.Success, 90), Datum("d", DatumState.Skipped, null), Datum("e", DatumState.Failed, 3)];

        string[] lines = await LinesAsync(output => DatumCommands.WriteAsync(output, datums.ToAsyncEnumerable(), raw: false));

        Assert.Equal(
            ["ID|STATUS|TIME", "e|failed|3 seconds", "c|success|About a minute", "a|success|1 second", "d|skipped|-", "b|-|-"],
            lines.Select(line => string.Join('|', line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))),
            StringComparer.Ordinal);
    }

    [Fact]
    public async Task Very_many_datums_are_listed_in_the_order_they_come()
    {
        const int Many = 100_050;
        IAsyncEnumerable<DatumInfo> datums = Enumerable.Range(0, Many).Select(number => Datum($"d{number:D6}", number == Many - 1 ? DatumState.Failed : DatumState.Success, 1)).ToAsyncEnumerable();

        string[] lines = await LinesAsync(output => DatumCommands.WriteAsync(output, datums, raw: false));

        Assert.Equal(Many + 1, lines.Length);
        Assert.StartsWith("d000000 ", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("d100049 ", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logs_are_what_programs_printed_and_in_raw_form_a_line_of_json_each()
    {
        LogMessage[] lines =
        [
            new() { User = true, Message = "one\n", Ts = At(0) },
            new() { User = true, Message = "cut", JobId = "j" },
            new() { Message = "of a worker" },
            new() { Master = true, Message = "of the server" },
        ];

        Assert.Equal("one\ncut\n", await PrintAsync(output => LogCommand.WriteAsync(output, lines.ToAsyncEnumerable(), raw: false, master: false, flushEach: true)));
        Assert.Equal("one\ncut\nof the server\n", await PrintAsync(output => LogCommand.WriteAsync(output, lines.ToAsyncEnumerable(), raw: false, master: true, flushEach: false)));
        Assert.Equal(
            "{\"ts\":\"2026-01-01T12:00:00.000Z\",\"message\":\"one\\n\",\"user\":true}\n{\"jobId\":\"j\",\"message\":\"cut\",\"user\":true}\n{\"message\":\"of a worker\"}\n{\"message\":\"of the server\",\"master\":true}\n",
            await PrintAsync(output => LogCommand.WriteAsync(output, lines.ToAsyncEnumerable(), raw: true, master: false, flushEach: false)));
    }

    [Fact]
    public async Task Changes_of_jobs_are_a_line_each_where_nobody_looks()
    {
        JobInfo[] changes =
        [
            new() { Job = new Job { Id = "j" }, State = JobState.JobStarting, Started = At(0) },
            new() { Job = new Job { Id = "j" }, State = JobState.JobRunning, Started = At(0) },
        ];

        string[] lines = await LinesAsync(output => JobWatch.PrintAsync(output, changes.ToAsyncEnumerable(), raw: false));
        string raw = await PrintAsync(output => JobWatch.PrintAsync(output, changes.ToAsyncEnumerable(), raw: true));

        Assert.Equal(["STATE", "starting", "running"], lines.Select(line => line.TrimEnd().Split(' ')[^1]), StringComparer.Ordinal);
        Assert.Equal(2, raw.Trim().Split('\n').Length);
    }

    [Fact]
    public async Task It_is_told_of_each_datum_why_it_ran()
    {
        DatumExplanation[] datums =
        [
            Explanation("aaaaaaaaaaaaaaaa", DatumExplanation.Types.Reason.Known, "skipped: its result was known", "/a"),
            Explanation("bbbbbbbbbbbbbbbb", DatumExplanation.Types.Reason.NewFile, "ran: r:/b: new", "/b", ""),
        ];

        string[] all = await LinesAsync(output => ReasonCommands.WriteAsync(output, datums.ToAsyncEnumerable(), onlyThoseThatRan: false, raw: false));
        string[] ran = await LinesAsync(output => ReasonCommands.WriteAsync(output, datums.ToAsyncEnumerable(), onlyThoseThatRan: true, raw: false));

        Assert.Equal(
            [
                $"{"DATUM",-20}{"WHY",-32}{"FILES",-20}",
                $"{"aaaaaaaaaaaa",-20}{"skipped: its result was known",-32}{"/a",-20}",
                $"{"bbbbbbbbbbbb",-20}{"ran: r:/b: new",-32}{"/b /",-20}",
                "1 ran, 1 skipped",
            ],
            all);
        Assert.Equal(3, ran.Length);
    }

    [Fact]
    public void A_lineage_is_a_tree_of_files_and_jobs()
    {
        LineageStep[] steps =
        [
            Step(1, "montage", "m1", ["montage/c1:/all.png"], ["edges/e1:/", "images/i1:/"]),
            Step(2, "edges", "d1", ["edges/e1:/x.png"], ["images/i1:/x.png"]),
            Step(2, "edges", "d2", ["edges/e1:/y.png"], ["images/i1:/y.png"]),
        ];

        Assert.Equal(
            [
                "montage/master:/all.png",
                "└─ ← montage, job m1, 2 hours ago",
                "   ├─ edges/e1:/",
                "   │  ├─ ← edges, job d1, datum 0123456789ab, 2 hours ago",
                "   │  │  └─ images/i1:/x.png",
                "   │  └─ ← edges, job d2, datum 0123456789ab, 2 hours ago",
                "   │     └─ images/i1:/y.png",
                "   └─ images/i1:/",
            ],
            LineageTree.Draw("montage/master:/all.png", steps, downstream: false, Now));
    }

    [Fact]
    public void Downstream_the_tree_goes_the_other_way_and_shows_each_job_once()
    {
        LineageStep[] steps =
        [
            Step(1, "edges", "e", ["edges/e1:/x"], ["images/i1:/x"]),
            Step(1, "montage", "m", ["montage/c1:/"], ["edges/e1:/", "images/i1:/"]),
        ];

        Assert.Equal(
            [
                "images/master:/x",
                "├─ → edges, job e, datum 0123456789ab, 2 hours ago",
                "│  └─ edges/e1:/x",
                "│     └─ → montage, job m, 2 hours ago",
                "│        └─ montage/c1:/",
                "└─ → montage, job m, 2 hours ago ↑",
            ],
            LineageTree.Draw("images/master:/x", steps, downstream: true, Now));
    }

    [Theory]
    [InlineData(0, 0, "0s")]
    [InlineData(0, 100, "100ns")]
    [InlineData(0, 12_345, "12.345µs")]
    [InlineData(0, 1_500_000, "1.5ms")]
    [InlineData(1, 500_000_000, "1.5s")]
    [InlineData(60, 0, "1m0s")]
    [InlineData(3723, 500_000_000, "1h2m3.5s")]
    [InlineData(-5400, 0, "-1h30m0s")]
    public void Durations_are_those_of_go(long seconds, int nanos, string text) =>
        Assert.Equal(text, GoDurations.Format(new Duration { Seconds = seconds, Nanos = nanos }));

    private static Timestamp At(int hours) => Timestamp.FromDateTimeOffset(Now.AddHours(hours));

    private static Input Atom(string repo) => new() { Atom = new AtomInput { Name = repo, Repo = repo, Glob = "/*" } };

    private static DatumInfo Datum(string id, DatumState state, long? seconds) => new()
    {
        Datum = new Datum { Id = id },
        State = state,
        Stats = seconds is { } time ? new ProcessStats { ProcessTime = new Duration { Seconds = time } } : null,
    };

    private static DatumExplanation Explanation(string id, DatumExplanation.Types.Reason reason, string text, params string[] paths) => new()
    {
        Datum = new DatumInfo { Datum = new Datum { Id = id }, Data = { paths.Select(path => new InputFile { Path = path }) } },
        Reason = reason,
        Text = text,
    };

    private static LineageStep Step(uint depth, string pipeline, string job, string[] outputs, string[] inputs) => new()
    {
        Depth = depth,
        Job = new JobInfo { Job = new Job { Id = job }, Pipeline = new Pipeline { Name = pipeline } },
        DatumId = outputs[0].EndsWith(":/", StringComparison.Ordinal) || inputs.Length > 1 ? "" : "0123456789abcdef",
        Inputs = { inputs.Select(Place) },
        Outputs = { outputs.Select(Place) },
        Finished = At(-2),
    };

    private static Wire.Pfs.File Place(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return CommitRef.Parse(text[..colon]).ToWire(text[(colon + 1)..]);
    }

    private static T[] Genuine<T>(string list, MessageParser<T> parser)
        where T : IMessage<T>
    {
        using GZipStream file = new(File.OpenRead(Path.Combine(RepositoryPaths.Fixture("pachyderm-1.5.3-small"), "expected.json.gz")), CompressionMode.Decompress);
        using var expected = JsonDocument.Parse(file);
        return [.. expected.RootElement.GetProperty(list).EnumerateArray().Select(item => parser.ParseFrom(Convert.FromHexString(item.GetProperty("proto_hex").GetString()!)))];
    }

    private static string[] RealOutput(string name) =>
        [.. File.ReadAllLines(Path.Combine(RepositoryPaths.Fixture("pachyderm-1.5.3-small"), "pachctl", name)).Where(line => line.Length > 0)];

    private static string Print(Action<TextWriter> print)
    {
        using StringWriter output = new() { NewLine = "\n" };
        print(output);
        return output.ToString();
    }

    private static string[] Lines(Action<TextWriter> print) => Print(print).TrimEnd('\n').Split('\n');

    private static async Task<string> PrintAsync(Func<TextWriter, Task> print)
    {
        await using StringWriter output = new() { NewLine = "\n" };
        await print(output);
        return output.ToString();
    }

    private static async Task<string[]> LinesAsync(Func<TextWriter, Task> print) => (await PrintAsync(print)).TrimEnd('\n').Split('\n');
}
