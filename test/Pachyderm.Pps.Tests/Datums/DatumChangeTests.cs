using CsCheck;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Pps.Tests.Datums;

public sealed class DatumChangeTests
{
    private static readonly DatumIdentity Identity = new(new PipelineName("p"), new Salt("s"));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Jobs_are_compared_by_the_identity_of_their_datums(bool union)
    {
        DatumChange? change = await FindAsync(
            union, most: 4, [("/a", "1"), ("/b", "1"), ("/c", "1")], [("/0", "9"), ("/a", "1"), ("/b", "2")]);

        Assert.Equal([Tag("/b", "1"), Tag("/c", "1")], change!.Gone);
        Assert.Equal([Tag("/0", "9"), Tag("/b", "2")], change.New);
    }

    [Fact]
    public async Task One_input_and_a_union_of_it_alone_give_the_same() => await Gen
        .Select(Files, Files, Gen.Int[0, 8])
        .SampleAsync(async (before, now, most) =>
        {
            DatumChange? read = await FindAsync(union: false, most, before, now);
            DatumChange? held = await FindAsync(union: true, most, before, now);
            Assert.Equal(held is null, read is null);
            if (read is not null)
            {
                Assert.Equal(held!.Gone, read.Gone);
                Assert.Equal(held.New, read.New);
                Assert.Equal(before.Except(now).Select(file => Tag(file.Path, file.Content)).ToHashSet(), [.. read.Gone]);
                Assert.Equal(now.Except(before).Select(file => Tag(file.Path, file.Content)).ToHashSet(), [.. read.New]);
            }
        });

    [Fact]
    public async Task A_datum_that_a_job_has_twice_cannot_be_compared()
    {
        FakeRepos repos = Given.Files("r", ("/a", "1")).With("r", [("/a", "1"), ("/b", "1")], "d");
        UnionInput once = new([Atom("c")]);
        UnionInput twice = new([Atom("d"), Atom("d")]);
        Assert.Null(await DatumChange.FindAsync(Identity, twice, await OpenAsync(once, repos), repos, most: 9, Token));
        Assert.Null(await DatumChange.FindAsync(Identity, once, await OpenAsync(twice, repos), repos, most: 9, Token));
    }

    [Fact]
    public async Task An_input_that_has_another_name_now_has_other_datums()
    {
        FakeRepos repos = Given.Files("r", ("/a", "1"));
        DatumSet now = await OpenAsync(new AtomInput("other", "r", "master", "c", "/*"), repos);
        DatumChange? change = await DatumChange.FindAsync(Identity, Atom("c"), now, repos, most: 2, Token);
        Assert.Equal([Tag("/a", "1")], change!.Gone);
        Assert.Equal([Identity.TagOf([Given.Part("other", "/a", "1")])], change.New);
    }

    private static Gen<(string Path, string Content)[]> Files { get; } = Gen
        .Select(Gen.Int[0, 6].Select(static i => $"/f{i}"), Gen.Int[0, 1].Select(static i => $"{i}"))
        .Array[0, 7]
        .Select(static files => files.DistinctBy(static file => file.Item1).ToArray());

    private static async Task<DatumChange?> FindAsync(
        bool union, int most, (string Path, string Content)[] before, (string Path, string Content)[] now)
    {
        FakeRepos repos = Given.Files("r", before).With("r", now, "d");
        return await DatumChange.FindAsync(Identity, In("c"), await OpenAsync(In("d"), repos), repos, most, Token);

        Input In(string commit) => union ? new UnionInput([Atom(commit)]) : Atom(commit);
    }

    private static AtomInput Atom(string commit) => new("in", "r", "master", commit, "/*");

    private static Task<DatumSet> OpenAsync(Input input, FakeRepos repos) => DatumSet.OpenAsync(input, repos, Token);

    private static DatumTag Tag(string path, string content) => Identity.TagOf([Given.Part("in", path, content)]);
}
