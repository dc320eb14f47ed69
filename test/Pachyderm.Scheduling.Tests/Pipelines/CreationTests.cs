using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Specs;
using static Pachyderm.Scheduling.Tests.TestCluster;

namespace Pachyderm.Scheduling.Tests.Pipelines;

/// <summary>What is refused when a pipeline is created, and what is there when it is not.</summary>
public sealed class CreationTests
{
    /// <summary>A spec that is refused, with the message, and the kind of the refusal.</summary>
    public static TheoryData<string, PipelineSpec, PpsErrorKind, string> Refused()
    {
        TheoryData<string, PipelineSpec, PpsErrorKind, string> data = [];
        void Add(string rule, PipelineSpec spec, string message, PpsErrorKind kind = PpsErrorKind.InvalidArgument) =>
            data.Add(rule, spec, kind, message);
        PipelineSpec good = Spec("p", Atom("a"), "true");
        Add("no input", good with { Input = null }, "no input set");
        Add("an empty input", good with { Input = new InputSpec() }, "no input set");
        Add("two kinds", good with { Input = Atom("a") with { Cross = new[] { Atom("a", name: "b") }.ToValueList() } }, "multiple input types set");
        Add("both forms", good with { LegacyInputs = new[] { new LegacyInput("x", "a", "", "/") }.ToValueList() },
            "cannot set both Inputs and Input field");
        Add("the same name twice", good with { Input = Cross(Atom("a"), Atom("a")) }, "name a was used more than once");
        Add("an input named out", good with { Input = Atom("a", name: "out") },
            "input cannot be named \"out\", as pachyderm already creates /pfs/out to collect job output");
        Add("no name", good with { Input = Atom("") }, "input must specify a name");
        Add("no repo", good with { Input = Atom("", name: "x") }, "input must specify a repo");
        Add("no glob", good with { Input = Atom("a", glob: "") }, "input must specify a glob");
        Add("two branches", good with { Input = Cross(Atom("a", name: "x", branch: "b"), Atom("a", name: "y")) },
            "cannot use the same repo in multiple inputs with different branches");
        Add("two branches, one of a cron",
            good with { Input = Cross(Atom("a", branch: "b"), new InputSpec { Cron = new CronInput("t", "a", "", "@daily", null) }) },
            "cannot use the same repo in multiple inputs with different branches");
        Add("a missing repo", good with { Input = Atom("missing") }, "repo missing not found", PpsErrorKind.NotFound);
        Add("itself", good with { Input = Atom("p") }, "repo p not found", PpsErrorKind.NotFound);
        Add("a cron that cannot be read", good with { Input = new InputSpec { Cron = new CronInput("t", "", "", "often", null) } },
            "could not parse cron spec 'often': Expected 5 or 6 fields, found 1: often");
        Add("no transform", good with { Transform = null }, "no transform set");
        Add("no command", good with { Transform = new Transform() }, "no cmd set");
        Add("both kinds of parallelism", good with { Parallelism = new ParallelismSpec(1, 1) },
            "contradictory parallelism strategies: must set at most one of ParallelismSpec.Constant and ParallelismSpec.Coefficient");
        Add("a negative coefficient", good with { Parallelism = new ParallelismSpec(0, -1) }, "ParallelismSpec.Coefficient must be > 0");
        Add("a cache of no size", good with { CacheSize = "much" },
            "could not parse cacheSize 'much': quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
        Add("shared provenance", good with { Incremental = true, Input = Cross(Atom("a", name: "x"), Atom("a", name: "y")) },
            "can't create an incremental pipeline with inputs that share provenance");
        Add("a name that no repo may have", good with { Name = "p/q" },
            "repo name (p/q) invalid: only alphanumeric characters, underscores, and dashes are allowed");
        Add("an existing name", good with { Name = "existing" }, "pipeline existing already exists", PpsErrorKind.AlreadyExists);
        Add("an update of what is missing", good with { Update = true }, "pipeline p not found", PpsErrorKind.NotFound);
        Add("an update that reads its own output", good with { Name = "existing", Update = true, Input = Atom("behind") },
            "pipeline existing cannot read repo behind, which comes from existing itself");
        Add("a branch of the length of an identifier", good with { OutputBranch = new string('b', 32) },
            $"output branch \"{new string('b', 32)}\" is no valid name of a branch");
        Add("statistics over the output", good with { OutputBranch = "stats", EnableStats = true },
            "output branch cannot be \"stats\", where statistics are committed to");
        Add("no egress URL", good with { Egress = new Egress("somewhere") }, "invalid egress URL \"somewhere\": it is no absolute URL");
        Add("an egress to an unknown scheme", good with { Egress = new Egress("s3://bucket/x") },
            "invalid egress URL \"s3://bucket/x\": outputs can be sent to file:, http: and https: addresses, not to s3:");
        Add("an egress outside", good with { Egress = new Egress("file:///allowed/../etc") },
            "invalid egress URL \"file:///allowed/../etc\": it is not below a directory that this server may send outputs to");
        Add("an egress beside", good with { Egress = new Egress("file:///allowed-not") },
            "invalid egress URL \"file:///allowed-not\": it is not below a directory that this server may send outputs to");
        Add("an egress to another machine", good with { Egress = new Egress("file://host/allowed/x") },
            "invalid egress URL \"file://host/allowed/x\": a file: address names no host");
        return data;
    }

    [Theory]
    [MemberData(nameof(Refused), DisableDiscoveryEnumeration = true)]
    public async Task A_spec_is_refused_in_the_words_of_the_rule_and_nothing_changes(
        string rule, PipelineSpec spec, PpsErrorKind kind, string message)
    {
        await using TestCluster cluster = await OpenAsync();
        IReadOnlyList<RepoInfo> repos = await cluster.Files.Repos.ListAsync([], Token);
        IReadOnlyList<PipelineRecord> before = await cluster.Pipelines.ListAsync(Token);
        PpsException refusal = await Assert.ThrowsAsync<PpsException>(() => cluster.Pipelines.CreateAsync(spec, Token));
        Assert.Equal((rule, kind, message), (rule, refusal.Kind, refusal.Message));
        Assert.Equal(repos.Select(static repo => repo.Name), (await cluster.Files.Repos.ListAsync([], Token)).Select(static repo => repo.Name));
        Assert.Equal(before, await cluster.Pipelines.ListAsync(Token));
    }

    [Fact]
    public async Task Addresses_that_can_work_are_taken()
    {
        await using TestCluster cluster = await OpenAsync();
        string[] urls = ["http://host/x", "https://host:8443/a/b", "file:///allowed", "file:///allowed/x%20y/z"];
        foreach ((int i, string url) in urls.Index())
        {
            await cluster.Pipelines.CreateAsync(Spec($"p{i}", Atom("a"), "true") with { Egress = new Egress(url) }, Token);
        }
        Assert.Equal(urls.Length + 2, (await cluster.Pipelines.ListAsync(Token)).Count);
    }

    [Fact]
    public async Task A_pipeline_is_stored_with_its_defaults_and_has_its_repos()
    {
        await using TestCluster cluster = await OpenAsync();
        InputSpec cron = new() { Cron = new CronInput("tick", "", "", "@yearly", null) };
        PipelineRecord created = await cluster.Pipelines.CreateAsync(
            Spec("p", Cross(Atom("behind"), cron), "true") with { Description = "about it" }, Token);
        Assert.Equal(("p", 1UL, "about it", "master", "64M"), (
            created.Pipeline.Name.Value, created.Pipeline.Version, created.Pipeline.Description, created.Pipeline.Workload.OutputBranch,
            created.Pipeline.Workload.CacheSize));
        Assert.Equal(created.Pipeline.Salt, (await cluster.Pipelines.InspectAsync(new PipelineName("p"), Token)).Pipeline.Salt);
        RepoInfo output = await cluster.Files.Repos.InspectAsync(new RepoName("p"), Token);
        Assert.Equal(
            ["a", "behind", "existing", "p_tick"],
            output.Provenance.Select(static repo => repo.Value).Order(StringComparer.Ordinal));
        Assert.Empty((await cluster.Files.Repos.InspectAsync(new RepoName("p_tick"), Token)).Provenance);
    }

    [Fact]
    public async Task A_repo_of_the_name_that_exists_becomes_the_output_repo_with_what_is_in_it()
    {
        await using TestCluster cluster = await OpenAsync();
        await cluster.CreateRepoAsync("p");
        CommitName old = await cluster.CommitAsync("p", ("file", "content"));
        await cluster.Files.Repos.CreateAsync(new RepoName("later"), [new RepoName("p")], "", Token);
        await cluster.CreateCopyAsync("p", "a");
        Assert.Equal("a", Assert.Single((await cluster.Files.Repos.InspectAsync(new RepoName("p"), Token)).Provenance).Value);
        Assert.Equal(
            ["a", "p"],
            (await cluster.Files.Repos.InspectAsync(new RepoName("later"), Token)).Provenance.Select(static repo => repo.Value).Order());
        CommitName commit = await cluster.CommitAsync("a");
        CommitInfo output = Assert.Single(await cluster.FlushAsync(commit, "p"));
        Assert.Equal(old.Id, output.Parent);
        await Assert.ThrowsAsync<PfsException>(() => cluster.CreateAsync(
            "q", new InputSpec { Cron = new CronInput("t", "no/repo", "", "@daily", null) }, "true"));
        await Assert.ThrowsAsync<PfsException>(() => cluster.Files.Repos.InspectAsync(new RepoName("q"), Token));
    }

    private static async Task<TestCluster> OpenAsync()
    {
        TestCluster cluster = await new EmptyRuns().OpenAsync(new TestClusterOptions
        {
            Options = static options => options with { EgressDirectories = ["/elsewhere/", "/allowed"] },
        });
        await cluster.CreateRepoAsync("a");
        await cluster.CreateCopyAsync("existing", "a");
        await cluster.CreateCopyAsync("behind", "existing");
        // Its state is that of a pipeline that runs from here on.
        foreach (string name in new[] { "existing", "behind" })
        {
            await cluster.RunningAsync(name);
        }
        return cluster;
    }
}
