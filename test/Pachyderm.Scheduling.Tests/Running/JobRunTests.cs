using Pachyderm.Pfs;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Scheduling.Tests;

public sealed class JobRunTests
{
    [Fact]
    public async Task A_job_processes_each_datum_and_commits_what_they_wrote()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        CommitName commit = await bed.Cluster.CommitAsync("in", ("/a", "one"), ("/b", "two"), ("/c/d", "three"));
        Pipeline copy = await bed.CreateAsync(JobBed.CopySpec());
        Job job = await bed.RunAsync(copy, null, commit);
        Assert.Equal((JobState.Success, ""), (job.State, job.Reason));
        Assert.Equal((3, 3, 0), (job.DataTotal, job.DataProcessed, job.DataSkipped));
        Assert.Equal(new Dictionary<string, string> { ["/a"] = "one", ["/b"] = "two", ["/c/d"] = "three" }, await bed.OutputAsync(job));
        CommitInfo output = (await bed.Cluster.BranchAsync("copy")).Single();
        Assert.Equal(commit, output.Provenance.Single());
        Assert.Equal([0, 1, 2], (await bed.DatumsAsync(job)).Select(static datum => datum.Index));
        Assert.True(job.Stats.ProcessTime > TimeSpan.Zero);
        Assert.Equal((11, 11), (job.Stats.DownloadBytes, job.Stats.UploadBytes));
    }

    [Fact]
    public async Task What_was_processed_before_is_skipped_and_what_is_gone_leaves_the_output()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        Pipeline copy = await bed.CreateAsync(JobBed.CopySpec());
        CommitName one = await bed.Cluster.CommitAsync("in", [.. Enumerable.Range(0, 10).Select(static i => ($"/f{i}", (string?)$"{i}"))]);
        Job first = await bed.RunAsync(copy, null, one);
        CommitName two = await bed.Cluster.CommitAsync("in", ("/f3", null), ("/f4", "new"), ("/g", "g"));
        Job second = await bed.RunAsync(copy, first, two);
        Assert.Equal((10, 2, 8), (second.DataTotal, second.DataProcessed, second.DataSkipped));
        SortedDictionary<string, string> output = await bed.OutputAsync(second);
        Assert.Equal("new", output["/f4"]);
        Assert.DoesNotContain("/f3", output.Keys);
        Assert.Equal(10, output.Count);

        // The same tree as one that is put together anew.
        Job anew = await bed.RunAsync(copy, null, two);
        Assert.Equal((0, 10), (anew.DataProcessed, anew.DataSkipped));
        Assert.Equal(await TreeAsync(bed, second), await TreeAsync(bed, anew));
    }

    [Fact]
    public async Task No_datums_make_an_empty_output()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        Pipeline copy = await bed.CreateAsync(JobBed.CopySpec());
        Job job = await bed.RunAsync(copy, null, await bed.Cluster.CommitAsync("in"));
        Assert.Equal((JobState.Success, 0L), (job.State, job.DataTotal));
        Assert.Empty(await bed.OutputAsync(job));
    }

    [Fact]
    public async Task A_datum_that_fails_is_tried_four_times_and_the_others_are_processed_first()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        CommitName commit = await bed.Cluster.CommitAsync("in", ("/a", "bad"), ("/b", "good"), ("/c", "good"));
        PipelineSpec spec = TestCluster.Spec(
            "judge", TestCluster.Atom("in"),
            "cp $PACH_PFS/in/* $PACH_PFS/out/; if grep -q bad $PACH_PFS/in/*; then echo 'no good at all' >&2; exit 7; fi");
        Pipeline judge = await bed.CreateAsync(spec);
        Job job = await bed.RunAsync(judge, null, commit);
        Assert.Equal(JobState.Failure, job.State);
        Assert.Null(job.OutputCommit);
        Assert.Contains("1 of 3 datums failed", job.Reason);
        Assert.Contains("sh ended with exit code 7: no good at all", job.Reason);
        IReadOnlyList<DatumRecord> datums = await bed.DatumsAsync(job);
        Assert.Equal([true, false, false], datums.Select(static datum => datum.Failed));
        Assert.Equal([4, 0, 0], datums.Select(static datum => datum.Failures));
        Assert.Equal(2, job.DataProcessed);

        CommitName better = await bed.Cluster.CommitAsync("in", ("/a", "good"));
        Job next = await bed.RunAsync(judge, job, better);
        Assert.Equal((JobState.Success, 1L, 2L), (next.State, next.DataProcessed, next.DataSkipped));
    }

    [Fact]
    public async Task Codes_that_are_accepted_are_a_success()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        PipelineSpec spec = TestCluster.Spec("three", TestCluster.Atom("in"), "echo done > $PACH_PFS/out/file; exit 3");
        Pipeline three = await bed.CreateAsync(spec with { Transform = spec.Transform! with { AcceptReturnCode = [3] } });
        Job job = await bed.RunAsync(three, null, await bed.Cluster.CommitAsync("in", ("/a", "x")));
        Assert.Equal(JobState.Success, job.State);
        Assert.Equal("done\n", (await bed.OutputAsync(job))["/file"]);
    }

    private static async Task<string> TreeAsync(JobBed bed, Job job)
    {
        CommitName commit = new(new RepoName(job.OutputCommit!.Value.Repo), new CommitId(job.OutputCommit.Value.Id));
        return (await bed.Cluster.InspectAsync(commit)).Tree!.Value.ToString();
    }
}
