using System.IO.Compression;
using System.Text;
using System.Text.Json;
using CsCheck;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Pachyderm.TestSupport;
using Pachyderm.Wire.Pps;

namespace Pachyderm.Client.Tests;

/// <summary>Specs as people write them, and as they break them.</summary>
public class PipelineSpecTests
{
    [Fact]
    public void A_text_may_have_several_pipelines_in_either_form_of_names()
    {
        IReadOnlyList<CreatePipelineRequest> pipelines = PipelineSpecs.Read(
            """
            {
              "pipeline": {"name": "a"},
              "transform": {"cmd": ["sh", "-c"], "env": {"B": "2", "A": ""}, "accept_return_code": [1, "2"], "secrets": [{"name": "s", "mount_path": "/s"}]},
              "parallelism_spec": {"constant": "3"},
              "scale_down_threshold": "1h30m",
              "input": {"cross": [{"atom": {"repo": "r", "glob": "/*", "lazy": true}}, {"cron": {"name": "t", "spec": "@daily", "start": "2017-08-17T23:11:40.5+02:00"}}]}
            }{"pipeline":{"name":"b"},"parallelismSpec":{"coefficient":0.5},"scaleDownThreshold":"1.5s","enableStats":true,"outputBranch":"out",
             "resourceSpec":{"cpu":0.5,"memory":"64M","gpu":1},"egress":{"URL":"s3://b/p"}, "description": null}

            """);

        CreatePipelineRequest a = new()
        {
            Pipeline = new Pipeline { Name = "a" },
            Transform = new Transform
            {
                Cmd = { "sh", "-c" },
                Env = { ["A"] = "", ["B"] = "2" },
                AcceptReturnCode = { 1, 2 },
                Secrets = { new Secret { Name = "s", MountPath = "/s" } },
            },
            ParallelismSpec = new ParallelismSpec { Constant = 3 },
            ScaleDownThreshold = new Duration { Seconds = 5400 },
            Input = new Input
            {
                Cross =
                {
                    new Input { Atom = new AtomInput { Repo = "r", Glob = "/*", Lazy = true } },
                    new Input { Cron = new CronInput { Name = "t", Spec = "@daily", Start = new Timestamp { Seconds = 1_503_004_300, Nanos = 500_000_000 } } },
                },
            },
        };
        CreatePipelineRequest b = new()
        {
            Pipeline = new Pipeline { Name = "b" },
            ParallelismSpec = new ParallelismSpec { Coefficient = 0.5 },
            ScaleDownThreshold = new Duration { Seconds = 1, Nanos = 500_000_000 },
            EnableStats = true,
            OutputBranch = "out",
            ResourceSpec = new ResourceSpec { Cpu = 0.5f, Memory = "64M", Gpu = 1 },
            Egress = new Egress { URL = "s3://b/p" },
        };
        Assert.Equal([a, b], pipelines);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n\t")]
    [InlineData("\uFEFF")]
    public void A_text_without_anything_has_no_pipelines(string text) => Assert.Empty(PipelineSpecs.Read(text));

    [Theory]
    [InlineData("""{"output_branch": "snake", "outputBranch": "camel"}""", "camel")]
    [InlineData("""{"outputBranch": "camel", "output_branch": "snake"}""", "camel")]
    [InlineData("""{"outputBranch": "camel", "output_branch": 7}""", "camel")]
    [InlineData("""{"output_branch": "first", "output_branch": "last"}""", "last")]
    [InlineData("""{"output_branch": "first", "output_branch": null}""", "")]
    public void The_camel_form_counts_if_both_are_there_and_the_last_of_two(string text, string branch) =>
        Assert.Equal(branch, Assert.Single(PipelineSpecs.Read(text)).OutputBranch);

    [Theory]
    [InlineData("{\"x\": 1}", "unknown field \"x\" in pps.CreatePipelineRequest (line 1, column 2)")]
    [InlineData("{}\n{\n  \"input\": {\"cross\": [{\"atom\": {\"rebo\": \"r\"}}]}}", "unknown field \"rebo\" in pps.AtomInput (line 3, column 33)")]
    [InlineData("{\"inputs\": [{\"from\": {\"repo\": {\"nam\": 1}}}]}", "unknown field \"nam\" in pfs.Repo")]
    [InlineData("{\"transform\": {\"Cmd\": []}}", "unknown field \"Cmd\" in pps.Transform")]
    [InlineData("{\"transform\": {\"cmd\": \"sh\"}}", "\"cmd\" in pps.Transform must be a list")]
    [InlineData("{\"transform\": {\"cmd\": [1]}}", "\"cmd\" in pps.Transform must be a text")]
    [InlineData("{\"transform\": {\"cmd\": [null]}}", "\"cmd\" in pps.Transform must be a text")]
    [InlineData("{\"transform\": []}", "pps.Transform must be an object")]
    [InlineData("{\"transform\": {\"env\": {\"A\": 1}}}", "\"env\" in pps.Transform must be a text")]
    [InlineData("{\"transform\": {\"debug\": \"true\"}}", "\"debug\" in pps.Transform must be true or false")]
    [InlineData("{\"parallelism_spec\": {\"constant\": -1}}", "\"constant\" in pps.ParallelismSpec must be a whole number that is not negative")]
    [InlineData("{\"parallelism_spec\": {\"constant\": 1.5}}", "must be a whole number")]
    [InlineData("{\"parallelism_spec\": {\"coefficient\": \"NaN\"}}", "\"coefficient\" in pps.ParallelismSpec must be a number")]
    [InlineData("{\"parallelism_spec\": {\"coefficient\": 1e999}}", "must be a number")]
    [InlineData("{\"scale_down_threshold\": \"1 day\"}", "\"1 day\" is no duration such as 90s or 1h30m")]
    [InlineData("{\"scale_down_threshold\": \"9999999h\"}", "is no duration")]
    [InlineData("{\"input\": {\"cron\": {\"start\": \"yesterday\"}}}", "\"yesterday\" is no time such as")]
    [InlineData("{\"input\": {\"cron\": {\"start\": \"2017-08-17T23:11:40\"}}}", "is no time such as")]
    [InlineData("[]", "pps.CreatePipelineRequest must be an object")]
    [InlineData("\"x\"", "pps.CreatePipelineRequest must be an object")]
    [InlineData("{\"pipeline\": {\"name\": \"a\"}", "unexpected EOF")]
    [InlineData("{\"pipeline\": \"", "unexpected EOF")]
    [InlineData("{\"description\": \"\\ud800\"}", "the text is not Unicode")]
    [InlineData("{} x", "(line 1, column 4)")]
    [InlineData("{\"batch\": true,}", "(line 1, column 16)")]
    [InlineData("// a comment\n{}", "(line 1, column 1)")]
    [InlineData("pipeline: x", "(line 1, column 1)")]
    public void What_is_wrong_is_told_in_one_line_with_its_place(string text, string problem)
    {
        MalformedSpecException exception = Assert.Throws<MalformedSpecException>(() => PipelineSpecs.Read(text));

        Assert.StartsWith("malformed pipeline spec: ", exception.Message, StringComparison.Ordinal);
        Assert.Contains(problem, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
    }

    [Theory]
    [InlineData("0", 0, 0)]
    [InlineData("-1.5h", -5400, 0)]
    [InlineData("1h2m3.5s", 3723, 500_000_000)]
    [InlineData("+300ms", 0, 300_000_000)]
    [InlineData("1us", 0, 1000)]
    [InlineData("1\u00b5s2ns", 0, 1002)]
    [InlineData(".5s", 0, 500_000_000)]
    [InlineData("2540400h10m10.000000000s", 9_145_440_610, 0)]
    public void Durations_are_those_of_go(string text, long seconds, int nanos) => Assert.Equal(
        new Duration { Seconds = seconds, Nanos = nanos },
        Assert.Single(PipelineSpecs.Read($"{{\"scaleDownThreshold\": \"{text}\"}}")).ScaleDownThreshold);

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("1")]
    [InlineData("1s0")]
    [InlineData("s")]
    [InlineData("1.2.3s")]
    [InlineData("1x")]
    [InlineData("1s 2s")]
    public void What_go_refuses_is_no_duration(string text) =>
        Assert.Throws<MalformedSpecException>(() => PipelineSpecs.Read($"{{\"scaleDownThreshold\": \"{text}\"}}"));

    [Fact]
    public void A_time_may_be_given_as_inspect_pipeline_shows_it() => Assert.Equal(
        new Timestamp { Seconds = 5, Nanos = 7 },
        Assert.Single(PipelineSpecs.Read("""{"input": {"cron": {"start": {"seconds": 5, "nanos": 7}}}}""")).Input.Cron.Start);

    [Fact]
    public void A_job_is_read_over_what_is_known()
    {
        CreateJobRequest defaults = new() { Pipeline = new Pipeline { Name = "p" }, Salt = "s" };

        CreateJobRequest job = PipelineSpecs.ReadJob("""{"salt": "t", "input": {"atom": {"commit": "c"}}}"""u8.ToArray(), defaults);

        Assert.Equal(new CreateJobRequest { Pipeline = defaults.Pipeline, Salt = "t", Input = new Input { Atom = new AtomInput { Commit = "c" } } }, job);
        Assert.Equal(defaults, PipelineSpecs.ReadJob(ReadOnlyMemory<byte>.Empty, defaults));
        Assert.Throws<MalformedSpecException>(() => PipelineSpecs.ReadJob("{}{}"u8.ToArray(), defaults));
    }

    [Fact]
    public void What_real_clusters_show_of_pipelines_and_jobs_is_read_back()
    {
        using GZipStream file = new(
            System.IO.File.OpenRead(Path.Combine(RepositoryPaths.Fixture("pachyderm-1.5.3-small"), "expected.json.gz")), CompressionMode.Decompress);
        using var expected = JsonDocument.Parse(file);
        int pipelines = Compare(expected, "pipelines_in_list_order", "pipeline_info", () => new PipelineInfo(), PipelineInfo.Parser);
        int jobs = Compare(expected, "jobs_in_list_order", "job_info", () => new JobInfo(), JobInfo.Parser);

        Assert.True(pipelines > 15 && jobs > 40);
    }

    [Fact]
    public void Whatever_is_written_as_json_is_read_back_as_what_it_was() => Requests.Sample(request =>
    {
        foreach (bool preserve in (bool[])[false, true])
        {
            JsonFormatter formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(preserve).WithIndentation());
            Assert.Equal([request, request], PipelineSpecs.Read(formatter.Format(request) + "\n" + formatter.Format(request)));
        }
    });

    [Fact]
    public void Text_that_was_damaged_is_read_or_refused_and_nothing_else() =>
        Gen.Select(Requests, Gen.Int[0, 10_000], Gen.Int[0, Insertions.Length - 1].Select(index => Insertions[index]), Gen.Int[0, 8])
            .Sample((request, place, inserted, removed) =>
            {
                string text = JsonFormatter.Default.Format(request);
                int at = place % (text.Length + 1);
                string damaged = text[..at] + inserted + text[Math.Min(text.Length, at + removed)..];
                try
                {
                    PipelineSpecs.Read(damaged);
                }
                catch (MalformedSpecException exception)
                {
                    Assert.DoesNotContain('\n', exception.Message);
                    Assert.InRange(exception.Line, 1, damaged.Split('\n').Length);
                }
            });

    [Fact]
    public void Bytes_of_any_kind_are_read_or_refused_and_nothing_else() => Gen.Byte.Array[0, 200].Sample(bytes =>
    {
        try
        {
            Assert.All(PipelineSpecs.Read(bytes), Assert.NotNull);
        }
        catch (MalformedSpecException exception)
        {
            Assert.DoesNotContain('\n', exception.Message);
        }
    });

    [Fact]
    public void What_is_nested_too_deep_or_too_long_is_refused()
    {
        string deep = string.Concat(Enumerable.Repeat("{\"cross\":[", 100_000));
        Assert.Throws<MalformedSpecException>(() => PipelineSpecs.Read("{\"input\":" + deep));
        Assert.Contains(
            "MiB", Assert.Throws<MalformedSpecException>(() => PipelineSpecs.Read(new byte[PipelineSpecs.MaxLength + 1])).Message, StringComparison.Ordinal);
        const int Allowed = 60;
        string inputs = string.Concat(Enumerable.Repeat("{\"cross\":[", Allowed)) + "{}" + string.Concat(Enumerable.Repeat("]}", Allowed));
        Assert.Single(PipelineSpecs.Read($"{{\"input\":{inputs}}}"));
    }

    [Fact]
    public void A_name_that_is_long_or_has_control_characters_is_shown_shortened_and_in_one_line()
    {
        string message = Assert.Throws<MalformedSpecException>(() => PipelineSpecs.Read($"{{\"a\\nb\\u001b{new string('x', 10_000)}\": 1}}")).Message;

        Assert.InRange(message.Length, 80, 250);
        Assert.DoesNotContain('\u001b', message);
    }

    private static string[] Insertions { get; } = ["", "\"", "{", "}", "[", "]", ",", ":", "null", "-1", "1e9", "\\u", "\0", "\ud83d", "é", "\n"];

    private static Gen<CreatePipelineRequest> Requests { get; } = Gen.Select(
        Gen.String[Gen.OneOf(Gen.Char['a', 'z'], Gen.Const('"'), Gen.Const('\\'), Gen.Const('é'), Gen.Const('\n')), 0, 8], Gen.ULong, Gen.Double[0, 1e6], Gen.Bool, Gen.Long, Inputs(3),
        (text, number, fraction, flag, time, input) => new CreatePipelineRequest
        {
            Pipeline = flag ? new Pipeline { Name = text } : null,
            Transform = new Transform { Cmd = { text, "" }, Env = { [text] = "x" }, AcceptReturnCode = { time }, Debug = flag },
            ParallelismSpec = new ParallelismSpec { Constant = number, Coefficient = fraction },
            ResourceSpec = new ResourceSpec { Cpu = (float)fraction, Gpu = time, Memory = text },
            ScaleDownThreshold = new Duration { Seconds = time % 1_000_000_000, Nanos = (int)(time % 1_000_000_000) },
            Input = input,
            Inputs = { new PipelineInput { Repo = new Wire.Pfs.Repo { Name = text }, From = new Wire.Pfs.Commit { Id = text } } },
            Reprocess = flag,
        });

    private static Gen<Input> Inputs(int depth)
    {
        Gen<Input> leaf = Gen.Select(Gen.Int[0, 1_000_000_000], Gen.Bool, (number, cron) => cron
            ? new Input { Cron = new CronInput { Name = $"c{number}", Start = new Timestamp { Seconds = number, Nanos = number % 1_000_000_000 } } }
            : new Input { Atom = new AtomInput { Repo = $"r{number}", FromCommit = "f", Lazy = true } });
        return depth == 0 ? leaf : Gen.OneOf(
            leaf,
            Inputs(depth - 1).List[1, 3].Select(children => new Input { Cross = { children } }),
            Inputs(depth - 1).List[1, 3].Select(children => new Input { Union = { children } }));
    }

    private static int Compare<T>(JsonDocument expected, string list, string json, Func<T> create, MessageParser<T> parser)
        where T : IMessage<T>
    {
        JsonElement[] items = [.. expected.RootElement.GetProperty(list).EnumerateArray()];
        foreach (JsonElement item in items)
        {
            T genuine = parser.WithDiscardUnknownFields(true).ParseFrom(Convert.FromHexString(item.GetProperty("proto_hex").GetString()!));
            Assert.Equal(genuine, Assert.Single(MessageReader.ReadAll(Encoding.UTF8.GetBytes(item.GetProperty(json).GetRawText()), create)));
        }

        return items.Length;
    }
}
