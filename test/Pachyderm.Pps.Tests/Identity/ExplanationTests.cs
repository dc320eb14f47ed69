using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Pps.Tests.Identity;

public sealed class ExplanationTests
{
    private static readonly Salt Salt = new("s");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_datum_that_was_skipped_had_a_result() => Assert.Equal(
        "skipped: its result was known", (await ExplainAsync([("/a", "1")], [("/a", "1")], skipped: true)).ToString());

    [Fact]
    public async Task A_changed_file_is_named_with_both_contents()
    {
        DatumDifference difference = await ExplainAsync([("/a", "2")], [("/0", "9"), ("/a", "1")]);

        Assert.Equal((DatumReason.ContentChanged, 1), (difference.Reason, difference.Closest));
        Assert.Equal(
            $"ran: in:/a: content changed from {Given.Hash("1").ToString()[..12]} to {Given.Hash("2").ToString()[..12]}", difference.ToString());
    }

    [Fact]
    public async Task A_moved_file_is_named_with_both_paths()
    {
        DatumDifference difference = await ExplainAsync([("/b", "1")], [("/a", "1")]);

        Assert.Equal("ran: in:/b: was at /a", difference.ToString());
    }

    [Fact]
    public async Task A_new_file_is_named()
    {
        DatumDifference difference = await ExplainAsync([("/b", "2")], [("/a", "1")]);

        Assert.Equal("ran: in:/b: new", difference.ToString());
        Assert.Null(difference.Closest);
    }

    [Fact]
    public async Task A_renamed_input_is_named_with_both_names()
    {
        DatumSet before = await OpenAsync("old", ("/a", "1"));
        DatumSet now = await OpenAsync("new", ("/a", "1"));

        Assert.Equal("ran: new:/a: its input was named old", new JobExplanation(before, Salt, Salt).Explain(now[0], skipped: false).ToString());
    }

    [Fact]
    public async Task Without_earlier_job_everything_is_new()
    {
        DatumSet now = await OpenAsync("in", ("/a", "1"));

        Assert.Equal(DatumReason.FirstJob, new JobExplanation(null, default, Salt).Explain(now[0], skipped: false).Reason);
    }

    [Fact]
    public async Task The_same_datum_ran_again_for_want_of_a_result_or_for_a_new_salt()
    {
        DatumSet now = await OpenAsync("in", ("/a", "1"));

        Assert.Equal(DatumReason.NoResult, new JobExplanation(now, Salt, Salt).Explain(now[0], skipped: false).Reason);
        Assert.Equal(DatumReason.NewSalt, new JobExplanation(now, new Salt("old"), Salt).Explain(now[0], skipped: false).Reason);
    }

    [Fact]
    public async Task Of_a_cross_only_what_changed_is_named_and_known_files_may_be_newly_combined()
    {
        Input cross = new CrossInput([Atom("r", "x"), Atom("s", "y")]);
        Input first = new UnionInput([cross, new CrossInput([Atom("t", "x"), Atom("u", "y")])]);
        FakeRepos old = Given.Files("r", ("/a", "1")).With("s", [("/b", "1")]).With("t", [("/c", "3")]).With("u", [("/d", "4")]);
        JobExplanation explanation = new(await DatumSet.OpenAsync(first, old, Token), Salt, Salt);

        FakeRepos changed = Given.Files("r", ("/a", "1")).With("s", [("/b", "2"), ("/d", "4")]);
        DatumSet now = await DatumSet.OpenAsync(cross, changed, Token);

        DatumDifference content = explanation.Explain(now[0], skipped: false);
        Assert.Equal((DatumReason.ContentChanged, "y"), (content.Reason, Assert.Single(content.Parts).Now.Input.Name));
        Assert.Equal(DatumReason.NewCombination, explanation.Explain(now[1], skipped: false).Reason);
    }

    private static AtomInput Atom(string repo, string name) => new(name, repo, "master", "c", "/*");

    private static Task<DatumSet> OpenAsync(string input, params (string Path, string Content)[] files) =>
        DatumSet.OpenAsync(Atom("r", input), Given.Files("r", files), Token);

    private static async Task<DatumDifference> ExplainAsync(
        (string Path, string Content)[] now, (string Path, string Content)[] before, bool skipped = false)
    {
        JobExplanation explanation = new(await OpenAsync("in", before), Salt, Salt);
        return explanation.Explain((await OpenAsync("in", now))[0], skipped);
    }
}
