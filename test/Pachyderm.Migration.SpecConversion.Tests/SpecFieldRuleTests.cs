using Pachyderm.Migration.Specs;
using static Pachyderm.Migration.SpecConversion.Tests.Specs;

namespace Pachyderm.Migration.SpecConversion.Tests;

public sealed class SpecFieldRuleTests
{
    [Theory]
    [InlineData("{\"strategy\":\"CONSTANT\",\"constant\":3}", "{\"constant\":3}")]
    [InlineData("{\"strategy\":\"CONSTANT\",\"constant\":\"3\"}", "{\"constant\":\"3\"}")]
    [InlineData("{\"strategy\":\"CONSTANT\",\"constant\":3,\"coefficient\":2}", "{\"constant\":3}")]
    [InlineData("{\"strategy\":0,\"constant\":3}", "{\"constant\":3}")]
    [InlineData("{\"strategy\":\"COEFFICIENT\",\"coefficient\":2.5}", "{\"coefficient\":2.5}")]
    [InlineData("{\"strategy\":\"COEFFICIENT\",\"constant\":3,\"coefficient\":2.5}", "{\"coefficient\":2.5}")]
    [InlineData("{\"strategy\":1,\"coefficient\":2.5}", "{\"coefficient\":2.5}")]
    [InlineData("{\"strategy\":null,\"constant\":3,\"coefficient\":2.5}", "{\"constant\":3}")]
    [InlineData("{\"constant\":3,\"coefficient\":2.5}", "{\"constant\":3}")]
    [InlineData("{\"constant\":0,\"coefficient\":2.5}", "{\"constant\":0,\"coefficient\":2.5}")]
    [InlineData("{\"strategy\":\"RANDOM\",\"constant\":3}", "{\"strategy\":\"RANDOM\",\"constant\":3}")]
    public void A_strategy_leaves_the_one_field_that_it_chose(string old, string expected) =>
        AssertJson(expected, Convert(old).Spec["parallelism_spec"]);

    [Theory]
    [InlineData("{\"strategy\":\"CONSTANT\"}")]
    [InlineData("{\"strategy\":\"CONSTANT\",\"coefficient\":4}")]
    [InlineData("{}")]
    public void A_parallelism_that_says_nothing_is_left_out(string old) => Assert.False(Convert(old).Spec.ContainsKey("parallelism_spec"));

    [Theory]
    [InlineData("{\"strategy\":\"COEFFICIENT\"}", "without a coefficient")]
    [InlineData("{\"strategy\":\"COEFFICIENT\",\"coefficient\":0.0}", "without a coefficient")]
    [InlineData("{\"strategy\":\"COEFFICIENT\",\"coefficient\":2}", "beside \"strategy\"")]
    [InlineData("{\"strategy\":\"RANDOM\"}", "neither CONSTANT nor COEFFICIENT")]
    [InlineData("{\"coefficient\":2}", "ignored before")]
    public void A_doubtful_parallelism_is_for_a_person_to_decide(string old, string part) =>
        Convert(old).AssertFinding(SpecFindingSeverity.Decide, "$.parallelism_spec", part);

    [Fact]
    public void A_constant_of_nothing_still_means_one_worker_for_each_node() =>
        Convert("""{"strategy":"CONSTANT","constant":0}""").AssertFinding(SpecFindingSeverity.Note, "$.parallelism_spec", "each node");

    [Fact]
    public void Output_becomes_egress()
    {
        var spec = ConvertOldWith("""  "output":{"URL":"s3://b/c"}""");
        AssertJson("""{"URL":"s3://b/c"}""", spec.Spec["egress"]);
        Assert.False(spec.Spec.ContainsKey("output"));
        Assert.Equal("egress", spec.AssertChanged("$.output").Became);
    }

    [Fact]
    public void Resources_become_a_resource_spec()
    {
        var spec = ConvertWith("""  "resources":{"cpu":0.50,"memory":"1G"},"input":{"atom":{"repo":"a","glob":"/"}}""");
        Assert.Equal("""{"cpu":0.50,"memory":"1G"}""", spec.Spec["resource_spec"]!.ToJsonString());
        Assert.Equal("resource_spec", spec.AssertChanged("$.resources").Became);
    }

    [Theory]
    [InlineData("\"output\":{\"URL\":\"a\"},\"egress\":{\"URL\":\"a\"}", 0)]
    [InlineData("\"output\":{\"URL\":\"a\"},\"egress\":{\"URL\":\"b\"}", 1)]
    public void An_egress_beside_output_is_kept_and_a_difference_reported(string fields, int findings)
    {
        var spec = ConvertWith(fields + ",\"input\":{\"atom\":{\"repo\":\"a\",\"glob\":\"/\"}}");
        Assert.Equal(fields.EndsWith("\"b\"}", StringComparison.Ordinal) ? "b" : "a", (string?)spec.Spec["egress"]!["URL"]);
        Assert.Equal(findings, spec.Findings.Count(finding => finding.Path is "$.output"));
        Assert.Equal("nothing", spec.AssertChanged("$.output").Became);
    }

    [Theory]
    [InlineData("gc_policy", "{\"success\":\"1s\"}")]
    [InlineData("gcPolicy", "null")]
    [InlineData("no_archive", "true")]
    [InlineData("noArchive", "false")]
    public void What_1_4_does_not_know_is_dropped(string name, string value)
    {
        var spec = ConvertWith($"\"{name}\":{value},\"input\":{{\"atom\":{{\"repo\":\"a\",\"glob\":\"/\"}}}}");
        Assert.False(spec.Spec.ContainsKey(name));
        Assert.Equal(value, spec.AssertChanged($"$.{name}").Was);
        Assert.Empty(spec.Findings);
    }

    [Fact]
    public void Overwrite_is_dropped_and_the_rest_of_the_transform_kept()
    {
        var spec = ConvertOne(
            """
            {"pipeline":{"name":"p"},"input":{"atom":{"repo":"a","glob":"/"}},
             "transform":{"image":"i","cmd":["c"],"env":{"A":"1"},"secrets":[{"name":"s","mount_path":"/s"}],"image_pull_secrets":["r"],
             "stdin":["x"],"accept_return_code":[1],"debug":true,"overwrite":true}}
            """);
        AssertJson(
            """
            {"image":"i","cmd":["c"],"env":{"A":"1"},"secrets":[{"name":"s","mount_path":"/s"}],"image_pull_secrets":["r"],
             "stdin":["x"],"accept_return_code":[1],"debug":true}
            """,
            spec.Spec["transform"]);
        Assert.Equal("true", spec.AssertChanged("$.transform.overwrite").Was);
        Assert.Empty(spec.Findings);
    }

    [Fact]
    public void A_field_in_both_spellings_is_taken_once_and_the_other_reported() =>
        ConvertWith("""  "gc_policy":1,"gcPolicy":2""").AssertFinding(SpecFindingSeverity.Decide, "$.gcPolicy", "2 was dropped");

    [Fact]
    public void The_second_spelling_of_a_field_that_1_4_has_is_dropped_too()
    {
        var spec = ConvertOldWith("""  "parallelismSpec":{"constant":2},"parallelism_spec":{"constant":1}""");
        AssertJson("""{"constant":1}""", spec.Spec["parallelism_spec"]);
        spec.AssertFinding(SpecFindingSeverity.Decide, "$.parallelismSpec", """{"constant":2} was dropped""");
    }

    [Fact]
    public void Unknown_fields_are_kept_at_the_end_with_a_warning()
    {
        var spec = ConvertWith("""  "colour":{"a":[1]},"two words":2,"output":{}""");
        Assert.Equal("pipeline transform egress colour two words", string.Join(' ', spec.Spec.Select(field => field.Key)));
        AssertJson("""{"a":[1]}""", spec.Spec["colour"]);
        spec.AssertFinding(SpecFindingSeverity.Warning, "$.colour", "unknown");
        spec.AssertFinding(SpecFindingSeverity.Warning, "$[\"two words\"]", "unknown");
    }

    [Fact]
    public void The_order_of_the_fields_does_not_depend_on_the_order_in_the_old_spec()
    {
        const string Fields =
            """  "update":true,"resources":{"cpu":1},"inputs":[{"repo":"a"}],"output":{"URL":"u"},"parallelism_spec":{"constant":1}""";
        var spec = ConvertWith(Fields);
        Assert.Equal(
            "pipeline transform parallelism_spec resource_spec input egress update",
            string.Join(' ', spec.Spec.Select(field => field.Key)));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{\"pipeline\":{}}")]
    [InlineData("{\"pipeline\":{\"name\":\"\"}}")]
    [InlineData("{\"pipeline\":null}")]
    [InlineData("{\"pipeline\":\"p\"}")]
    public void A_missing_name_is_for_a_person_to_decide(string json) =>
        ConvertOne(json).AssertFinding(SpecFindingSeverity.Decide, "$.pipeline.name", "no name");

    [Theory]
    [InlineData("out")]
    [InlineData("prev")]
    public void A_reserved_pipeline_name_is_for_a_person_to_decide(string name) =>
        ConvertOne($$$"""{"pipeline":{"name":"{{{name}}}"}}""")
            .AssertFinding(SpecFindingSeverity.Decide, "$.pipeline.name", "1.3 kept for itself");

    [Fact]
    public void A_missing_transform_is_for_a_person_to_decide() =>
        ConvertOne("""{"pipeline":{"name":"p"}}""").AssertFinding(SpecFindingSeverity.Decide, "$.transform", "no transform");

    [Theory]
    [InlineData("cmd")]
    [InlineData("stdin")]
    public void Code_that_reads_its_previous_output_is_for_a_person_to_decide(string field) =>
        ConvertOne($$$"""{"transform":{"{{{field}}}":["cat /pfs/prev/sum"]}}""")
            .AssertFinding(SpecFindingSeverity.Decide, $"$.transform.{field}", "/pfs/prev");

    [Fact]
    public void A_spec_of_1_4_comes_out_as_it_was_with_a_note()
    {
        const string Spec =
            """{"transform":{"cmd":["c"]},"input":{"union":[{"atom":{"repo":"a","glob":"/"}}]},"outputBranch":"b","pipeline":{"name":"p"}}""";
        var converted = ConvertOne(Spec);
        Assert.True(converted.AlreadyConverted);
        Assert.Equal(Spec, converted.Spec.ToJsonString());
        Assert.Empty(converted.Decisions);
        Assert.Equal(
            new SpecFinding("$", SpecFindingSeverity.Note, "the spec is in the 1.4 form already; nothing was changed"),
            Assert.Single(converted.Findings));
    }

    [Fact]
    public void Inputs_of_1_4_stay_and_are_called_deprecated()
    {
        var spec = ConvertWith("""  "inputs":[{"repo":{"name":"a"},"glob":"/*"}]""");
        Assert.True(spec.AlreadyConverted);
        spec.AssertFinding(SpecFindingSeverity.Note, "$.inputs", "deprecated");
    }

    [Fact]
    public void A_strategy_in_a_spec_of_1_4_stays_with_a_warning_for_1_5()
    {
        var spec = ConvertWith("""  "parallelism_spec":{"strategy":"CONSTANT","constant":1},"input":{"atom":{"repo":"a","glob":"/"}}""");
        Assert.True(spec.AlreadyConverted);
        spec.AssertFinding(SpecFindingSeverity.Warning, "$.parallelism_spec.strategy", "1.5 refuses it");
    }

    private static ConvertedPipelineSpec Convert(string parallelism) =>
        ConvertOldWith($"\"parallelism_spec\":{parallelism}");
}
