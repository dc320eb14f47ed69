using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Specs;
using Pachyderm.Storage.Trees;
using static Pachyderm.Pps.Tests.Given;

namespace Pachyderm.Pps.Tests.Jobs;

public sealed class IncrementalTests
{
    private static readonly CommitRef New = new("r", "c2");
    private static readonly CommitRef Parent = new("r", "c1");

    private static readonly Input Input =
        new CrossInput([new AtomInput("x", "r", "master", "c2", "/*"), new AtomInput("y", "s", "master", "c", "/*")]);

    private static readonly FakeRepos Repos = new FakeRepos()
        .With("r", [("/a", "1"), ("/gone", "1")], "c1")
        .With("r", [("/a", "2"), ("/new", "1")], "c2")
        .With("s", [("/b", "1")]);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_datum_builds_on_the_file_that_its_path_had_in_the_parent_commit()
    {
        DatumSet datums = await DatumSet.OpenAsync(Input, Repos, Token);
        IncrementalInputs inputs = (await IncrementalInputs.OpenAsync(JobOf(Input), Parent, Repos, Token))!;

        ValueList<DatumPart> parent = inputs.ParentOf(datums[0])!.Value;

        Assert.Equal([(Parent, Hash("1")), (new CommitRef("s", "c"), Hash("1"))], parent.Select(part => (part.Input.Commit, part.File.Hash)));
        Assert.Equal(TreePath.Clean("/a"), parent[0].File.Path);
    }

    [Fact]
    public async Task A_datum_whose_path_is_new_builds_on_nothing()
    {
        DatumSet datums = await DatumSet.OpenAsync(Input, Repos, Token);
        IncrementalInputs inputs = (await IncrementalInputs.OpenAsync(JobOf(Input), Parent, Repos, Token))!;

        Assert.Null(inputs.ParentOf(datums[1]));
    }

    [Fact]
    public async Task A_datum_without_files_of_the_new_commit_builds_on_nothing()
    {
        Input union = new UnionInput(((CrossInput)Input).Inputs);
        DatumSet datums = await DatumSet.OpenAsync(union, Repos, Token);
        IncrementalInputs inputs = (await IncrementalInputs.OpenAsync(JobOf(union), Parent, Repos, Token))!;

        Assert.Null(inputs.ParentOf(datums[^1]));
        Assert.NotNull(inputs.ParentOf(datums[0]));
    }

    [Fact]
    public async Task Without_parent_or_unless_the_pipeline_is_incremental_nothing_builds_on_anything()
    {
        Job plain = JobOf(Input) with { Workload = new Workload(new Transform(), "master") };

        Assert.Null(await IncrementalInputs.OpenAsync(plain, Parent, Repos, Token));
        Assert.Null(await IncrementalInputs.OpenAsync(JobOf(Input), null, Repos, Token));
        Assert.Null(await IncrementalInputs.OpenAsync(JobOf(Input) with { NewCommit = null }, Parent, Repos, Token));
    }

    private static Job JobOf(Input input) => new(
        JobId.New(), new PipelineName("p"), 1, new Salt("s"), input, new Workload(new Transform(), "master") { Incremental = true }, Now)
    {
        NewCommit = New,
    };
}
