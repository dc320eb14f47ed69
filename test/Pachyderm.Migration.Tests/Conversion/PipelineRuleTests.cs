using Pachyderm.Formats.V1_5;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Tests.Support;

namespace Pachyderm.Migration.Tests.Conversion;

public sealed class PipelineRuleTests
{
    private const string PlainInput = SyntheticCluster.PlainInput;

    public static TheoryData<string, bool, PipelineState> States => new()
    {
        { "", false, PipelineState.PipelineStarting },
        { "", true, PipelineState.PipelinePaused },
        { "state:PIPELINE_RUNNING ", false, PipelineState.PipelineRunning },
        { "state:PIPELINE_RUNNING ", true, PipelineState.PipelinePaused },
        { "state:PIPELINE_RESTARTING ", false, PipelineState.PipelineRestarting },
        { "state:PIPELINE_RESTARTING ", true, PipelineState.PipelinePaused },
        { "state:PIPELINE_FAILURE ", false, PipelineState.PipelineFailure },
        { "state:PIPELINE_FAILURE ", true, PipelineState.PipelineFailure },
        { "state:PIPELINE_STOPPED ", false, PipelineState.PipelinePaused },
        { "state:PIPELINE_STOPPED ", true, PipelineState.PipelinePaused },
    };

    [Theory]
    [MemberData(nameof(States))]
    public async Task A_stopped_pipeline_is_paused_unless_it_has_failed(string state, bool stopped, PipelineState expected)
    {
        string fields = state + (stopped ? "stopped:true " : "") + PlainInput;
        ConvertedCluster converted = await ConvertedCluster.FromAsync(
            new SyntheticCluster().Pipeline("written", fields).InBinary().Pipeline("migrated", fields));

        foreach (PipelineInfo pipeline in (PipelineInfo[])[converted.Pipeline("written"), converted.Pipeline("migrated")])
        {
            Assert.Equal(expected, pipeline.State);
            Assert.False(pipeline.StoppedOf14);
        }
    }

    [Theory]
    [CombinatorialStrategies]
    public async Task The_strategy_of_a_text_record_chooses_between_constant_and_coefficient(bool byCoefficient, ulong constant, double coefficient)
    {
        ParallelismSpec spec = await ParallelismAsync(binary: false, byCoefficient, constant, coefficient);

        Assert.Equal((byCoefficient ? 0 : constant, byCoefficient ? coefficient : 0), (spec.Constant, spec.Coefficient));
        Assert.Equal(0, spec.StrategyOf14);
    }

    [Theory]
    [CombinatorialStrategies]
    public async Task A_binary_record_loses_what_its_strategy_did_not_choose_or_what_contradicts_its_constant(
        bool byCoefficient, ulong constant, double coefficient)
    {
        ParallelismSpec spec = await ParallelismAsync(binary: true, byCoefficient, constant, coefficient);

        // A binary record without a strategy may have been written by 1.5, which means what it says by a coefficient alone.
        double expected = !byCoefficient && constant != 0 ? 0 : coefficient;
        Assert.Equal((byCoefficient ? 0 : constant, expected), (spec.Constant, spec.Coefficient));
        Assert.Equal(0, spec.StrategyOf14);
    }

    [Fact]
    public async Task A_job_keeps_the_parallelism_that_its_strategy_chose()
    {
        string id = SyntheticCluster.Id(1);
        ConvertedCluster converted = await ConvertedCluster.FromAsync(
            new SyntheticCluster().Job(id, "p", "state:JOB_SUCCESS parallelism_spec:<strategy:COEFFICIENT constant:3 coefficient:0.5 > "));

        Assert.Equal("coefficient:0.5 ", ConvertedCluster.Show(converted.Job(id).ParallelismSpec));
    }

    [Fact]
    public async Task A_pipeline_without_a_parallelism_spec_gets_none()
    {
        ConvertedCluster converted = await ConvertedCluster.FromAsync(new SyntheticCluster().Pipeline("p"));

        Assert.Null(converted.Pipeline("p").ParallelismSpec);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_list_of_inputs_becomes_a_cross_sorted_by_name_with_defaults_filled_in(bool binary)
    {
        const string Inputs =
            """inputs:<repo:<name:"b" > branch:"dev" glob:"/x" lazy:true from:<repo:<name:"b" > id:"c9" > > """
            + """inputs:<name:"aa" repo:<name:"zoo" > glob:"/*" > """
            + """inputs:<name:"Z" repo:<name:"a" > branch:"master" glob:"/" > """;
        ConvertedCluster converted = await ConvertedCluster.FromAsync(new SyntheticCluster { Binary = binary }.Pipeline("p", Inputs));

        PipelineInfo pipeline = converted.Pipeline("p");
        Assert.Empty(pipeline.Inputs);
        Assert.Equal(
            """cross:<atom:<name:"Z" repo:"a" branch:"master" glob:"/" > > """
            + """cross:<atom:<name:"aa" repo:"zoo" branch:"master" glob:"/*" > > """
            + """cross:<atom:<name:"b" repo:"b" branch:"dev" glob:"/x" lazy:true from_commit:"c9" > > """,
            ConvertedCluster.Show(pipeline.Input));
    }

    [Fact]
    public async Task A_single_input_becomes_a_cross_of_one()
    {
        ConvertedCluster converted = await ConvertedCluster.FromAsync(
            new SyntheticCluster().Pipeline("p", """inputs:<repo:<name:"a" > glob:"/*" > """));

        Assert.Equal(
            """cross:<atom:<name:"a" repo:"a" branch:"master" glob:"/*" > > """, ConvertedCluster.Show(converted.Pipeline("p").Input));
    }

    [Fact]
    public async Task Inputs_of_one_name_stay_in_their_order()
    {
        ConvertedCluster converted = await ConvertedCluster.FromAsync(new SyntheticCluster().Pipeline(
            "p", """inputs:<name:"x" repo:<name:"two" > glob:"/*" > inputs:<name:"x" repo:<name:"one" > glob:"/*" > """));

        Assert.Equal("two one", string.Join(' ', converted.Pipeline("p").Input.Cross.Select(input => input.Atom.Repo.ToStringUtf8())));
    }

    [Fact]
    public async Task A_tree_of_inputs_is_kept_as_it_is()
    {
        const string Tree =
            """union:<cross:<atom:<name:"z" repo:"z" branch:"master" glob:"/*" > > cross:<atom:<name:"a" repo:"a" branch:"dev" glob:"/" > > > """
            + """union:<atom:<name:"b" repo:"b" branch:"master" glob:"/*" lazy:true > > """;
        ConvertedCluster converted = await ConvertedCluster.FromAsync(new SyntheticCluster().Pipeline("p", $"input:<{Tree}> "));

        Assert.Equal(Tree, ConvertedCluster.Show(converted.Pipeline("p").Input));
    }

    [Theory]
    [InlineData("1.5.0", "")]
    [InlineData("1.5.1", "old-id")]
    [InlineData("1.5.2", "old-id")]
    [InlineData("1.5.3", "old-id")]
    public async Task The_old_id_becomes_the_salt_where_the_target_knows_salts(string to, string salt)
    {
        ConvertedCluster converted = await ConvertedCluster.FromAsync(
            new SyntheticCluster().Pipeline("p", "id:\"old-id\" version:4 " + PlainInput), to);

        PipelineInfo pipeline = converted.Pipeline("p");
        Assert.Equal(salt, pipeline.Salt.ToStringUtf8());
        Assert.Equal("old-id", pipeline.Id.ToStringUtf8());
        Assert.Equal(4UL, pipeline.Version);
    }

    [Fact]
    public async Task A_salt_that_a_pipeline_has_already_is_kept()
    {
        PipelineInfo born = PipelineOf15("p");
        ConvertedCluster converted = await ConvertedCluster.FromAsync(
            new SyntheticCluster().Message15(Key("p"), born).InText().Repo("in"));

        Assert.Equal(born, converted.Pipeline("p"));
        Assert.Equal(RecordChangeKind.Keep, converted.ChangeOf(Key("p")));
    }

    [Theory]
    [InlineData("1.5.0", "")]
    [InlineData("1.5.3", "64M")]
    public async Task The_cache_size_is_that_of_a_new_pipeline_where_the_target_has_one(string to, string size)
    {
        ConvertedCluster converted = await ConvertedCluster.FromAsync(new SyntheticCluster().Pipeline("p"), to);

        Assert.Equal(size, converted.Pipeline("p").CacheSize.ToStringUtf8());
        Assert.Null(converted.Pipeline("p").ResourceSpec);
        Assert.False(converted.Pipeline("p").EnableStats);
    }

    [Fact]
    public async Task The_policy_of_1_3_for_collecting_garbage_is_left_behind()
    {
        ConvertedCluster converted = await ConvertedCluster.FromAsync(new SyntheticCluster().Pipeline(
            "p", "id:\"i\" gc_policy:<success:<seconds:86400 > failure:<seconds:604800 nanos:3 > > " + PlainInput));

        Assert.Equal(
            """id:"i" pipeline:<name:"p" > cache_size:"64M" salt:"i" """,
            ConvertedCluster.Show(Without(converted.Pipeline("p"))).Replace("input:<> ", "", StringComparison.Ordinal));
        Assert.Equal(1, converted.Changes["leftovers of 1.4.0-1.4.3 removed"]);

        static PipelineInfo Without(PipelineInfo pipeline)
        {
            pipeline.Input = null;
            return pipeline;
        }
    }

    [Fact]
    public async Task Fields_that_no_rule_names_keep_their_values()
    {
        const string Fields =
            """id:"i" version:3 transform:<image:"img" cmd:"sh" cmd:"-c" env:<key:"K" value:"V" > env:<key:"A" value:"" > secrets:<name:"s" mount_path:"/s" > """
            + """image_pull_secrets:"q" stdin:"x" accept_return_code:7 debug:true > parallelism_spec:<constant:2 > egress:<URL:"s3://b/k" > """
            + """created_at:<seconds:1500000000 nanos:42 > state:PIPELINE_RUNNING recent_error:"oops" job_counts:<key:0 value:0 > job_counts:<key:3 value:2 > """
            + """outputBranch:"out" scaleDownThreshold:<seconds:60 > resource_spec:<cpu:0.5 memory:"1G" gpu:1 > """
            + PlainInput + """description:"d\303\251" incremental:true """;
        ConvertedCluster converted = await ConvertedCluster.FromAsync(new SyntheticCluster().Pipeline("p", Fields), "1.5.0");

        string text = ConvertedCluster.Show(converted.Pipeline("p"));
        Assert.Equal(
            ("id:\"i\" pipeline:<name:\"p\" > " + Fields[7..])
                .Replace("outputBranch", "output_branch", StringComparison.Ordinal)
                .Replace("scaleDownThreshold", "scale_down_threshold", StringComparison.Ordinal)
                .Replace("env:<key:\"K\" value:\"V\" > env:<key:\"A\" value:\"\" >", "env:<key:\"A\" value:\"\" > env:<key:\"K\" value:\"V\" >", StringComparison.Ordinal),
            text);
    }

    private static byte[] Key(string pipeline) => new Pachyderm.Formats.ClusterKeys().Pipeline(SyntheticCluster.Bytes(pipeline));

    private static PipelineInfo PipelineOf15(string name)
    {
        PipelineInfo pipeline = PipelineInfo.Parser.ParseFrom(
            new SyntheticCluster().InBinary().Pipeline(name, "id:\"old\" version:1 " + PlainInput).ValueOf(Key(name)));
        pipeline.Salt = Google.Protobuf.ByteString.CopyFromUtf8("fresh");
        pipeline.CacheSize = Google.Protobuf.ByteString.CopyFromUtf8("1G");
        return pipeline;
    }

    private static async Task<ParallelismSpec> ParallelismAsync(bool binary, bool byCoefficient, ulong constant, double coefficient)
    {
        string strategy = byCoefficient ? "strategy:COEFFICIENT " : "";
        FormattableString fields = $"parallelism_spec:<{strategy}constant:{constant} coefficient:{coefficient} > {PlainInput}";
        ConvertedCluster converted = await ConvertedCluster.FromAsync(
            new SyntheticCluster { Binary = binary }.Pipeline("p", FormattableString.Invariant(fields)));
        return converted.Pipeline("p").ParallelismSpec;
    }
}

/// <summary>Both strategies, with and without a constant and a coefficient.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CombinatorialStrategiesAttribute : Xunit.v3.DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(System.Reflection.MethodInfo testMethod, Xunit.Sdk.DisposalTracker disposalTracker) =>
        ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>(
            [.. from byCoefficient in (bool[])[false, true]
                from constant in (ulong[])[0, 3]
                from coefficient in (double[])[0, 0.5]
                select new TheoryDataRow(byCoefficient, constant, coefficient)]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
