using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using static Pachyderm.Pachd.Tests.PachdProcess;

namespace Pachyderm.Pachd.Tests;

/// <summary>What pps.API says to requests, as far as no program runs.</summary>
public sealed class PipelineCallTests(SharedPachd shared) : IClassFixture<SharedPachd>
{
    private readonly PachdProcess pachd = shared.Pachd;
    private readonly string name = "p" + Guid.NewGuid().ToString("N");

    private Wire.Pps.API.APIClient Pps => new(pachd.Channel);

    private Wire.Native.Pipelines.PipelinesClient Native => new(pachd.Channel);

    [Fact]
    public async Task What_was_given_is_shown_with_its_defaults()
    {
        string repo = await CreateRepoAsync();
        Wire.Pps.CreatePipelineRequest request = Request(new Wire.Pps.Input
        {
            Cross =
            {
                new Wire.Pps.Input { Cron = new Wire.Pps.CronInput { Name = "tick", Spec = "@yearly" } },
                Atom(repo, "/b*", "b"),
                new Wire.Pps.Input { Union = { Atom(repo, "/a*", "a") } },
            },
        });
        request.Transform.Env.Add("B", "2");
        request.Transform.Env.Add("A", "1");
        request.Transform.Secrets.Add(new Wire.Pps.Secret { Name = "s", MountPath = "/s" });
        request.Transform.AcceptReturnCode.Add(7);
        request.ParallelismSpec = new Wire.Pps.ParallelismSpec { Coefficient = 0.5 };
        request.ScaleDownThreshold = new Duration { Seconds = 90 };
        request.Description = "what it does";
        request.EnableStats = true;
        await Pps.CreatePipelineAsync(request, cancellationToken: Token);

        Wire.Pps.PipelineInfo info = await InspectAsync();

        Assert.Equal((name, 1ul, "master", "64M", "64M", "what it does", true), (
            info.Pipeline.Name, info.Version, info.OutputBranch, info.CacheSize, info.ResourceSpec.Memory, info.Description, info.EnableStats));
        Assert.Equal(32, info.Salt.Length);
        Assert.NotNull(info.CreatedAt);
        Assert.Equal(request.Transform, info.Transform);
        Assert.Equal((request.ParallelismSpec, request.ScaleDownThreshold), (info.ParallelismSpec, info.ScaleDownThreshold));
        Wire.Pps.CronInput cron = info.Input.Cross[0].Cron;
        Assert.Equal(("tick", $"{name}_tick", "@yearly"), (cron.Name, cron.Repo, cron.Spec));
        Assert.NotNull(cron.Start);
        Assert.Equal(("a", "master", "/a*"), (info.Input.Cross[1].Union[0].Atom.Name, info.Input.Cross[1].Union[0].Atom.Branch, info.Input.Cross[1].Union[0].Atom.Glob));
        Assert.Equal("b", info.Input.Cross[2].Atom.Name);
        Assert.Empty(info.Inputs);
        Wire.Pps.PipelineInfos all = await Pps.ListPipelineAsync(new Wire.Pps.ListPipelineRequest(), cancellationToken: Token);
        Assert.Contains(all.PipelineInfo, listed => listed.Pipeline.Name == name && listed.Input.Equals(info.Input));
    }

    [Fact]
    public async Task The_old_form_of_inputs_becomes_a_cross()
    {
        string repo = await CreateRepoAsync();
        Wire.Pps.CreatePipelineRequest request = Request(null);
        request.Inputs.Add(new Wire.Pps.PipelineInput { Repo = new Wire.Pfs.Repo { Name = repo }, Glob = "/*", Lazy = true });
        await Pps.CreatePipelineAsync(request, cancellationToken: Token);

        Wire.Pps.AtomInput atom = Assert.Single((await InspectAsync()).Input.Cross).Atom;

        Assert.Equal((repo, repo, "master", "/*", true), (atom.Name, atom.Repo, atom.Branch, atom.Glob, atom.Lazy));
    }

    [Theory]
    [InlineData("no transform", "no transform set")]
    [InlineData("no cmd", "no cmd set")]
    [InlineData("no input", "no input set")]
    [InlineData("empty input", "no input set")]
    [InlineData("two kinds", "multiple input types set")]
    [InlineData("both forms", "cannot set both Inputs and Input field")]
    [InlineData("no glob", "input must specify a glob")]
    [InlineData("named out", "input cannot be named \"out\"")]
    [InlineData("name twice", "was used more than once")]
    [InlineData("both strategies", "contradictory parallelism strategies")]
    [InlineData("cache", "could not parse cacheSize 'lots'")]
    [InlineData("cron", "could not parse cron spec")]
    [InlineData("threshold", "scale_down_threshold is no valid duration")]
    [InlineData("start", "the start of a cron input is no valid time")]
    [InlineData("no name", "only alphanumeric characters")]
    [InlineData("deep", "inputs are nested deeper than")]
    public async Task What_is_wrong_with_a_spec_is_told_in_the_words_of_1_5(string fault, string message)
    {
        string repo = await CreateRepoAsync();
        Wire.Pps.CreatePipelineRequest request = Request(Atom(repo, "/*"));
        Spoil(request, fault, repo);

        RpcException refused = await Assert.ThrowsAsync<RpcException>(async () => await Pps.CreatePipelineAsync(request, cancellationToken: Token));

        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains(message, refused.Status.Detail, StringComparison.Ordinal);
        await AssertRefusedAsync(StatusCode.NotFound, "not found", async () => await InspectAsync());
    }

    [Fact]
    public async Task What_is_missing_or_there_already_has_a_status_of_its_own()
    {
        string repo = await CreateRepoAsync();
        await AssertRefusedAsync(StatusCode.NotFound, "not found", async () => await Pps.CreatePipelineAsync(Request(Atom("absent-" + name, "/*")), cancellationToken: Token));
        await AssertRefusedAsync(StatusCode.NotFound, $"pipeline {name} not found", async () => await InspectAsync());
        Wire.Pps.CreatePipelineRequest update = Request(Atom(repo, "/*"));
        update.Update = true;
        await AssertRefusedAsync(StatusCode.NotFound, $"pipeline {name} not found", async () => await Pps.CreatePipelineAsync(update, cancellationToken: Token));
        await AssertRefusedAsync(
            StatusCode.NotFound, $"pipeline {name} not found", async () => await Pps.StopPipelineAsync(new() { Pipeline = Pipeline }, cancellationToken: Token));
        await AssertRefusedAsync(
            StatusCode.NotFound, $"pipeline {name} not found", async () => await Pps.StartPipelineAsync(new() { Pipeline = Pipeline }, cancellationToken: Token));
        await AssertRefusedAsync(
            StatusCode.NotFound, $"pipeline {name} was not found", async () => await Pps.DeletePipelineAsync(new() { Pipeline = Pipeline }, cancellationToken: Token));

        await Pps.CreatePipelineAsync(Request(Atom(repo, "/*")), cancellationToken: Token);

        await AssertRefusedAsync(
            StatusCode.AlreadyExists, $"pipeline {name} already exists", async () => await Pps.CreatePipelineAsync(Request(Atom(repo, "/*")), cancellationToken: Token));
        await AssertRefusedAsync(
            StatusCode.FailedPrecondition,
            "job is made from an outdated version of the pipeline",
            async () => await Pps.CreateJobAsync(new() { Pipeline = Pipeline, Salt = "old", PipelineVersion = 1, Input = Atom(repo, "/*") }, cancellationToken: Token));
        await AssertRefusedAsync(
            StatusCode.Unimplemented, "reprocess", async () => await Pps.RerunPipelineAsync(new() { Pipeline = Pipeline }, cancellationToken: Token));
    }

    [Fact]
    public async Task Calls_about_a_job_that_is_missing_say_so()
    {
        Wire.Pps.Job job = new() { Id = Guid.NewGuid().ToString() };
        await AssertRefusedAsync(StatusCode.NotFound, "not found", async () => await Pps.InspectJobAsync(new() { Job = job }, cancellationToken: Token));
        await AssertRefusedAsync(StatusCode.NotFound, "not found", async () => await Pps.StopJobAsync(new() { Job = job }, cancellationToken: Token));
        await AssertRefusedAsync(StatusCode.NotFound, "not found", async () => await Pps.DeleteJobAsync(new() { Job = job }, cancellationToken: Token));
        await AssertRefusedAsync(StatusCode.NotFound, "not found", async () => await Pps.ListDatumAsync(new() { Job = job }, cancellationToken: Token));
        await AssertRefusedAsync(StatusCode.NotFound, "not found", async () => await Pps.InspectDatumAsync(new() { Datum = new() { Job = job } }, cancellationToken: Token));
        await AssertRefusedAsync(StatusCode.NotFound, "not found", () => ReadAsync(Native.ListDatums(new() { Job = job }, cancellationToken: Token)));
        await AssertRefusedAsync(StatusCode.NotFound, "not found", () => ReadAsync(Native.ExplainJob(new() { Job = job }, cancellationToken: Token)));
        await AssertRefusedAsync(StatusCode.NotFound, "not found", () => ReadAsync(Native.InspectJob(new() { Job = job, BlockState = true }, cancellationToken: Token)));
        await AssertRefusedAsync(
            StatusCode.NotFound, "", async () => await Pps.InspectJobAsync(new Wire.Pps.InspectJobRequest(), cancellationToken: Token));
        await AssertRefusedAsync(
            StatusCode.NotFound, "not found", () => ReadAsync(Native.WalkLineage(new() { File = File("no-" + name, "master", "") }, cancellationToken: Token)));
    }

    [Fact]
    public async Task There_are_no_jobs_before_there_is_a_commit()
    {
        string repo = await CreateRepoAsync();
        await Pps.CreatePipelineAsync(Request(Atom(repo, "/*")), cancellationToken: Token);

        Assert.Empty((await Pps.ListJobAsync(new() { Pipeline = Pipeline }, cancellationToken: Token)).JobInfo);
        Assert.Empty(await ReadAsync(Native.ListJobs(new() { Pipeline = Pipeline }, cancellationToken: Token)));
        Assert.Empty((await InspectAsync()).JobCounts);
    }

    [Fact]
    public async Task A_pipeline_is_stopped_updated_started_and_deleted()
    {
        string repo = await CreateRepoAsync();
        await Pps.CreatePipelineAsync(Request(Atom(repo, "/*")), cancellationToken: Token);
        string salt = (await InspectAsync()).Salt;
        await Pps.StopPipelineAsync(new() { Pipeline = Pipeline }, cancellationToken: Token);
        Assert.Equal(Wire.Pps.PipelineState.PipelinePaused, (await InspectAsync()).State);
        await Pps.StartPipelineAsync(new() { Pipeline = Pipeline }, cancellationToken: Token);
        Assert.NotEqual(Wire.Pps.PipelineState.PipelinePaused, (await InspectAsync()).State);
        Wire.Pps.CreatePipelineRequest update = Request(Atom(repo, "/x"));
        update.Update = true;
        await Pps.CreatePipelineAsync(update, cancellationToken: Token);
        Wire.Pps.PipelineInfo second = await InspectAsync();
        Assert.Equal((2ul, salt, "/x"), (second.Version, second.Salt, second.Input.Atom.Glob));
        update.Reprocess = true;
        await Pps.CreatePipelineAsync(update, cancellationToken: Token);
        Wire.Pps.PipelineInfo third = await InspectAsync();
        Assert.Equal(3ul, third.Version);
        Assert.NotEqual(salt, third.Salt);

        await Pps.DeletePipelineAsync(new() { Pipeline = Pipeline, DeleteRepo = true }, cancellationToken: Token);

        await AssertRefusedAsync(StatusCode.NotFound, "not found", async () => await InspectAsync());
        Assert.DoesNotContain(
            (await pachd.Pfs.ListRepoAsync(new Wire.Pfs.ListRepoRequest(), cancellationToken: Token)).RepoInfo, info => info.Repo.Name == name);
    }

    [Fact]
    public async Task Logs_are_of_a_pipeline_or_a_job()
    {
        await AssertRefusedAsync(
            StatusCode.InvalidArgument,
            "must set either pipeline or job filter in call to GetLogs",
            () => ReadAsync(Pps.GetLogs(new Wire.Pps.GetLogsRequest(), cancellationToken: Token)));
        await AssertRefusedAsync(
            StatusCode.InvalidArgument,
            "must set either pipeline or job filter in call to GetLogs",
            () => ReadAsync(Native.GetLogs(new Wire.Native.GetLogsRequest { Follow = true }, cancellationToken: Token)));
        await AssertRefusedAsync(
            StatusCode.NotFound,
            $"could not get pipeline information for {name}",
            () => ReadAsync(Pps.GetLogs(new Wire.Pps.GetLogsRequest { Pipeline = Pipeline }, cancellationToken: Token)));
        await AssertRefusedAsync(
            StatusCode.NotFound,
            $"could not get job information for {name}",
            () => ReadAsync(Pps.GetLogs(new Wire.Pps.GetLogsRequest { Job = new Wire.Pps.Job { Id = name } }, cancellationToken: Token)));
    }

    private Wire.Pps.Pipeline Pipeline => new() { Name = name };

    private static Wire.Pps.Input Atom(string repo, string glob, string input = "") =>
        new() { Atom = new Wire.Pps.AtomInput { Repo = repo, Glob = glob, Name = input } };

    private static void Spoil(Wire.Pps.CreatePipelineRequest request, string fault, string repo)
    {
        switch (fault)
        {
            case "no transform":
                request.Transform = null;
                break;
            case "no cmd":
                request.Transform.Cmd.Clear();
                break;
            case "no input":
                request.Input = null;
                break;
            case "empty input":
                request.Input = new Wire.Pps.Input();
                break;
            case "two kinds":
                request.Input.Union.Add(Atom(repo, "/*", "u"));
                break;
            case "both forms":
                request.Inputs.Add(new Wire.Pps.PipelineInput { Repo = new Wire.Pfs.Repo { Name = repo } });
                break;
            case "no glob":
                request.Input.Atom.Glob = "";
                break;
            case "named out":
                request.Input.Atom.Name = "out";
                break;
            case "name twice":
                request.Input = new Wire.Pps.Input { Cross = { Atom(repo, "/a", "n"), Atom(repo, "/b", "n") } };
                break;
            case "both strategies":
                request.ParallelismSpec = new Wire.Pps.ParallelismSpec { Constant = 1, Coefficient = 1 };
                break;
            case "cache":
                request.CacheSize = "lots";
                break;
            case "cron":
                request.Input = new Wire.Pps.Input { Cron = new Wire.Pps.CronInput { Name = "t", Spec = "never" } };
                break;
            case "threshold":
                request.ScaleDownThreshold = new Duration { Seconds = long.MaxValue };
                break;
            case "start":
                request.Input = new Wire.Pps.Input
                {
                    Cron = new Wire.Pps.CronInput { Name = "t", Spec = "@daily", Start = new Timestamp { Seconds = long.MaxValue } },
                };
                break;
            case "no name":
                request.Pipeline = null;
                break;
            case "deep":
                request.Input = Enumerable.Range(0, 70).Aggregate(
                    request.Input, static (inner, _) => new Wire.Pps.Input { Cross = { inner } });
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(fault));
        }
    }

    private static async Task<List<T>> ReadAsync<T>(AsyncServerStreamingCall<T> call)
    {
        using (call)
        {
            return await call.ResponseStream.ReadAllAsync(Token).ToListAsync(Token);
        }
    }

    private static async Task AssertRefusedAsync(StatusCode code, string message, Func<Task> call)
    {
        RpcException refused = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Contains(message, refused.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(code, refused.StatusCode);
        Assert.DoesNotContain('\n', refused.Status.Detail);
    }

    private Wire.Pps.CreatePipelineRequest Request(Wire.Pps.Input? input) => new()
    {
        Pipeline = Pipeline,
        Transform = new Wire.Pps.Transform { Cmd = { "sh" }, Stdin = { "true" } },
        Input = input,
    };

    private async Task<Wire.Pps.PipelineInfo> InspectAsync() => await Pps.InspectPipelineAsync(
        new Wire.Pps.InspectPipelineRequest { Pipeline = Pipeline }, cancellationToken: Token);

    private async Task<string> CreateRepoAsync()
    {
        string repo = "r" + Guid.NewGuid().ToString("N");
        await pachd.CreateRepoAsync(repo);
        return repo;
    }
}
