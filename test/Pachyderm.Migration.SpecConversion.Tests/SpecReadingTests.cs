using System.Text;
using CsCheck;
using Pachyderm.Migration.Specs;

namespace Pachyderm.Migration.SpecConversion.Tests;

public sealed class SpecReadingTests
{
    [Theory]
    [InlineData("")]
    [InlineData(" \n\t ")]
    [InlineData("\uFEFF")]
    public void A_text_without_an_object_gives_no_spec(string json)
    {
        var conversion = PipelineSpecConverter.Convert(json);
        Assert.Empty(conversion.Specs);
        Assert.Equal("", conversion.ToJson());
        Assert.False(conversion.NeedsDecisions);
        Assert.Equal("pipelines: 0, changes: 0, to decide: 0\n", PipelineSpecReport.Format(conversion));
    }

    [Theory]
    [InlineData("{}{}{}")]
    [InlineData("{} {}\n\n{}")]
    [InlineData("\uFEFF{}\r\n{}\t{}\n")]
    public void Objects_may_follow_one_another_with_or_without_space(string json) =>
        Assert.Equal(3, PipelineSpecConverter.Convert(json).Specs.Count);

    [Theory]
    [InlineData("x", 1, 1)]
    [InlineData("{} x", 1, 4)]
    [InlineData("{},{}", 1, 3)]
    [InlineData("[]", 1, 1)]
    [InlineData("{}\n  \"a\"", 2, 3)]
    [InlineData("null", 1, 1)]
    [InlineData("{\"a\":1,}", 1, 8)]
    [InlineData("{\n  \"a\": tru\n}", 2, 11)]
    [InlineData("{ // no comment\n}", 1, 3)]
    [InlineData("{}/* none */", 1, 3)]
    [InlineData("{\"é\": }", 1, 7)]
    [InlineData("{\"a\":1,\n \"a\":2}", 2, 2)]
    [InlineData("{\"a\":[{\"b\":1,\"b\":2}]}", 1, 14)]
    [InlineData("{\"a\":\"\\ud800\"}", 1, 6)]
    [InlineData("{\"a\":01}", 1, 7)]
    [InlineData("{\"a\":NaN}", 1, 6)]
    [InlineData("{'a':1}", 1, 2)]
    public void Malformed_text_is_refused_with_line_and_column(string json, int line, int column)
    {
        var failure = Assert.Throws<MalformedPipelineSpecException>(() => PipelineSpecConverter.Convert(json));
        Assert.Equal((line, column), (failure.Line, failure.Column));
        Assert.Equal("malformed-pipeline-spec", failure.Id);
        Assert.StartsWith($"pipeline spec: line {line}, column {column}: ", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("BytePosition", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{} {\"a\":[")]
    [InlineData("{\"a")]
    [InlineData("{\"a\":")]
    public void Text_that_ends_too_early_is_refused(string json) =>
        Assert.Throws<MalformedPipelineSpecException>(() => PipelineSpecConverter.Convert(json));

    [Fact]
    public void Half_a_surrogate_pair_is_refused_where_it_stands()
    {
        var failure = Assert.Throws<MalformedPipelineSpecException>(() => PipelineSpecConverter.Convert("{\n\"a\":\"" + '\uDC00' + "\"}"));
        Assert.Equal((2, 6), (failure.Line, failure.Column));
    }

    [Theory]
    [InlineData('[', ']')]
    [InlineData('{', '}')]
    public void Nesting_without_end_is_refused(char open, char close)
    {
        var opening = open == '[' ? "[" : "{\"a\":";
        foreach (var depth in new[] { 65, 100_000 })
        {
            var json = new StringBuilder().Insert(0, opening, depth).Append('1').Append(close, depth).ToString();
            Assert.Throws<MalformedPipelineSpecException>(() => PipelineSpecConverter.Convert("{\"pipeline\":" + json + "}"));
        }
    }

    [Fact]
    public void Deep_crosses_up_to_the_limit_are_read()
    {
        var opening = string.Concat(Enumerable.Repeat("{\"cross\":[", 20));
        var closing = string.Concat(Enumerable.Repeat("]}", 20));
        var json = $"{{\"input\":{opening}{{\"atom\":{{\"repo\":\"out\"}}}}{closing}}}";
        Specs.ConvertOne(json).AssertFinding(SpecFindingSeverity.Decide, "$.input", "cannot be named \"out\"");
    }

    [Fact]
    public void A_text_of_absurd_length_is_refused() =>
        Assert.Throws<MalformedPipelineSpecException>(() => PipelineSpecConverter.Convert(new string(' ', (1 << 18) + 1)));

    [Fact]
    public void Numbers_keep_their_digits() =>
        Assert.Contains(
            "[1e400,0.10,123456789012345678901234567890,-0]",
            Specs.ConvertOne("""{"gc_policy":1,"x":[1e400,0.10,123456789012345678901234567890,-0]}""").Spec.ToJsonString(),
            StringComparison.Ordinal);

    [Fact]
    public void Control_characters_of_a_spec_do_not_reach_the_terminal()
    {
        const string Spec = """{"pipeline":{"name":"a\u001b[2J\u009b\n"},"x\u001b[0m":1,"gc_policy":"\u001b"}""";
        var report = PipelineSpecReport.Format(PipelineSpecConverter.Convert(Spec));
        Assert.DoesNotContain(report, c => char.IsControl(c) && c != '\n');
        Assert.StartsWith("pipeline \"a\\u001B[2J\\u009B\\n\" (1 of 1)\n", report, StringComparison.Ordinal);
    }

    [Fact]
    public void Converting_any_text_gives_specs_or_the_one_error() =>
        Gen.String[Gen.Char["{}[]\":,\\ \n/*01eE.-ntfaulsrx\uD800\u0000é"], 0, 60].Sample(text =>
        {
            try
            {
                PipelineSpecConverter.Convert(text);
            }
            catch (MalformedPipelineSpecException failure)
            {
                Assert.InRange(failure.Line, 1, 61);
                Assert.InRange(failure.Column, 1, 61);
            }
        });

    [Fact]
    public void Converting_a_spec_made_of_its_own_vocabulary_never_fails_and_converting_it_again_changes_nothing() =>
        RandomSpec.Texts.Sample(text =>
        {
            var once = PipelineSpecConverter.Convert(text);
            PipelineSpecReport.Format(once);
            var twice = PipelineSpecConverter.Convert(once.ToJson());
            Assert.Equal(once.ToJson(), twice.ToJson());
            Assert.All(twice.Specs, spec => Assert.Empty(spec.Decisions));
        });

    [Fact]
    public void Converting_the_same_text_twice_gives_the_same_result() =>
        RandomSpec.Texts.Sample(text =>
            Assert.Equal(
                PipelineSpecReport.Format(PipelineSpecConverter.Convert(text)),
                PipelineSpecReport.Format(PipelineSpecConverter.Convert(text))));
}
