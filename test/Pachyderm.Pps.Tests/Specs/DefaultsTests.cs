using Pachyderm.Pps.Specs;
using static Pachyderm.Pps.Tests.Given;

namespace Pachyderm.Pps.Tests.Specs;

public sealed class DefaultsTests
{
    [Fact]
    public void What_a_spec_leaves_out_is_filled_in()
    {
        PipelineSpec spec = SpecDefaults.Complete(Spec(Cross(Atom("images"), Cron("tick"))), Now);

        Assert.Equal("master", spec.OutputBranch);
        Assert.Equal("64M", spec.CacheSize);
        Assert.Equal(new ResourceSpec(0, "64M"), spec.Resources);
        Assert.Equal(
            [
                new InputSpec { Cron = new CronInput("tick", "edges_tick", "", "@daily", Now) },
                new InputSpec { Atom = new AtomInput("images", "images", "master", "", "/*") },
            ],
            spec.Input!.Cross);
    }

    [Fact]
    public void What_a_spec_says_is_kept()
    {
        PipelineSpec spec = SpecDefaults.Complete(
            Spec(Atom("images", name: "i", branch: "b")) with { OutputBranch = "o", CacheSize = "1Gi", Resources = new ResourceSpec(2, "") },
            Now);

        Assert.Equal(("o", "1Gi", new ResourceSpec(2, "")), (spec.OutputBranch, spec.CacheSize, spec.Resources));
        Assert.Equal(new AtomInput("i", "images", "b", "", "/*"), spec.Input!.Atom);
    }

    [Fact]
    public void Memory_follows_the_cache_if_no_resources_are_named() =>
        Assert.Equal(new ResourceSpec(0, "1G"), SpecDefaults.Complete(Spec(Atom("a")) with { CacheSize = "1G" }, Now).Resources);

    [Fact]
    public void Inputs_are_sorted_by_name_at_every_level_and_stay_in_place_when_names_are_equal()
    {
        InputSpec input = Cross(
            Atom("r1", name: "z"),
            Union(Atom("r2", name: "y"), Atom("r3", name: "b")),
            Atom("r4", name: "c"),
            Union(Atom("r5", name: "c"), Atom("r6", name: "c")));

        InputSpec sorted = SpecDefaults.Sort(input);

        Assert.Equal(
            Cross(
                Union(Atom("r3", name: "b"), Atom("r2", name: "y")),
                Atom("r4", name: "c"),
                Union(Atom("r5", name: "c"), Atom("r6", name: "c")),
                Atom("r1", name: "z")),
            sorted);
    }

    [Fact]
    public void Names_are_sorted_by_their_bytes()
    {
        string[] names = ["\U0001F600", "\uFFFD", "a", "Z", "aa", "\uD7FF"];

        InputSpec sorted = SpecDefaults.Sort(Cross([.. names.Select(name => Atom("r", name: name))]));

        Assert.Equal(["Z", "a", "aa", "\uD7FF", "\uFFFD", "\U0001F600"], sorted.Cross.Select(child => child.Atom!.Name));
    }

    [Fact]
    public void Old_inputs_become_a_cross_even_if_there_is_one()
    {
        PipelineSpec spec = SpecDefaults.Complete(
            Spec(null) with { LegacyInputs = [new LegacyInput("", "images", "", "/", Lazy: true, FromCommit: "f")] }, Now);

        Assert.Equal(
            new InputSpec { Cross = [new InputSpec { Atom = new AtomInput("images", "images", "master", "", "/", Lazy: true, FromCommit: "f") }] },
            spec.Input);
        Assert.Empty(spec.LegacyInputs);
    }

    [Fact]
    public void A_sorted_spec_stays_as_it_is()
    {
        PipelineSpec once = SpecDefaults.Complete(Spec(Cross(Atom("b"), Atom("a"))), Now);

        Assert.Equal(once, SpecDefaults.Complete(once, Now.AddHours(1)));
    }

    [Fact]
    public void The_program_reads_the_lines_of_stdin_and_a_final_newline()
    {
        Assert.Equal("\n", new Transform().StandardInput);
        Assert.Equal("a\nb\n", new Transform { Stdin = ["a", "b"] }.StandardInput);
    }

    [Fact]
    public void Zero_is_always_accepted_and_other_codes_if_they_are_named()
    {
        Transform transform = new() { AcceptReturnCode = [3, 1] };

        Assert.Equal([true, true, false, true], new[] { 0, 1, 2, 3 }.Select(transform.Accepts));
    }

    [Theory]
    [InlineData(3ul, 0, 8, 3)]
    [InlineData(0ul, 0, 8, 8)]
    [InlineData(0ul, 0.5, 7, 3)]
    [InlineData(0ul, 0.1, 2, 1)]
    [InlineData(0ul, 1e300, 2, int.MaxValue)]
    [InlineData(ulong.MaxValue, 0, 0, int.MaxValue)]
    public void The_number_of_workers_follows_the_strategy(ulong constant, double coefficient, int nodes, int workers) =>
        Assert.Equal(workers, ParallelismSpec.Workers(new ParallelismSpec(constant, coefficient), nodes));

    [Fact]
    public void Without_nodes_a_number_for_each_node_is_an_error()
    {
        var error = Assert.Throws<PpsException>(() => ParallelismSpec.Workers(null, 0));

        Assert.Equal("pachyderm.pps.jobserver: no k8s nodes found", error.Message);
    }

    [Theory]
    [InlineData(0.5f, "100M", 500, 100_000_000)]
    [InlineData(0f, "", 0, 64_000_000)]
    [InlineData(0.1f, "1M", 100, 64_000_000)]
    [InlineData(1e-3f, "nonsense", 1, 64_000_000)]
    public void A_worker_asks_for_what_the_spec_says_and_at_least_for_its_cache(float cpu, string memory, long milli, long bytes)
    {
        Workload workload = new(new Transform(), "master") { Resources = new ResourceSpec(cpu, memory) };

        Assert.Equal((milli, bytes, 0), workload.Requests());
    }
}
