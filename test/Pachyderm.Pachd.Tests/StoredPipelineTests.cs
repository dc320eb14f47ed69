using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Pachyderm.ObjectStores.Tests;
using static Pachyderm.Pachd.Tests.PachdProcess;

namespace Pachyderm.Pachd.Tests;

/// <summary>Pipelines and what becomes of them when pachd ends, or may not write.</summary>
public sealed class StoredPipelineTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Without_writes_pipelines_and_jobs_are_shown_but_nothing_runs()
    {
        string data = directory["data"];
        Wire.Pps.Job job = await RunOnceAsync(data);

        await using PachdProcess reader = await StartAsync(data, "--read-only", "true");
        Wire.Pps.API.APIClient pps = new(reader.Channel);

        Assert.Single((await pps.ListPipelineAsync(new(), cancellationToken: Token)).PipelineInfo);
        Assert.Equal(Wire.Pps.JobState.JobSuccess, (await pps.InspectJobAsync(new() { Job = job }, cancellationToken: Token)).State);
        Assert.Single((await pps.ListDatumAsync(new() { Job = job }, cancellationToken: Token)).DatumInfo);
        Assert.Contains(
            await RunningPipelineTests.ReadAsync(pps.GetLogs(new() { Job = job }, cancellationToken: Token)), line => line.Message == "ready\n");
        foreach (Func<Task> write in (Func<Task>[])
            [
                async () => await pps.StopPipelineAsync(new() { Pipeline = new() { Name = "p" } }, cancellationToken: Token),
                async () => await pps.DeleteJobAsync(new() { Job = job }, cancellationToken: Token),
                async () => await pps.DeleteAllAsync(new Empty(), cancellationToken: Token),
            ])
        {
            RpcException refused = await Assert.ThrowsAsync<RpcException>(write);
            Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
        }
        Assert.DoesNotContain("pipelines run", reader.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deleting_all_pipelines_and_jobs_leaves_the_repos()
    {
        string data = directory["data"];
        await RunOnceAsync(data);
        await using PachdProcess pachd = await StartAsync(data);
        Wire.Pps.API.APIClient pps = new(pachd.Channel);

        await pps.DeleteAllAsync(new Empty(), cancellationToken: Token);

        Assert.Empty((await pps.ListPipelineAsync(new(), cancellationToken: Token)).PipelineInfo);
        Assert.Empty((await pps.ListJobAsync(new(), cancellationToken: Token)).JobInfo);
        Assert.Equal(2, (await pachd.Pfs.ListRepoAsync(new(), cancellationToken: Token)).RepoInfo.Count);
    }

    [Fact]
    public async Task A_container_engine_that_is_missing_is_told_in_one_line()
    {
        (int code, _, string errors) = await RunAsync(
            ["--data", directory["data"], "--http-address", "none", "--workers", "container"], ("PATH", "/nowhere"));

        Assert.Equal((1, true), (code, errors.Contains("podman is not installed, docker is not installed", StringComparison.Ordinal)));
        Assert.Single(errors.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("workers", "everywhere", "give automatic, process or container")]
    [InlineData("sandbox", "maybe", "give automatic, required or none")]
    [InlineData("nodes", "0", "give a number from 1 on")]
    [InlineData("network", "perhaps", "give yes or no")]
    public async Task A_wrong_setting_is_told_in_one_line(string setting, string value, string remedy)
    {
        (int code, _, string errors) = await RunAsync(["--data", directory["data"]], ($"PACHD_{setting.ToUpperInvariant()}", value));

        Assert.Equal((3, true), (code, errors.Contains($"'{value}' is not understood; {remedy}", StringComparison.Ordinal)));
        Assert.Single(errors.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task What_a_program_runs_ends_with_pachd()
    {
        await using PachdProcess pachd = await StartAsync(directory["data"], "--drain-timeout", "500ms");
        await pachd.CreateRepoAsync("in");
        Wire.Pps.API.APIClient pps = new(pachd.Channel);
        await pps.CreatePipelineAsync(Request("echo ready; sleep 1000"), cancellationToken: Token);
        await pachd.PutAsync("in", await pachd.StartCommitAsync("in", "master"), "f", [1]);
        await pachd.FinishAsync("in", "master");
        Wire.Native.Pipelines.PipelinesClient native = new(pachd.Channel);
        using var logs = native.GetLogs(new() { Filter = new() { Pipeline = new() { Name = "p" } }, Follow = true }, cancellationToken: Token);
        while (await logs.ResponseStream.MoveNext(Token) && logs.ResponseStream.Current.Message != "ready\n")
        {
            Assert.False(logs.ResponseStream.Current.User);
        }

        pachd.Terminate();

        RpcException ended = await Assert.ThrowsAsync<RpcException>(async () => await logs.ResponseStream.MoveNext(Token));
        Assert.Equal(StatusCode.Unavailable, ended.StatusCode);
        Assert.Equal(0, await pachd.WaitForExitAsync());
    }

    private static Wire.Pps.CreatePipelineRequest Request(string script) => new()
    {
        Pipeline = new Wire.Pps.Pipeline { Name = "p" },
        Transform = new Wire.Pps.Transform { Cmd = { "sh" }, Stdin = { script } },
        Input = new Wire.Pps.Input { Atom = new Wire.Pps.AtomInput { Repo = "in", Glob = "/*" } },
    };

    private static async Task<Wire.Pps.Job> RunOnceAsync(string data)
    {
        await using PachdProcess pachd = await StartAsync(data);
        await pachd.CreateRepoAsync("in");
        Wire.Pps.API.APIClient pps = new(pachd.Channel);
        await pps.CreatePipelineAsync(Request("echo ready"), cancellationToken: Token);
        await pachd.PutAsync("in", await pachd.StartCommitAsync("in", "master"), "f", [1]);
        await pachd.FinishAsync("in", "master");
        using var flushed = pachd.Pfs.FlushCommit(
            new Wire.Pfs.FlushCommitRequest { Commits = { Commit("in", "master") } }, cancellationToken: Token);
        Assert.True(await flushed.ResponseStream.MoveNext(Token));
        Wire.Pps.Job job = Assert.Single((await pps.ListJobAsync(new(), cancellationToken: Token)).JobInfo).Job;
        await pps.InspectJobAsync(new() { Job = job, BlockState = true }, cancellationToken: Token);
        pachd.Terminate();
        Assert.Equal(0, await pachd.WaitForExitAsync());
        return job;
    }
}
