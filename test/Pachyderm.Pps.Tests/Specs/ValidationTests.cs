using Pachyderm.Pps.Specs;
using static Pachyderm.Pps.Tests.Given;

namespace Pachyderm.Pps.Tests.Specs;

public sealed class ValidationTests
{
    private const string TwoKinds = "multiple input types set";
    private const string TwoBranches = "cannot use the same repo in multiple inputs with different branches";
    private const string Shared = "can't create an incremental pipeline with inputs that share provenance";

    private static readonly Catalog Repos = new Catalog("a", "b", "c").With("ab", "a", "b").With("deep", "ab", "a", "b");

    [Fact]
    public void A_plain_pipeline_is_accepted()
    {
        Input input = Check(Spec(Atom("a")));

        Assert.Equal(new AtomInput("a", "a", "master", "", "/*"), input);
    }

    [Fact]
    public void A_spec_without_input_is_an_error() => Fails("no input set", Spec(null));

    [Fact]
    public void A_spec_without_transform_is_an_error() => Fails("no transform set", Spec(Atom("a")) with { Transform = null });

    [Fact]
    public void A_spec_without_command_is_an_error() => Fails("no cmd set", Spec(Atom("a")) with { Transform = new Transform() });

    [Fact]
    public void An_input_of_no_kind_is_an_error()
    {
        Fails("no input set", Spec(new InputSpec()));
        Fails("no input set", Spec(Cross(Atom("a"), new InputSpec())));
    }

    [Fact]
    public void An_input_of_two_kinds_is_an_error()
    {
        Fails(TwoKinds, Spec(Atom("a") with { Cross = [Atom("b")] }));
        Fails(TwoKinds, Spec(new InputSpec { Cross = [Atom("a")], Union = [Atom("b")] }));
        Fails(TwoKinds, Spec(Atom("a") with { Cron = Cron("t").Cron }));
    }

    [Fact]
    public void Both_forms_of_input_are_an_error()
    {
        var error = Assert.Throws<PpsException>(() => SpecDefaults.Complete(
            Spec(Atom("a")) with { LegacyInputs = [new LegacyInput("", "a", "", "/")] }, Now));

        Assert.Equal("cannot set both Inputs and Input field", error.Message);
    }

    [Fact]
    public void Crossed_inputs_may_not_share_a_name()
    {
        Fails("name x was used more than once", Spec(Cross(Atom("a", name: "x"), Atom("b", name: "x"))));
        Fails("name t was used more than once", Spec(Cross(Atom("a", name: "t"), Cron("t"))));
    }

    [Fact]
    public void United_inputs_may_share_a_name() => Check(Spec(Union(Atom("a", name: "x"), Atom("b", name: "x"))));

    [Fact]
    public void What_is_crossed_with_a_union_may_not_have_a_name_of_any_of_its_children()
    {
        foreach (string name in new[] { "x", "y" })
        {
            InputSpec union = Union(Atom("a", name: "x"), Atom("b", name: "y"));
            Fails($"name {name} was used more than once", Spec(Cross(union, Atom("c", name: name))));
            Fails($"name {name} was used more than once", Spec(Cross(Atom("c", name: name), union)));
        }
        Check(Spec(Union(Cross(Atom("a", name: "x"), Atom("b", name: "y")), Cross(Atom("a", name: "y"), Atom("b", name: "x")))));
    }

    [Fact]
    public void An_atom_must_say_everything()
    {
        Fails("input must specify a name", Spec(new InputSpec { Atom = new AtomInput("", "", "", "", "/") }));
        Fails("input must specify a repo", Spec(new InputSpec { Atom = new AtomInput("x", "", "", "", "/") }));
        Fails("input must specify a glob", Spec(Atom("a", glob: "")));
        Fails(
            "input cannot be named \"out\", as pachyderm already creates /pfs/out to collect job output", Spec(Atom("a", name: "out")));
    }

    [Fact]
    public void A_glob_that_cannot_be_read_is_an_error()
    {
        Fails("glob \"/[a\" is malformed", Spec(Atom("a", glob: "/[a")));
        Fails("glob \"/x\\\" is malformed", Spec(Cross(Atom("a", glob: "/x\\"), Atom("b"))));
    }

    [Theory]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("a/b")]
    [InlineData("a\0b")]
    public void A_name_that_leads_out_of_pfs_is_an_error(string name) =>
        Fails($"input name \"{name}\" must be a plain file name, for it names a directory below /pfs", Spec(Atom("a", name: name)));

    [Fact]
    public void The_first_rule_that_fails_gives_the_message_children_before_parents()
    {
        InputSpec wrong = Cross(Atom("a", glob: ""), Atom("missing")) with { Union = [Atom("b", branch: "x"), Atom("b", branch: "y")] };

        Fails("input must specify a glob", Spec(wrong) with { Transform = new Transform() });
    }

    [Fact]
    public void A_repo_may_be_read_on_one_branch_only()
    {
        Fails(TwoBranches, Spec(Cross(Atom("a", name: "x", branch: "m"), Atom("a", name: "y", branch: "n"))));
        Check(Spec(Cross(Atom("a", name: "x", branch: "m"), Atom("a", name: "y", branch: "m"))));
    }

    [Fact]
    public void A_repo_that_does_not_exist_is_not_found()
    {
        var error = Assert.Throws<PpsException>(() => Check(Spec(Atom("missing"))));

        Assert.Equal((PpsErrorKind.NotFound, "repo missing not found"), (error.Kind, error.Message));
    }

    [Fact]
    public void Both_strategies_of_parallelism_contradict_each_other()
    {
        Fails(
            "contradictory parallelism strategies: must set at most one of ParallelismSpec.Constant and ParallelismSpec.Coefficient",
            Spec(Atom("a")) with { Parallelism = new ParallelismSpec(1, 0.5) });
        Check(Spec(Atom("a")) with { Parallelism = new ParallelismSpec(0) });
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_coefficient_must_be_a_number_above_zero(double coefficient) => Fails(
        "ParallelismSpec.Coefficient must be > 0", Spec(Atom("a")) with { Parallelism = new ParallelismSpec(0, coefficient) });

    [Fact]
    public void A_cache_size_that_is_no_quantity_is_an_error()
    {
        var error = Assert.Throws<PpsException>(() => Check(Spec(Atom("a")) with { CacheSize = "lots" }));

        Assert.StartsWith("could not parse cacheSize 'lots': quantities must match", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_output_branch_only_an_incomplete_spec_is_an_error()
    {
        PipelineSpec spec = SpecDefaults.Complete(Spec(Atom("a")), Now) with { OutputBranch = "" };

        var error = Assert.Throws<PpsException>(() => SpecValidation.Check(spec, Repos));

        Assert.Equal("pipeline needs to specify an output branch", error.Message);
    }

    [Fact]
    public void Inputs_of_an_incremental_pipeline_share_nothing()
    {
        foreach (InputSpec shared in new[]
        {
            Cross(Atom("a"), Atom("ab")), Cross(Atom("ab"), Atom("deep")), Union(Atom("a", name: "x"), Atom("a", name: "y")),
        })
        {
            Fails(Shared, Spec(shared) with { Incremental = true });
            Check(Spec(shared));
        }
        Check(Spec(Cross(Atom("ab"), Atom("c"))) with { Incremental = true });
    }

    [Fact]
    public void A_cron_must_have_a_spec_that_can_be_read_and_a_name()
    {
        var error = Assert.Throws<PpsException>(() => Check(Spec(Cron("t", "never"))));
        Assert.StartsWith("could not parse cron spec 'never': ", error.Message, StringComparison.Ordinal);
        Fails("input must specify a name", Spec(Cron("")));
        Assert.Equal(new CronInput("t", "edges_t", "", "@daily", Now), Check(Spec(Cron("t"))));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a.b")]
    [InlineData("ä")]
    public void A_name_that_no_repo_may_have_is_refused_before_anything_is_created(string name) => Fails(
        $"repo name ({name}) invalid: only alphanumeric characters, underscores, and dashes are allowed", Spec(Atom("a"), name));

    [Fact]
    public void A_pipeline_cannot_read_what_comes_from_it()
    {
        Fails("pipeline ab cannot read repo ab, which comes from ab itself", Spec(Atom("ab"), "ab"));
        Fails("pipeline ab cannot read repo deep, which comes from ab itself", Spec(Atom("deep"), "ab"));
    }

    [Fact]
    public void Inputs_that_are_nested_without_end_are_refused()
    {
        InputSpec deep = Atom("a");
        for (int i = 0; i < 100_000; i++)
        {
            deep = new InputSpec { Cross = [deep] };
        }

        var error = Assert.Throws<PpsException>(() => SpecDefaults.Complete(Spec(deep), Now));

        Assert.Equal("inputs are nested deeper than 64 levels", error.Message);
    }

    [Fact]
    public void The_input_of_a_job_names_commits_that_exist()
    {
        Catalog repos = new("a");
        repos.Commits.Add(new CommitRef("a", "1"));
        InputSpec input = new() { Atom = new AtomInput("a", "a", "", "1", "/") };

        Assert.Equal(input.Atom, SpecValidation.CheckJobInput(input, repos));
        Assert.Equal("input must specify a commit", Message(() => SpecValidation.CheckJobInput(Atom("a", name: "a"), repos)));
        Assert.Equal("commit a/2 not found", Message(() => SpecValidation.CheckJobInput(Atom("a", name: "a", commit: "2"), repos)));
    }

    private static Input Check(PipelineSpec spec) => SpecValidation.Check(SpecDefaults.Complete(spec, Now), Repos);

    private static string Message(Func<object> act) => Assert.Throws<PpsException>(act).Message;

    private static void Fails(string message, PipelineSpec spec)
    {
        var error = Assert.Throws<PpsException>(() => Check(spec));
        Assert.Equal((PpsErrorKind.InvalidArgument, message), (error.Kind, error.Message));
    }
}
