using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Storage.Content;
using Pachyderm.TestSupport;

namespace Pachyderm.Scheduling.Tests;

public sealed class JobLogTests
{
    [Fact]
    public async Task Lines_are_found_by_job_and_datum_and_file()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        (Pipeline talk, Job job) = await TalkAsync(bed);
        JobLogs logs = new(bed.Cluster.SchedulerOptions);
        LogMessage[] lines = await ReadAsync(logs, new LogQuery(null, job.Id, []));
        Assert.Equal(["a says 100% %s\n", "and ends without a newline", "b says 100% %s\n", "and ends without a newline"], lines.Select(static line => line.Message));
        Assert.All(lines, line => Assert.True(line is { IsUser: true, IsMaster: false, Worker: "pipeline-talk-v1-0" } && line.Job == job.Id));
        LogMessage first = lines[0];
        Assert.Equal("/a", first.Files.Single().Path);
        Assert.Equal(64, first.DatumId.Length);
        string hash = first.Files[0].Hash.ToString();
        string base64 = Convert.ToBase64String(Convert.FromHexString(hash));
        foreach (LogQuery query in (LogQuery[])
        [
            new(talk.Name, null, ["/a"]), new(talk.Name, job.Id, ["", hash]), new(talk.Name, null, [base64, "/a"]),
            new(talk.Name, null, [], first.DatumId),
        ])
        {
            Assert.Equal(lines[..2], await ReadAsync(logs, query));
        }
        Assert.Empty(await ReadAsync(logs, new LogQuery(talk.Name, null, ["/a", "/b"])));
        Assert.Empty(await ReadAsync(logs, new LogQuery(new PipelineName("other"), job.Id, [])));
    }

    [Fact]
    public async Task The_scheduler_tells_about_a_job()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        (Pipeline talk, Job job) = await TalkAsync(bed);
        LogMessage[] lines = await ReadAsync(new JobLogs(bed.Cluster.SchedulerOptions), new LogQuery(talk.Name, null, [], Master: true));
        Assert.Equal(
            ["the job begins", "2 datums: 2 to be processed, 0 skipped", "the output has 0 files of 0 bytes", "the job ends with success"],
            lines.Select(static line => line.Message));
        Assert.All(lines, line => Assert.True(line is { IsUser: false, IsMaster: true, Worker: "", DatumId: "" } && line.Job == job.Id));
    }

    [Fact]
    public async Task What_is_missing_is_named()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        JobLogs logs = new(bed.Cluster.SchedulerOptions);
        PpsException neither = await Assert.ThrowsAsync<PpsException>(() => ReadAsync(logs, new LogQuery(null, null, [])));
        Assert.Equal((PpsErrorKind.InvalidArgument, "must set either pipeline or job filter in call to GetLogs"), (neither.Kind, neither.Message));
        PpsException pipeline = await Assert.ThrowsAsync<PpsException>(() => ReadAsync(logs, new LogQuery(new PipelineName("x"), null, [])));
        Assert.Equal((PpsErrorKind.NotFound, "could not get pipeline information for x: pipeline x not found"), (pipeline.Kind, pipeline.Message));
        PpsException job = await Assert.ThrowsAsync<PpsException>(() => ReadAsync(logs, new LogQuery(null, new JobId("y"), [])));
        Assert.Equal((PpsErrorKind.NotFound, "could not get job information for y: job y not found"), (job.Kind, job.Message));
    }

    [Fact]
    public async Task A_log_is_followed_until_the_job_ends()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        string gate = Path.Combine(bed.Cluster.Directory, "gate");
        Pipeline wait = await bed.CreateAsync(TestCluster.Spec(
            "wait", TestCluster.Atom("in"), $"echo first; while [ ! -e {gate} ]; do sleep 0.01; done; echo last"));
        Job job = await bed.TriggerAsync(wait, null, await bed.Cluster.CommitAsync("in", ("/a", "")));
        Task<Job> run = bed.RunAsync(wait, job);
        List<string> seen = [];
        await foreach (LogMessage line in new JobLogs(bed.Cluster.SchedulerOptions)
            .ReadAsync(new LogQuery(null, job.Id, [], Follow: true), JobBed.Token))
        {
            seen.Add(line.Message);
            await File.WriteAllTextAsync(gate, "", JobBed.Token);
        }
        Assert.Equal(["first\n", "last\n"], seen);
        Assert.Equal(JobState.Success, (await run).State);
    }

    [Fact]
    public async Task A_program_that_prints_very_much_is_cut_and_a_line_says_so()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        int megabytes = Environment.GetEnvironmentVariable("PACHYDERM_LONG_TESTS") == "1" ? 1_000 : 200;
        Pipeline chatter = await bed.CreateAsync(TestCluster.Spec(
            "chatter", TestCluster.Atom("in"), $"yes 2>/dev/null 'a line of forty-nine characters, and a newline...' | head -n {megabytes * 20_000}"));
        Job job = await bed.RunAsync(chatter, null, await bed.Cluster.CommitAsync("in", ("/a", "")));
        Assert.Equal(JobState.Success, job.State);
        LogMessage[] lines = await ReadAsync(new JobLogs(bed.Cluster.SchedulerOptions), new LogQuery(null, job.Id, []));
        long kept = lines.Where(static line => line.IsUser).Sum(static line => line.Message.Length);
        Assert.InRange(kept, (16 << 20) - 50, 16 << 20);
        LogMessage last = lines.Single(static line => !line.IsUser);
        long all = megabytes * 1_000_000L;
        Assert.Equal(
            $"the program printed more than 16 MiB: {(all - kept) / 50} more lines of {all - kept} bytes were left out", last.Message);
        Assert.Equal("/a", last.Files.Single().Path);
    }

    [Fact]
    public void Pieces_are_read_as_they_were_written_and_damage_is_named()
    {
        LogPieceWriter writer = new();
        ChunkId hash = ChunkId.Of("x"u8);
        LogContext context = new("worker", hash, isUser: true, [new LogFile("/ä", hash), new LogFile("/", hash)]);
        DateTimeOffset time = new(2024, 2, 29, 1, 2, 3, TimeSpan.Zero);
        writer.Add(context, time, "one\n");
        writer.Add(LogContext.Master, time.AddTicks(-7), "");
        writer.Add(context, time.AddDays(1), new string('z', 100_000));
        byte[] piece = writer.ToPiece();
        (PipelineName pipeline, JobId job) = (new PipelineName("p"), new JobId("j"));
        IReadOnlyList<LogMessage> lines = LogPieceReader.Read(piece, pipeline, job);
        ValueList<LogFile> files = [new LogFile("/ä", hash), new LogFile("/", hash)];
        Assert.Equal(
            [
                new LogMessage(pipeline, job, "worker", hash.ToString(), false, true, files, time, "one\n"),
                new LogMessage(pipeline, job, "", "", true, false, [], time.AddTicks(-7), ""),
                new LogMessage(pipeline, job, "worker", hash.ToString(), false, true, files, time.AddDays(1), new string('z', 100_000)),
            ],
            lines);
        for (int length = 0; length < piece.Length; length++)
        {
            Assert.Throws<Errors.CorruptionException>(() => LogPieceReader.Read(piece.AsMemory(0, length), pipeline, job));
        }
        byte[] later = [.. piece];
        later[3] = 2;
        Assert.Equal("log-version", Assert.Throws<Errors.OperatorException>(() => LogPieceReader.Read(later, pipeline, job)).Id);
    }

    [Fact]
    public void The_first_format_of_pieces_is_still_read()
    {
        // Written by the first release that had it.
        byte[] golden = Convert.FromBase64String(Golden);
        IReadOnlyList<LogMessage> lines = LogPieceReader.Read(golden, new PipelineName("p"), new JobId("j"));
        Assert.Equal(["hello\n", "end"], lines.Select(static line => line.Message));
        Assert.Equal(["w", ""], lines.Select(static line => line.Worker));
    }

    [Fact]
    public void A_piece_is_still_written_in_the_first_format()
    {
        // What zstd makes of it may differ from release to release of zstd, so both are compared as they were before.
        LogPieceWriter writer = new();
        LogContext context = new("w", ChunkId.Of("datum"u8), isUser: true, [new LogFile("/a", ChunkId.Of("a"u8))]);
        writer.Add(context, new DateTimeOffset(2017, 8, 17, 23, 11, 40, TimeSpan.Zero), "hello\n");
        writer.Add(LogContext.Master, new DateTimeOffset(2017, 8, 17, 23, 11, 39, TimeSpan.Zero), "end");
        byte[] piece = writer.ToPiece();
        using ZstdSharp.Decompressor decompressor = new();
        GoldenFormat golden = new("Pachyderm.Scheduling.Tests", "log-piece", LogPieceReader.Version, "LogPieceReader.Version");
        golden.Holds("piece.bin", [.. piece.AsSpan(0, LogPieceReader.HeaderLength), .. decompressor.Unwrap(piece.AsSpan(LogPieceReader.HeaderLength))]);
    }

    private const string Golden =
        "TEcBAWIAAAAotS/9IGIRAwACAXcDLXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIEBAi9mofzkNjhU/4iM/0uOeHXWAMJoI5BBKoz3mz"
        + "fQsRFIsPoABAAAgN65q6y/pN8RBmhlbGxvCgEAA2VuZA==";

    private static async Task<(Pipeline Pipeline, Job Job)> TalkAsync(JobBed bed)
    {
        await bed.Cluster.CreateRepoAsync("in");
        Pipeline talk = await bed.CreateAsync(TestCluster.Spec(
            "talk", TestCluster.Atom("in"), "echo \"$(ls $PACH_PFS/in) says 100% %s\"; printf 'and ends without a newline' >&2"));
        Job job = await bed.RunAsync(talk, null, await bed.Cluster.CommitAsync("in", ("/a", "1"), ("/b", "2")));
        return (talk, job);
    }

    private static async Task<LogMessage[]> ReadAsync(JobLogs logs, LogQuery query) =>
        await logs.ReadAsync(query, JobBed.Token).ToArrayAsync(JobBed.Token);
}
