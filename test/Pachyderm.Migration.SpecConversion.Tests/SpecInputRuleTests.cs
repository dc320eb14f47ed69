using Pachyderm.Migration.Specs;
using static Pachyderm.Migration.SpecConversion.Tests.Specs;

namespace Pachyderm.Migration.SpecConversion.Tests;

public sealed class SpecInputRuleTests
{
    [Theory]
    [InlineData("\"map\"", "/*/*")]
    [InlineData("\"reduce\"", "/*")]
    [InlineData("\"incremental_reduce\"", "/*")]
    [InlineData("\"global\"", "/")]
    [InlineData("null", "/*/*")]
    [InlineData("{\"partition\":\"BLOCK\"}", "/*/*")]
    [InlineData("{\"partition\":\"FILE\"}", "/*")]
    [InlineData("{\"partition\":\"REPO\"}", "/")]
    [InlineData("{\"incremental\":\"NONE\"}", "/*/*")]
    public void A_method_becomes_the_glob_of_its_partition(string method, string glob)
    {
        var spec = ConvertInput($"\"method\":{method}");
        Assert.Equal(glob, (string?)spec.Atom()["glob"]);
        Assert.Equal($"glob \"{glob}\"", spec.AssertChanged("$.inputs[0].method").Became);
    }

    [Fact]
    public void An_input_without_a_method_is_a_map() =>
        AssertJson(
            """{"name":"in","repo":"in","branch":"master","glob":"/*/*"}""",
            ConvertWith("""  "inputs":[{"repo":{"name":"in"}}]""").Atom());

    [Theory]
    [InlineData("\"sideways\"")]
    [InlineData("\"MAP\"")]
    [InlineData("7")]
    [InlineData("[]")]
    [InlineData("{\"partition\":\"LINE\"}")]
    [InlineData("{\"partition\":1}")]
    public void An_unknown_method_leaves_the_glob_out_for_a_person_to_set(string method)
    {
        var spec = ConvertInput($"\"method\":{method}");
        Assert.False(spec.Atom().ContainsKey("glob"));
        spec.AssertFinding(SpecFindingSeverity.Decide, "$.inputs[0].method", "set glob");
    }

    [Fact]
    public void Blocks_need_their_data_put_again_with_split() =>
        ConvertInput("\"method\":\"map\"").AssertFinding(SpecFindingSeverity.Decide, "$.inputs[0].method", "put-file --split");

    [Fact]
    public void Files_below_directories_need_a_deeper_glob() =>
        ConvertInput("\"method\":\"reduce\"").AssertFinding(SpecFindingSeverity.Warning, "$.inputs[0].method", "one more /*");

    [Fact]
    public void A_whole_repo_needs_no_attention() => Assert.Empty(ConvertInput("\"method\":\"global\"").Findings);

    [Theory]
    [InlineData("BLOCK", "DIFF", SpecFindingSeverity.Note, "only new blocks")]
    [InlineData("FILE", "DIFF", SpecFindingSeverity.Decide, "\"incremental\": true")]
    [InlineData("REPO", "DIFF", SpecFindingSeverity.Decide, "\"incremental\": true")]
    [InlineData("BLOCK", "FULL", SpecFindingSeverity.Decide, "(FULL)")]
    [InlineData("REPO", "FULL", SpecFindingSeverity.Decide, "(FULL)")]
    [InlineData("REPO", "SOME", SpecFindingSeverity.Decide, "\"SOME\"")]
    public void An_incremental_method_is_explained(string partition, string incremental, SpecFindingSeverity severity, string part) =>
        ConvertInput($$"""  "method":{"partition":"{{partition}}","incremental":"{{incremental}}"}""")
            .AssertFinding(severity, "$.inputs[0].method", part);

    [Fact]
    public void A_method_that_is_not_incremental_needs_no_explanation() =>
        Assert.Empty(ConvertInput("""  "method":{"partition":"REPO","incremental":"NONE"}""").Findings);

    [Fact]
    public void A_method_without_a_partition_is_taken_as_blocks_with_a_warning() =>
        ConvertInput("""  "method":{"incremental":"NONE"}""")
            .AssertFinding(SpecFindingSeverity.Warning, "$.inputs[0].method", "BLOCK was taken");

    [Fact]
    public void An_unknown_field_of_a_method_is_dropped_with_a_warning() =>
        ConvertInput("""  "method":{"partition":"REPO","size":3}""")
            .AssertFinding(SpecFindingSeverity.Warning, "$.inputs[0].method.size", "unknown");

    [Theory]
    [InlineData("run_empty")]
    [InlineData("runEmpty")]
    public void Running_on_empty_input_is_for_a_person_to_decide(string name)
    {
        var spec = ConvertInput($"\"method\":\"global\",\"{name}\":true");
        Assert.False(spec.Atom().ContainsKey(name));
        spec.AssertFinding(SpecFindingSeverity.Decide, $"$.inputs[0].{name}", "ran even when the input was empty");
    }

    [Theory]
    [InlineData("false")]
    [InlineData("null")]
    public void Not_running_on_empty_input_is_dropped_without_a_finding(string value)
    {
        var spec = ConvertInput($"\"method\":\"global\",\"run_empty\":{value}");
        Assert.Empty(spec.Findings);
        Assert.Equal("nothing", spec.AssertChanged("$.inputs[0].run_empty").Became);
    }

    [Theory]
    [InlineData("true")]
    [InlineData("false")]
    public void Lazy_is_kept(string value) =>
        AssertJson(
            $$"""{"name":"in","repo":"in","branch":"master","glob":"/","lazy":{{value}}}""",
            ConvertInput($"\"method\":\"global\",\"lazy\":{value}").Atom());

    [Fact]
    public void A_given_branch_and_name_are_kept() =>
        AssertJson(
            """{"name":"other","repo":"in","branch":"dev","glob":"/"}""",
            ConvertInput("""  "method":"global","branch":"dev","name":"other" """).Atom());

    [Fact]
    public void A_first_commit_of_the_old_form_gives_the_branch_and_is_left_for_a_person_to_map()
    {
        var spec = ConvertInput("""  "method":"global","from":{"repo":{"name":"in"},"id":"daily/12"}""");
        AssertJson("""{"name":"in","repo":"in","branch":"daily","glob":"/"}""", spec.Atom());
        spec.AssertFinding(SpecFindingSeverity.Decide, "$.inputs[0].from", "\"daily/12\"");
    }

    [Fact]
    public void A_first_commit_with_an_id_of_the_new_form_is_kept()
    {
        var spec = ConvertInput("""  "method":"global","from":{"repo":{"name":"in"},"id":"0123456789abcdef"}""");
        AssertJson("""{"name":"in","repo":"in","branch":"master","glob":"/","from_commit":"0123456789abcdef"}""", spec.Atom());
        Assert.Empty(spec.Findings);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"id\":\"\"}")]
    public void A_first_commit_without_an_id_means_none(string from)
    {
        var spec = ConvertInput($"\"method\":\"global\",\"from\":{from}");
        Assert.False(spec.Atom().ContainsKey("from_commit"));
        Assert.Empty(spec.Findings);
    }

    [Fact]
    public void A_first_commit_of_another_repo_is_for_a_person_to_decide() =>
        ConvertInput("""  "method":"global","from":{"repo":{"name":"else"},"id":"abc"}""")
            .AssertFinding(SpecFindingSeverity.Decide, "$.inputs[0].from", "another repo");

    [Fact]
    public void One_input_becomes_an_atom_and_several_become_a_cross_in_their_order()
    {
        Assert.Equal("input.atom", ConvertInput("\"method\":\"global\"").AssertChanged("$.inputs").Became);
        var spec = ConvertWith("""  "inputs":[{"repo":{"name":"b"},"method":"global"},{"repo":{"name":"a"},"method":"reduce"}]""");
        AssertJson(
            """
            {"cross":[
              {"atom":{"name":"b","repo":"b","branch":"master","glob":"/"}},
              {"atom":{"name":"a","repo":"a","branch":"master","glob":"/*"}}]}
            """,
            spec.Spec["input"]);
        Assert.False(spec.Spec.ContainsKey("inputs"));
    }

    [Fact]
    public void A_repo_may_be_given_by_its_bare_name() =>
        Assert.Equal("in", (string?)ConvertWith("""  "inputs":[{"repo":"in","method":"global"}]""").Atom()["repo"]);

    [Theory]
    [InlineData("{\"method\":\"global\"}", "$.inputs[0]")]
    [InlineData("{\"repo\":{},\"method\":\"global\"}", "$.inputs[0].repo")]
    [InlineData("{\"repo\":{\"name\":\"\"},\"method\":\"global\"}", "$.inputs[0].repo")]
    [InlineData("{\"repo\":7,\"method\":\"global\"}", "$.inputs[0].repo")]
    public void An_input_without_a_repo_is_for_a_person_to_decide(string input, string path)
    {
        var spec = ConvertWith($"\"inputs\":[{input}]");
        spec.AssertFinding(SpecFindingSeverity.Decide, path, "names no repo");
        Assert.False(spec.Atom().ContainsKey("repo"));
    }

    [Fact]
    public void An_unknown_field_of_an_input_is_kept_with_a_warning()
    {
        var spec = ConvertInput("""  "method":"global","weight":[1,2]""");
        AssertJson("[1,2]", spec.Atom()["weight"]);
        spec.AssertFinding(SpecFindingSeverity.Warning, "$.inputs[0].weight", "unknown");
    }

    [Fact]
    public void An_unknown_field_does_not_replace_one_that_the_conversion_made()
    {
        var spec = ConvertInput("""  "method":"global","from":{"id":"abc"},"from_commit":"xyz" """);
        Assert.Equal("abc", (string?)spec.Atom()["from_commit"]);
        spec.AssertFinding(SpecFindingSeverity.Decide, "$.inputs[0].from_commit", "its name is taken");
    }

    [Fact]
    public void A_glob_that_is_given_wins_over_the_method()
    {
        var spec = ConvertInput("""  "glob":"/a/*","method":"global" """);
        Assert.Equal("/a/*", (string?)spec.Atom()["glob"]);
        Assert.Equal("nothing", spec.AssertChanged("$.inputs[0].method").Became);
    }

    [Fact]
    public void Two_inputs_of_one_repo_need_different_names() =>
        ConvertWith("""  "inputs":[{"repo":{"name":"a"},"method":"global"},{"repo":{"name":"a"},"method":"reduce"}]""")
            .AssertFinding(SpecFindingSeverity.Decide, "$.inputs[1]", "used more than once");

    [Fact]
    public void Two_inputs_of_one_repo_need_the_same_branch() =>
        ConvertWith("""  "inputs":[{"repo":"a","method":"global"},{"repo":"a","name":"b","branch":"dev","method":"global"}]""")
            .AssertFinding(SpecFindingSeverity.Decide, "$.inputs[1]", "branch \"dev\"");

    [Theory]
    [InlineData("out", "cannot be named \"out\"")]
    [InlineData("prev", "\"prev\"")]
    public void A_reserved_repo_name_is_for_a_person_to_decide(string repo, string part) =>
        ConvertWith($$"""  "inputs":[{"repo":{"name":"{{repo}}"},"method":"global"}]""")
            .AssertFinding(SpecFindingSeverity.Decide, "$.input", part);

    [Fact]
    public void A_spec_with_input_and_inputs_keeps_both_for_a_person_to_choose()
    {
        var spec = ConvertWith("""  "input":{"atom":{"repo":"a","glob":"/"}},"inputs":[{"repo":{"name":"a"}}]""");
        Assert.True(spec.Spec.ContainsKey("input"));
        AssertJson("""[{"repo":{"name":"a"}}]""", spec.Spec["inputs"]);
        spec.AssertFinding(SpecFindingSeverity.Decide, "$.inputs", "remove one");
    }

    [Fact]
    public void Inputs_that_are_no_objects_are_left_as_they_are()
    {
        var spec = ConvertWith("""  "inputs":[{"repo":{"name":"a"}},5],"gc_policy":{}""");
        AssertJson("""[{"repo":{"name":"a"}},5]""", spec.Spec["inputs"]);
        spec.AssertFinding(SpecFindingSeverity.Decide, "$.inputs", "must be an object");
    }

    [Theory]
    [InlineData("\"gc_policy\":{}")]
    [InlineData("\"gc_policy\":{},\"inputs\":[]")]
    [InlineData("\"gc_policy\":{},\"inputs\":null,\"input\":null")]
    public void A_spec_without_inputs_is_for_a_person_to_complete(string fields) =>
        ConvertWith(fields).AssertFinding(SpecFindingSeverity.Decide, "$.input", "needs at least one");
}
