using Pachyderm.Pfs;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Scheduling.Tests;

/// <summary>What programs are shown, and what becomes of what they write.</summary>
public sealed class DatumInputTests
{
    [Fact]
    public async Task A_lazy_input_has_pipes_that_give_the_content()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        InputSpec input = new() { Atom = new AtomInput("in", "in", "", "", "/", Lazy: true) };
        Pipeline lazy = await bed.CreateAsync(TestCluster.Spec(
            "lazy", input, "test -p $PACH_PFS/in/a; test -p $PACH_PFS/in/d/b; cat $PACH_PFS/in/d/b > $PACH_PFS/out/read"));
        Job job = await bed.RunAsync(lazy, null, await bed.Cluster.CommitAsync("in", ("/a", "never read"), ("/d/b", "read")));
        Assert.Equal((JobState.Success, 4L), (job.State, job.Stats.DownloadBytes));
        Assert.Equal("read", (await bed.OutputAsync(job)).Single().Value);
    }

    [Fact]
    public async Task A_link_to_an_input_refers_to_what_is_stored()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        Pipeline link = await bed.CreateAsync(TestCluster.Spec("link", TestCluster.Atom("in", "/*"), """
            cd $PACH_PFS/out
            ln -s $PACH_PFS/in all
            ln -s ../in/dir/a relative
            echo changed > $PACH_PFS/in/dir/a
            ln -s $PACH_PFS/in/dir renamed
            """));
        CommitName commit = await bed.Cluster.CommitAsync("in", ("/dir/a", "stored"), ("/dir/b/c", "deep"));
        Job job = await bed.RunAsync(link, null, commit);
        Assert.Equal((JobState.Success, 0L), (job.State, job.Stats.UploadBytes));
        Assert.Equal(
            new Dictionary<string, string>
            {
                ["/all/dir/a"] = "stored",
                ["/all/dir/b/c"] = "deep",
                ["/relative"] = "stored",
                ["/renamed/a"] = "stored",
                ["/renamed/b/c"] = "deep",
            },
            await bed.OutputAsync(job));
    }

    [Fact]
    public async Task Empty_directories_are_shown_and_kept()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        Pipeline first = await bed.CreateAsync(TestCluster.Spec("first", TestCluster.Atom("in", "/"), "mkdir -p $PACH_PFS/out/x/empty"));
        Pipeline second = await bed.CreateAsync(TestCluster.Spec(
            "second", TestCluster.Atom("first", "/*"), "test -d $PACH_PFS/first/x/empty; cp -r $PACH_PFS/first/x $PACH_PFS/out/y"));
        Job one = await bed.RunAsync(first, null, await bed.Cluster.CommitAsync("in", ("/a", "")));
        Job two = await bed.RunAsync(second, null, new CommitName(new RepoName("first"), new CommitId(one.OutputCommit!.Value.Id)));
        Assert.Equal((JobState.Success, ""), (two.State, two.Reason));
        Assert.False(two.IsOutputDisjoint);
        using CommitView view = await bed.Cluster.Files.Reader.OpenAsync(new CommitReference(new RepoName("second"), "master"), JobBed.Token);
        Assert.True((await view.InspectAsync("/y/empty", JobBed.Token)).Entry.IsDirectory);
    }

    [Fact]
    public async Task What_datums_of_unions_and_crosses_write_to_one_path_is_appended_in_their_order()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        foreach (string repo in (string[])["a", "b", "c"])
        {
            await bed.Cluster.CreateRepoAsync(repo);
        }
        InputSpec input = TestCluster.Cross(
            TestCluster.Union(TestCluster.Atom("a", "/*", "x"), TestCluster.Atom("b", "/*", "x")), TestCluster.Atom("c", "/*", "y"));
        // The later ones end first.
        PipelineSpec spec = TestCluster.Spec(
            "pairs", input, "sleep 0.$((4 - $(cat $PACH_PFS/x/*))); echo $(cat $PACH_PFS/x/*)$(cat $PACH_PFS/y/*) > $PACH_PFS/out/all");
        Pipeline pairs = await bed.CreateAsync(spec with { Parallelism = new ParallelismSpec(4) });
        CommitName a = await bed.Cluster.CommitAsync("a", ("/1", "1"), ("/2", "2"));
        CommitName b = await bed.Cluster.CommitAsync("b", ("/3", "3"));
        CommitName c = await bed.Cluster.CommitAsync("c", ("/p", "p"), ("/q", "q"));
        Job job = await bed.RunAsync(pairs, null, a, b, c);
        Assert.Equal("1p\n2p\n3p\n1q\n2q\n3q\n", (await bed.OutputAsync(job))["/all"]);
        Assert.False(job.IsOutputDisjoint);
    }

    [Fact]
    public async Task A_file_where_another_datum_has_a_directory_fails_the_job()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        Pipeline clash = await bed.CreateAsync(TestCluster.Spec(
            "clash", TestCluster.Atom("in"), "if [ -e $PACH_PFS/in/a ]; then echo > $PACH_PFS/out/x; else mkdir -p $PACH_PFS/out/x/y; fi"));
        Job job = await bed.RunAsync(clash, null, await bed.Cluster.CommitAsync("in", ("/a", ""), ("/b", "")));
        Assert.Equal(JobState.Failure, job.State);
        Assert.Equal("outputs do not fit together: \"/x\" is a file of datum 0 and a directory of datum 1", job.Reason);
    }

    [Fact]
    public async Task An_incremental_datum_sees_what_changed_and_its_last_output()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        PipelineSpec spec = TestCluster.Spec("sum", TestCluster.Atom("in", "/"), """
            cd $PACH_PFS
            sum=$(cat out/sum 2>/dev/null || echo 0)
            for file in in/*; do [ -e $file ] && sum=$((sum + $(cat $file))) && echo $file >> out/seen; done
            echo $sum > out/sum
            """);
        Pipeline sum = await bed.CreateAsync(spec with { Incremental = true });
        Job one = await bed.RunAsync(sum, null, await bed.Cluster.CommitAsync("in", ("/a", "1"), ("/b", "2")));
        Assert.Equal("3\n", (await bed.OutputAsync(one))["/sum"]);
        Job two = await bed.RunAsync(sum, one, await bed.Cluster.CommitAsync("in", ("/b", "10"), ("/c", "20"), ("/a", null)));
        SortedDictionary<string, string> output = await bed.OutputAsync(two);
        Assert.Equal("33\n", output["/sum"]);
        Assert.Equal("in/a\nin/b\nin/b\nin/c\n", output["/seen"]);
    }

    [Fact]
    public async Task A_file_that_grows_appears_whole_in_an_incremental_datum()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        PipelineSpec spec = TestCluster.Spec("see", TestCluster.Atom("in", "/dir"), "cat $PACH_PFS/in/dir/file > $PACH_PFS/out/now");
        Pipeline see = await bed.CreateAsync(spec with { Incremental = true });
        Job one = await bed.RunAsync(see, null, await bed.Cluster.CommitAsync("in", ("/dir/file", "foo\n")));
        Job two = await bed.RunAsync(see, one, await bed.Cluster.CommitAsync("in", ("/dir/file", "foo\nbar\n")));
        Assert.Equal("foo\nbar\n", (await bed.OutputAsync(two))["/now"]);
    }
}
