using Pachyderm.Pfs;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Specs;
using Pachyderm.Workers.Processes;

namespace Pachyderm.Scheduling.Tests;

/// <summary>Programs that do what they should not, through the whole scheduler and in a sandbox.</summary>
public sealed class UglyCommandTests
{
    private static readonly TestClusterOptions Sandboxed = new() { Isolation = ProcessIsolation.Required };

    [Fact]
    public async Task What_a_program_leaves_running_does_not_keep_the_job()
    {
        await using TestCluster cluster = await TestCluster.OpenAsync(Sandboxed);
        Job job = await RunAsync(cluster, "trap '' TERM HUP; (setsid sleep 1000 &) ; sleep 1000 & echo done > /pfs/out/file");
        Assert.Equal((JobState.Success, ""), (job.State, job.Reason));
        Assert.Equal("done\n", (await cluster.ReadHeadAsync("ugly"))["/file"]);
    }

    [Fact]
    public async Task A_program_that_never_ends_is_ended_with_its_job()
    {
        await using TestCluster cluster = await TestCluster.OpenAsync(Sandboxed);
        await CreateAsync(cluster, "trap '' TERM; echo stuck; while :; do sleep 1000; done");
        CommitName commit = await cluster.CommitAsync("in", ("/a", "a"));
        Job running = await FirstJobAsync(cluster);
        await foreach (LogMessage line in cluster.Scheduler.Logs.ReadAsync(new LogQuery(null, running.Id, [], Follow: true), TestCluster.Token))
        {
            Assert.Equal("stuck\n", line.Message);
            break;
        }
        await cluster.Jobs.StopAsync(running.Id, TestCluster.Token);
        Assert.Equal(JobState.Killed, (await cluster.EndAsync(running.Id)).State);

        // The worker is free for the next job.
        await cluster.Pipelines.CreateAsync(
            TestCluster.Spec("ugly", TestCluster.Atom("in"), "cp /pfs/in/* /pfs/out") with { Update = true, Reprocess = true }, TestCluster.Token);
        await cluster.FlushAsync(commit, "ugly");
        Assert.Equal("a", (await cluster.ReadHeadAsync("ugly"))["/a"]);
    }

    [Fact]
    public async Task A_program_that_fills_the_disk_fails_with_the_reason()
    {
        await using TestCluster cluster = await TestCluster.OpenAsync(
            Sandboxed with { Workers = static options => options with { MaxScratchBytes = 1 << 20 } });
        Job job = await RunAsync(cluster, "head -c 100000000 /dev/zero > /tmp/big");
        Assert.Equal(JobState.Failure, job.State);
        Assert.Contains("wrote more than 1048576 bytes", job.Reason);
    }

    [Fact]
    public async Task A_hundred_thousand_files_are_an_output_like_any_other()
    {
        await using TestCluster cluster = await TestCluster.OpenAsync(Sandboxed);
        Job job = await RunAsync(cluster, "cd /pfs/out; for d in 0 1 2 3 4 5 6 7 8 9; do mkdir $d; (cd $d; seq 10000 | split -l 1 -a 4 -); done");
        Assert.Equal((JobState.Success, ""), (job.State, job.Reason));
        CommitInfo commit = (await cluster.BranchAsync("ugly")).Single();
        Assert.Equal(100_000, commit.Tree!.Value.Files);
    }

    [Fact]
    public async Task What_is_written_elsewhere_is_gone_and_reaches_no_other_datum()
    {
        await using TestCluster cluster = await TestCluster.OpenAsync(Sandboxed);
        await cluster.CreateRepoAsync("in");
        await cluster.CommitAsync("in", ("/a", "a"), ("/b", "b"));
        await cluster.CreateAsync("ugly", TestCluster.Atom("in"), """
            test ! -e /tmp/mark; test ! -e /scratch/mark; test ! -e /dev/shm/mark
            touch /tmp/mark /scratch/mark /dev/shm/mark
            if touch /etc/mark /usr/mark 2>/dev/null; then exit 1; fi
            for file in /pfs/in/*; do echo changed > $file; done
            cp /pfs/in/* /pfs/out
            """);
        Job job = (await cluster.EndedJobsAsync("ugly", 1)).Single();
        Assert.Equal((JobState.Success, ""), (job.State, job.Reason));
        Assert.Equal(["a", "b"], (await cluster.ReadHeadAsync("in")).Values);
        Assert.Equal(["changed\n", "changed\n"], (await cluster.ReadHeadAsync("ugly")).Values);
    }

    [Fact]
    public async Task Odd_names_are_kept_and_impossible_ones_are_named()
    {
        await using TestCluster cluster = await TestCluster.OpenAsync(Sandboxed);
        Job job = await RunAsync(cluster, "cd /pfs/out; touch -- '-rf' 'a b' \"$(printf 'new\\nline')\" '*' \"q'uote\" 'ünï'");
        Assert.Equal((JobState.Success, ""), (job.State, job.Reason));
        Assert.Equal(["/*", "/-rf", "/a b", "/new\nline", "/q'uote", "/ünï"], (await cluster.ReadHeadAsync("ugly")).Keys);
        await cluster.Pipelines.CreateAsync(
            TestCluster.Spec("ugly", TestCluster.Atom("in"), "touch /pfs/out/$(printf '\\377')") with { Update = true, Reprocess = true },
            TestCluster.Token);
        Job bad = (await cluster.EndedJobsAsync("ugly", 2))[1];
        Assert.Equal(JobState.Failure, bad.State);
        Assert.Contains("is not UTF-8", bad.Reason);
    }

    [Theory]
    [InlineData("mkfifo /pfs/out/pipe", "is a named pipe")]
    [InlineData("ln -s /etc/passwd /pfs/out/link", "outside /pfs")]
    [InlineData("ln -s loop /pfs/out/loop", "without an end")]
    [InlineData("kill -9 $$", "SIGKILL")]
    [InlineData("nothing-like-this", "was not found (exit code 127)")]
    public async Task What_cannot_be_taken_fails_with_the_reason(string script, string reason)
    {
        await using TestCluster cluster = await TestCluster.OpenAsync(Sandboxed);
        Job job = await RunAsync(cluster, script);
        Assert.Equal(JobState.Failure, job.State);
        Assert.Contains(reason, job.Reason);
    }

    [Fact]
    public async Task A_command_that_does_not_exist_fails_the_job()
    {
        await using TestCluster cluster = await TestCluster.OpenAsync(Sandboxed);
        await cluster.CreateRepoAsync("in");
        await cluster.CommitAsync("in", ("/a", "a"));
        PipelineSpec spec = TestCluster.Spec("ugly", TestCluster.Atom("in"), "");
        await cluster.Pipelines.CreateAsync(spec with { Transform = new Transform { Cmd = ["exit 1"] } }, TestCluster.Token);
        Assert.Equal(JobState.Failure, (await cluster.EndedJobsAsync("ugly", 1)).Single().State);
    }

    private static async Task<Job> RunAsync(TestCluster cluster, string script)
    {
        await CreateAsync(cluster, script);
        await cluster.CommitAsync("in", ("/a", "a"));
        return (await cluster.EndedJobsAsync("ugly", 1)).Single();
    }

    private static async Task CreateAsync(TestCluster cluster, string script)
    {
        await cluster.CreateRepoAsync("in");
        await cluster.CreateAsync("ugly", TestCluster.Atom("in"), script);
    }

    private static async Task<Job> FirstJobAsync(TestCluster cluster)
    {
        await foreach (Pps.Records.JobRecord record in cluster.Jobs.WatchAsync(new Pps.PipelineName("ugly"), TestCluster.Token))
        {
            return record.Job;
        }
        throw new InvalidOperationException("A watch has ended.");
    }
}
