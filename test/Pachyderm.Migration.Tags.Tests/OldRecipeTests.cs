using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Pachyderm.Migration.Steps;
using V1_4 = Pachyderm.Formats.V1_4;
using V1_5 = Pachyderm.Formats.V1_5;

namespace Pachyderm.Migration.Tags.Tests;

/// <summary>Names of the earliest releases, and shapes of inputs that the genuine clusters lack. The bodies of tags are written out here.</summary>
public sealed class OldRecipeTests
{
    private const string Id = "0123456789abcdef0123456789abcdef";
    private static readonly string Prefix = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(Id)))[..4];

    [Theory]
    [InlineData("1.5.0")]
    [InlineData("1.5.3")]
    public async Task Names_of_1_4_5_and_1_4_1_are_found(string to)
    {
        SyntheticCluster made = new();
        V1_4.Transform transform = Transform();
        made.AddCommit("data", "c1", ("a", "A"), ("b", "B"), ("c", "C"));
        made.AddPipeline(Pipeline(transform, Atom("data", "")));
        made.AddJob(Job(transform, "j1", Atom("data", "c1")));
        string a = made.AddResult("of a", "", SyntheticCluster.Part("data", "/a", "A"), transform.ToByteArray(), Identity(1));
        string b = made.AddResult("of b", "", SyntheticCluster.Part("data", "/b", "B"), transform.ToByteArray());
        using SurveyedCluster cluster = await made.OpenAsync();

        List<TagProposal> proposals = await cluster.ProposeAsync(to);

        byte[] ending = to == "1.5.0" ? [.. transform.ToByteArray(), .. Identity(1)] : [.. Encoding.ASCII.GetBytes("pipe"), .. Encoding.ASCII.GetBytes(Id)];
        Assert.Equal(
            [
                ("data:/a", Name(SyntheticCluster.Part("data", "/a", "A"), ending), a, null),
                ("data:/b", Name(SyntheticCluster.Part("data", "/b", "B"), ending), b, null),
                ("data:/c", Name(SyntheticCluster.Part("data", "/c", "C"), ending), null, $"no result under any of {(to == "1.5.0" ? 5 : 6)} names, though its job succeeded"),
            ],
            proposals.Select(proposal => (proposal.Datum, proposal.Tag, proposal.ObjectHash, proposal.Reason)));
        await cluster.CarryAsync(proposals);
        Assert.Equal<IEnumerable<string>>(["data:/c"], (await cluster.ProposeAsync(to)).Select(proposal => proposal.Datum));
    }

    [Fact]
    public async Task Lists_of_inputs_were_hashed_in_their_own_order()
    {
        SyntheticCluster made = new();
        V1_4.Transform transform = Transform();
        made.AddCommit("left", "c1", ("x", "X"));
        made.AddCommit("right", "c2", ("y", "Y"));
        V1_4.PipelineInfo pipeline = Pipeline(transform, null);
        pipeline.Inputs.Add(new V1_4.PipelineInput { Repo = Repo("right"), Branch = SyntheticCluster.Bytes("master"), Glob = SyntheticCluster.Bytes("/*") });
        pipeline.Inputs.Add(new V1_4.PipelineInput { Repo = Repo("left"), Branch = SyntheticCluster.Bytes("master"), Glob = SyntheticCluster.Bytes("/*") });
        made.AddPipeline(pipeline);
        V1_4.JobInfo job = Job(transform, "j1", null);
        job.Inputs.Add(new V1_4.JobInput { Commit = Commit("right", "c2"), Glob = SyntheticCluster.Bytes("/*") });
        job.Inputs.Add(new V1_4.JobInput { Commit = Commit("left", "c1"), Glob = SyntheticCluster.Bytes("/*") });
        made.AddJob(job);
        byte[] left = SyntheticCluster.Part("left", "/x", "X");
        byte[] right = SyntheticCluster.Part("right", "/y", "Y");
        string result = made.AddResult("of both", "", right, left, transform.ToByteArray(), Identity(1));
        using SurveyedCluster cluster = await made.OpenAsync();

        TagProposal proposal = Assert.Single(await cluster.ProposeAsync("1.5.3"));

        Assert.Equal(result, proposal.ObjectHash);
        Assert.Equal(Name([.. left, .. right], Encoding.ASCII.GetBytes("pipe" + Id)), proposal.Tag);
        Assert.Equal("left:/x, right:/y", proposal.Datum);
    }

    [Fact]
    public async Task Nested_crosses_and_unions_have_the_datums_that_1_4_had()
    {
        SyntheticCluster made = new();
        V1_4.Transform transform = Transform(("V", "1"));
        made.AddCommit("a", "c1", ("1", "A1"), ("2", "A2"));
        made.AddCommit("b", "c2", ("1", "B1"));
        made.AddCommit("c", "c3", ("1", "C1"));
        made.AddPipeline(Pipeline(transform, Nested("", "", "")));
        made.AddJob(Job(transform, "j1", Nested("c1", "c2", "c3")));
        string[] firsts = ["/1", "/2"];
        List<string> expected = [];
        foreach (string path in firsts)
        {
            byte[] first = SyntheticCluster.Part("a", path, "A" + path[1..]);
            expected.Add(made.AddResult($"{path} b", Prefix, first, SyntheticCluster.Part("b", "/1", "B1"), transform.ToByteArray(), Identity(1)));
            expected.Add(made.AddResult($"{path} c", Prefix, first, SyntheticCluster.Part("c", "/1", "C1"), transform.ToByteArray(), Identity(1)));
        }

        using SurveyedCluster cluster = await made.OpenAsync();

        List<TagProposal> proposals = await cluster.ProposeAsync("1.5.0");

        Assert.Equal<IEnumerable<string>>(["a:/1, b:/1", "a:/2, b:/1", "a:/1, c:/1", "a:/2, c:/1"], proposals.Select(proposal => proposal.Datum));
        Assert.Equal(expected.Order(StringComparer.Ordinal), proposals.Select(proposal => proposal.ObjectHash!).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(2, false)]
    [InlineData(5, true)]
    [InlineData(8, false)]
    public async Task Any_order_of_few_variables_is_found_and_of_many_the_rotations(int variables, bool reversed)
    {
        SyntheticCluster made = new();
        (string, string)[] sorted = [.. Enumerable.Range(0, variables).Select(i => ($"V{i}", $"{i}"))];
        V1_4.Transform transform = Transform(sorted);
        made.AddCommit("data", "c1", ("a", "A"));
        made.AddPipeline(Pipeline(transform, Atom("data", "")));
        made.AddJob(Job(transform, "j1", Atom("data", "c1")));
        (string, string)[] order = reversed ? [.. sorted.Reverse()] : [.. sorted.Skip(1), sorted[0]];
        string result = made.AddResult("of a", Prefix, SyntheticCluster.Part("data", "/a", "A"), Transform(order).ToByteArray(), Identity(1));
        using SurveyedCluster cluster = await made.OpenAsync();

        Assert.Equal(result, Assert.Single(await cluster.ProposeAsync("1.5.3")).ObjectHash);
    }

    [Fact]
    public async Task What_was_not_tried_is_said()
    {
        SyntheticCluster made = new();
        V1_4.Transform transform = Transform([.. Enumerable.Range(0, 8).Select(i => ($"V{i}", $"{i}"))]);
        made.AddCommit("data", "c1", ("a", "A"));
        made.AddPipeline(Pipeline(transform, Atom("data", "")));
        made.AddJob(Job(transform, "j1", Atom("data", "c1")));
        using SurveyedCluster cluster = await made.OpenAsync();

        TagProposal proposal = Assert.Single(await cluster.ProposeAsync("1.5.3"));

        Assert.Equal(
            "no result under any of 34 names, though its job succeeded; its 8 environment variables have too many orders, of which 8 were tried", proposal.Reason);
    }

    [Fact]
    public async Task Only_jobs_of_the_pipeline_as_it_is_now_count()
    {
        SyntheticCluster made = new();
        V1_4.Transform transform = Transform(("V", "1"));
        made.AddCommit("data", "c1", ("a", "A"));
        made.AddCommit("data", "c2", ("b", "B"));
        made.AddCommit("data", "c3", ("c", "C"));
        made.AddPipeline(Pipeline(transform, Atom("data", ""), version: 2));
        V1_4.JobInfo before = Job(transform, "j1", Atom("data", "c1"));
        V1_4.JobInfo other = Job(transform, "j2", Atom("data", "c2"), version: 2);
        other.PipelineId = SyntheticCluster.Bytes("another");
        made.AddJob(before);
        made.AddJob(other);
        V1_5.JobInfo binary = V1_5.JobInfo.Parser.ParseFrom(Job(transform, "j3", Atom("data", "c3"), version: 2).ToByteArray());
        made.AddBinaryJob(binary);
        using SurveyedCluster cluster = await made.OpenAsync();

        Assert.Equal<IEnumerable<string>>(["data:/c"], (await cluster.ProposeAsync("1.5.3")).Select(proposal => proposal.Datum));
    }

    [Fact]
    public async Task The_heads_of_branches_count_as_far_as_they_have_results()
    {
        SyntheticCluster made = new();
        V1_4.Transform transform = Transform(("V", "1"));
        made.AddCommit("data", "c1", ("a", "A"), ("b", "B"));
        made.AddBranch("data", "master", "c1");
        made.AddPipeline(Pipeline(transform, Atom("data", "")));
        string result = made.AddResult("of a", Prefix, SyntheticCluster.Part("data", "/a", "A"), transform.ToByteArray(), Identity(1));
        using SurveyedCluster cluster = await made.OpenAsync();

        Assert.Equal(result, Assert.Single(await cluster.ProposeAsync("1.5.3")).ObjectHash);
    }

    [Fact]
    public async Task A_datum_of_a_job_that_failed_and_one_that_succeeded_counts_as_done()
    {
        SyntheticCluster made = new();
        V1_4.Transform transform = Transform();
        made.AddCommit("data", "c1", ("a", "A"), ("b", "B"));
        made.AddCommit("data", "c2", ("a", "A"));
        made.AddPipeline(Pipeline(transform, Atom("data", "")));
        V1_4.JobInfo failed = Job(transform, "j1", Atom("data", "c1"));
        failed.State = V1_4.JobState.JobFailure;
        made.AddJob(failed);
        made.AddJob(Job(transform, "j2", Atom("data", "c2")));
        using SurveyedCluster cluster = await made.OpenAsync();

        Assert.Equal(
            [
                ("data:/a", "no result under any of 6 names, though its job succeeded"),
                ("data:/b", "no result under any of 6 names: only jobs that failed have this datum"),
            ],
            (await cluster.ProposeAsync("1.5.3")).Select(proposal => (proposal.Datum, proposal.Reason)));
    }

    private static V1_4.Input Nested(string first, string second, string third)
    {
        V1_4.Input union = new();
        union.Union.Add(Atom("b", second));
        union.Union.Add(Atom("c", third));
        V1_4.Input cross = new();
        cross.Cross.Add(Atom("a", first));
        cross.Cross.Add(union);
        return cross;
    }

    private static V1_4.Input Atom(string repo, string commit) => new()
    {
        Atom = new V1_4.AtomInput
        {
            Name = SyntheticCluster.Bytes(repo),
            Repo = SyntheticCluster.Bytes(repo),
            Branch = SyntheticCluster.Bytes("master"),
            Commit = SyntheticCluster.Bytes(commit),
            Glob = SyntheticCluster.Bytes("/*"),
        },
    };

    private static V1_4.Transform Transform(params (string Key, string Value)[] environment)
    {
        V1_4.Transform transform = new() { Image = SyntheticCluster.Bytes("ubuntu:16.04") };
        transform.Cmd.Add(SyntheticCluster.Bytes("sh"));
        transform.Env.AddRange(environment.Select(entry => new V1_4.Transform.Types.EnvEntry
        {
            Key = SyntheticCluster.Bytes(entry.Key),
            Value = SyntheticCluster.Bytes(entry.Value),
        }));
        return transform;
    }

    private static V1_4.PipelineInfo Pipeline(V1_4.Transform transform, V1_4.Input? input, ulong version = 1) => new()
    {
        Id = SyntheticCluster.Bytes(Id),
        Pipeline = new V1_4.Pipeline { Name = SyntheticCluster.Bytes("pipe") },
        Version = version,
        Transform = transform,
        Input = input,
    };

    private static V1_4.JobInfo Job(V1_4.Transform transform, string id, V1_4.Input? input, ulong version = 1) => new()
    {
        Job = new V1_4.Job { Id = SyntheticCluster.Bytes(id) },
        Transform = transform,
        PipelineId = SyntheticCluster.Bytes(Id),
        Pipeline = new V1_4.Pipeline { Name = SyntheticCluster.Bytes("pipe") },
        PipelineVersion = version,
        State = V1_4.JobState.JobSuccess,
        Input = input,
    };

    private static V1_4.Repo Repo(string name) => new() { Name = SyntheticCluster.Bytes(name) };

    private static V1_4.Commit Commit(string repo, string id) => new() { Repo = Repo(repo), Id = SyntheticCluster.Bytes(id) };

    private static byte[] Identity(int version) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"pipe{Id}{version}"));

    private static string Name(byte[] files, byte[] ending) => Prefix + Convert.ToHexStringLower(SHA256.HashData([.. files, .. ending]));
}
