using Grpc.Core;
using static Pachyderm.Pachd.Tests.PachdProcess;

namespace Pachyderm.Pachd.Tests;

/// <summary>Pipelines whose programs run on a real pachd, through the API.</summary>
public sealed class RunningPipelineTests(SharedPachd shared) : IClassFixture<SharedPachd>
{
    // The program sees its files at /pfs in a sandbox, and by this variable everywhere.
    private const string Upper = "for f in $PACH_PFS/in/*; do echo on $(basename $f); tr a-z A-Z < $f > $PACH_PFS/out/$(basename $f); done";

    private readonly PachdProcess pachd = shared.Pachd;
    private readonly string repo = "r" + Guid.NewGuid().ToString("N");
    private readonly string name = "p" + Guid.NewGuid().ToString("N");

    private Wire.Pps.API.APIClient Pps => new(pachd.Channel);

    private Wire.Native.Pipelines.PipelinesClient Native => new(pachd.Channel);

    private Wire.Pps.Pipeline Pipeline => new() { Name = name };

    [Fact]
    public async Task A_commit_is_processed_and_the_job_tells_all_about_it()
    {
        await CreateAsync(Upper);
        string input = await CommitAsync(("a", "one"), ("b", "two"));

        Wire.Pps.JobInfo job = await FirstJobAsync();
        Wire.Pps.JobInfo done = await Pps.InspectJobAsync(new() { Job = job.Job, BlockState = true }, cancellationToken: Token);

        Assert.Equal((Wire.Pps.JobState.JobSuccess, 2L, 2L, 0L, name, "master", 1ul), (
            done.State, done.DataTotal, done.DataProcessed, done.DataSkipped, done.OutputRepo.Name, done.OutputBranch, done.PipelineVersion));
        Assert.Equal((6ul, 6ul), (done.Stats.DownloadBytes, done.Stats.UploadBytes));
        Assert.True(done.Stats.ProcessTime.ToTimeSpan() > TimeSpan.Zero);
        Assert.Equal((input, "master", input), (done.Input.Atom.Commit, done.NewBranch.Name, done.NewBranch.Head.Id));
        Assert.NotNull(done.Finished);
        Assert.Equal("ONE"u8.ToArray(), Assert.Single(await pachd.GetAsync(name, done.OutputCommit.Id, "/a")));
        Wire.Pps.PipelineInfo pipeline = await Pps.InspectPipelineAsync(new() { Pipeline = Pipeline }, cancellationToken: Token);
        Assert.Equal(1, pipeline.JobCounts[(int)Wire.Pps.JobState.JobSuccess]);
        Assert.Equal(done, Assert.Single((await Pps.ListJobAsync(new() { Pipeline = Pipeline }, cancellationToken: Token)).JobInfo));
        Assert.Equal(done, Assert.Single(Assert.Single(await ReadAsync(Native.ListJobs(new() { Pipeline = Pipeline }, cancellationToken: Token))).JobInfo));
    }

    [Fact]
    public async Task Datums_are_listed_explained_and_looked_at()
    {
        await CreateAsync(Upper, request => request.EnableStats = true);
        await CommitAsync(("a", "one"), ("b", "two"));
        await CommitAsync(("b", "more"), ("c", "three"));

        Wire.Pps.Job last = (await JobsAsync(2))[1].Job;
        Wire.Pps.JobInfo done = await Pps.InspectJobAsync(new() { Job = last, BlockState = true }, cancellationToken: Token);
        Wire.Pps.DatumInfo[] sorted = [.. (await Pps.ListDatumAsync(new() { Job = last }, cancellationToken: Token)).DatumInfo];
        Wire.Pps.DatumInfo[] ordered = [.. (await ReadAsync(Native.ListDatums(new() { Job = last }, cancellationToken: Token))).SelectMany(piece => piece.Datums)];
        Wire.Native.DatumExplanation[] reasons =
            [.. (await ReadAsync(Native.ExplainJob(new() { Job = last }, cancellationToken: Token))).SelectMany(piece => piece.Datums)];

        Assert.Equal(["/a", "/b", "/c"], ordered.Select(datum => Assert.Single(datum.Data).Path));
        Assert.Equal(
            [Wire.Pps.DatumState.Success, Wire.Pps.DatumState.Success, Wire.Pps.DatumState.Skipped], sorted.Select(datum => datum.State));
        Assert.Equal("/a", Assert.Single(sorted[2].Data).Path);
        Assert.True(Total(sorted[0]) >= Total(sorted[1]));
        Assert.Equal(
            [Wire.Native.DatumExplanation.Types.Reason.Known, Wire.Native.DatumExplanation.Types.Reason.ContentChanged, Wire.Native.DatumExplanation.Types.Reason.NewFile],
            reasons.Select(reason => reason.Reason));
        Assert.StartsWith("ran: in:/b: content changed from ", reasons[1].Text, StringComparison.Ordinal);
        Wire.Pps.DatumInfo one = await Pps.InspectDatumAsync(new() { Datum = new() { Job = last, Id = ordered[1].Datum.Id } }, cancellationToken: Token);
        Assert.Equal((ordered[1].Datum.Id, done.StatsCommit.Id, $"/{one.Datum.Id}/pfs"), (one.Datum.Id, one.PfsState.Commit.Id, one.PfsState.Path));
        Assert.NotNull(one.Stats);
        RpcException missing = await Assert.ThrowsAsync<RpcException>(
            async () => await Pps.InspectDatumAsync(new() { Datum = new() { Job = last, Id = new string('0', 64) } }, cancellationToken: Token));
        Assert.Equal(StatusCode.NotFound, missing.StatusCode);
    }

    [Fact]
    public async Task A_datum_of_a_job_without_stats_is_refused_in_the_words_of_1_5()
    {
        await CreateAsync("true");
        await CommitAsync(("a", "one"));
        Wire.Pps.JobInfo job = await FirstJobAsync();

        RpcException refused = await Assert.ThrowsAsync<RpcException>(
            async () => await Pps.InspectDatumAsync(new() { Datum = new() { Job = job.Job, Id = "x" } }, cancellationToken: Token));

        Assert.Equal((StatusCode.FailedPrecondition, $"stats not enabled on {name}"), (refused.StatusCode, refused.Status.Detail));
    }

    [Fact]
    public async Task While_a_job_runs_its_workers_are_shown_and_when_it_is_stopped_those_who_wait_are_told()
    {
        await CreateAsync("sleep 1000");
        await CommitAsync(("a", "one"));
        Wire.Pps.JobInfo job = await FirstJobAsync();
        using var following = Native.InspectJob(new() { Job = job.Job, BlockState = true }, cancellationToken: Token);
        Wire.Native.InspectJobResponse seen = new();
        while (seen.Job?.State != Wire.Pps.JobState.JobRunning)
        {
            Assert.True(await following.ResponseStream.MoveNext(Token));
            seen = following.ResponseStream.Current;
        }
        using var logs = Native.GetLogs(
            new() { Filter = new() { Job = job.Job, Master = true }, Follow = true }, cancellationToken: Token);
        Assert.True(await logs.ResponseStream.MoveNext(Token));
        Wire.Pps.WorkerStatus worker = await BusyAsync(job.Job);

        Assert.Equal((job.Job.Id, "/a"), (worker.JobId, Assert.Single(worker.Data).Path));
        Assert.NotEmpty(worker.WorkerId);
        await Pps.StopJobAsync(new() { Job = job.Job }, cancellationToken: Token);

        while (await following.ResponseStream.MoveNext(Token))
        {
            seen = following.ResponseStream.Current;
        }
        Assert.Equal(Wire.Pps.JobState.JobKilled, seen.Job!.State);
        Assert.NotEmpty(seen.Reason);
        while (await logs.ResponseStream.MoveNext(Token))
        {
            Assert.True(logs.ResponseStream.Current.Master);
        }
        Assert.Empty((await Pps.InspectJobAsync(new() { Job = job.Job }, cancellationToken: Token)).WorkerStatus);
    }

    [Fact]
    public async Task A_program_that_fails_makes_the_job_fail_and_its_lines_are_kept()
    {
        await CreateAsync("echo it is broken; exit 3");
        await CommitAsync(("a", "one"));
        Wire.Pps.JobInfo job = await FirstJobAsync();

        Wire.Native.InspectJobResponse[] seen = [.. await ReadAsync(Native.InspectJob(new() { Job = job.Job, BlockState = true }, cancellationToken: Token))];
        List<Wire.Pps.LogMessage> lines = await ReadAsync(Pps.GetLogs(new() { Job = job.Job, DataFilters = { "/a" } }, cancellationToken: Token));

        Assert.Equal(Wire.Pps.JobState.JobFailure, seen[^1].Job.State);
        Assert.Null(seen[^1].Job.OutputCommit);
        Assert.NotEmpty(seen[^1].Reason);
        Assert.Contains(lines, line => line.User && line.Message == "it is broken\n" && line.JobId == job.Job.Id && line.PipelineName == name);
        Assert.Empty(await ReadAsync(Pps.GetLogs(new() { Job = job.Job, DataFilters = { "/b" } }, cancellationToken: Token)));
        Assert.Equal(
            Wire.Pps.DatumState.Failed, Assert.Single((await Pps.ListDatumAsync(new() { Job = job.Job }, cancellationToken: Token)).DatumInfo).State);
    }

    [Fact]
    public async Task A_file_leads_to_what_it_was_made_from_and_back()
    {
        await CreateAsync(Upper);
        string input = await CommitAsync(("a", "one"), ("b", "two"));
        Wire.Pps.JobInfo done = await Pps.InspectJobAsync(new() { Job = (await FirstJobAsync()).Job, BlockState = true }, cancellationToken: Token);

        Wire.Native.LineageStep up = Assert.Single(await ReadAsync(Native.WalkLineage(new() { File = File(name, "master", "/a") }, cancellationToken: Token)));
        Wire.Native.LineageStep down = Assert.Single(
            await ReadAsync(Native.WalkLineage(new() { File = File(repo, input, "/a"), Downstream = true }, cancellationToken: Token)));

        Assert.Equal((1u, done.Job.Id, 64), (up.Depth, up.Job.Job.Id, up.DatumId.Length));
        Assert.Equal((input, "/a"), (Assert.Single(up.Inputs).Commit.Id, up.Inputs[0].Path));
        Assert.Equal((done.OutputCommit.Id, "/a"), (Assert.Single(down.Outputs).Commit.Id, down.Outputs[0].Path));
        Assert.Equal(up.DatumId, down.DatumId);
        Assert.NotNull(up.Finished);
    }

    [Fact]
    public async Task A_job_can_be_made_by_hand_and_deleted()
    {
        await CreateAsync(Upper);
        string first = await CommitAsync(("a", "one"));
        await Pps.InspectJobAsync(new() { Job = (await FirstJobAsync()).Job, BlockState = true }, cancellationToken: Token);
        Wire.Pps.PipelineInfo pipeline = await Pps.InspectPipelineAsync(new() { Pipeline = Pipeline }, cancellationToken: Token);
        Wire.Pps.CreateJobRequest request = new()
        {
            Pipeline = Pipeline,
            PipelineVersion = pipeline.Version,
            Salt = pipeline.Salt,
            Input = new Wire.Pps.Input { Atom = new Wire.Pps.AtomInput { Name = "in", Repo = repo, Commit = first, Glob = "/a" } },
        };

        Wire.Pps.Job made = await Pps.CreateJobAsync(request, cancellationToken: Token);

        Wire.Pps.JobInfo done = await Pps.InspectJobAsync(new() { Job = made, BlockState = true }, cancellationToken: Token);
        Assert.Equal((Wire.Pps.JobState.JobSuccess, 36, 1L), (done.State, made.Id.Length, done.DataTotal));
        await Pps.DeleteJobAsync(new() { Job = made }, cancellationToken: Token);
        await Assert.ThrowsAsync<RpcException>(async () => await Pps.InspectJobAsync(new() { Job = made }, cancellationToken: Token));
    }

    internal static async Task<List<T>> ReadAsync<T>(AsyncServerStreamingCall<T> call)
    {
        using (call)
        {
            return await call.ResponseStream.ReadAllAsync(Token).ToListAsync(Token);
        }
    }

    private static TimeSpan Total(Wire.Pps.DatumInfo datum) =>
        (datum.Stats.DownloadTime + datum.Stats.ProcessTime + datum.Stats.UploadTime).ToTimeSpan();

    private async Task CreateAsync(string script, Action<Wire.Pps.CreatePipelineRequest>? change = null)
    {
        await pachd.CreateRepoAsync(repo);
        Wire.Pps.CreatePipelineRequest request = new()
        {
            Pipeline = Pipeline,
            Transform = new Wire.Pps.Transform { Cmd = { "sh" }, Stdin = { script } },
            ParallelismSpec = new Wire.Pps.ParallelismSpec { Constant = 1 },
            Input = new Wire.Pps.Input { Atom = new Wire.Pps.AtomInput { Name = "in", Repo = repo, Glob = "/*" } },
        };
        change?.Invoke(request);
        await Pps.CreatePipelineAsync(request, cancellationToken: Token);
    }

    private async Task<string> CommitAsync(params (string Path, string Content)[] files)
    {
        string commit = await pachd.StartCommitAsync(repo, "master");
        foreach ((string path, string content) in files)
        {
            await pachd.PutAsync(repo, commit, path, System.Text.Encoding.UTF8.GetBytes(content));
        }
        await pachd.FinishAsync(repo, commit);
        return commit;
    }

    private async Task<Wire.Pps.JobInfo> FirstJobAsync() => (await JobsAsync(1))[0];

    // Commits make jobs a moment after they are finished.
    private async Task<List<Wire.Pps.JobInfo>> JobsAsync(int count)
    {
        List<Wire.Pps.JobInfo> jobs = [];
        using var watching = Native.ListJobs(new() { Pipeline = Pipeline, Watch = true }, cancellationToken: Token);
        while (jobs.Count < count)
        {
            Assert.True(await watching.ResponseStream.MoveNext(Token));
            jobs.AddRange(watching.ResponseStream.Current.JobInfo.Where(job => jobs.All(known => known.Job.Id != job.Job.Id)));
        }
        return [.. jobs.OrderBy(job => job.Started.ToDateTime())];
    }

    // A worker is busy a moment after the job runs; each call is an answer of the server, so that nothing is polled in between.
    private async Task<Wire.Pps.WorkerStatus> BusyAsync(Wire.Pps.Job job)
    {
        while (true)
        {
            Wire.Pps.JobInfo info = await Pps.InspectJobAsync(new() { Job = job }, cancellationToken: Token);
            Assert.Equal(Wire.Pps.JobState.JobRunning, info.State);
            if (info.WorkerStatus.Count > 0)
            {
                return Assert.Single(info.WorkerStatus);
            }
        }
    }
}
