using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Legacy;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Specs;
using static Pachyderm.Pps.Tests.Given;

namespace Pachyderm.Pps.Tests.Jobs;

public sealed class PlannerTests
{
    private static readonly DatumIdentity Identity = new(new PipelineName("p"), new Salt("s"));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_processed_before_is_skipped()
    {
        DatumSet datums = await OpenAsync(new FakeRepos().Numbered("r", 20_000), Atom("r"));
        Results results = new(datums.Where(static datum => datum.Index % 1000 != 7).Select(Tag));

        JobPlan plan = await new JobPlanner(Identity, null, results).PlanAsync(datums, Token);

        Assert.Equal(Enumerable.Range(0, 20).Select(static i => (i * 1000) + 7), plan.Run);
        Assert.Equal((20_000, 19_980, 0), (plan.Total, plan.Skipped, plan.Repeats));
        Assert.Equal(3, results.Calls);
    }

    [Fact]
    public async Task A_job_without_datums_has_nothing_to_run()
    {
        JobPlan plan = await new JobPlanner(Identity, null, new Results([]))
            .PlanAsync(await OpenAsync(new FakeRepos().With("r", []), Atom("r")), Token);

        Assert.Equal((0, 0), (plan.Total, plan.Skipped));
        Assert.Empty(plan.Run);
    }

    [Fact]
    public async Task Datums_that_are_the_same_run_once()
    {
        FakeRepos repos = Files("r", ("/a", "1"), ("/b", "1")).With("s", [("/a", "1"), ("/b", "2")]);
        DatumSet datums = await OpenAsync(repos, new UnionInput([Atom("r", "x"), Atom("s", "x"), Atom("r", "x")]));

        JobPlan plan = await new JobPlanner(Identity, null, new Results([])).PlanAsync(datums, Token);

        Assert.Equal([0, 1, 3], plan.Run);
        Assert.Equal((6, 3, 3), (plan.Total, plan.Skipped, plan.Repeats));
    }

    [Fact]
    public async Task Results_of_an_old_release_are_found_and_named()
    {
        DatumSet datums = await OpenAsync(Files("r", ("/a", "1"), ("/b", "2")), Atom("r"));
        PipelineSpec spec = SpecDefaults.Complete(Spec(Given.Atom("r"), "p"), Now);
        Pipeline pipeline = Pipeline.Create(spec, Atom("r"), Now) with { LegacyId = "id" };
        LegacyIdentity legacy = LegacyIdentity.Of(pipeline)!;
        DatumTag old = legacy.TagsOf(datums[1].Parts).Last();

        JobPlan plan = await new JobPlanner(Identity, legacy, new Results([old])).PlanAsync(datums, Token);

        Assert.Equal([0], plan.Run);
        Assert.Equal([new CarriedResult(1, Tag(datums[1]), old)], plan.Carried);
    }

    [Fact]
    public async Task A_million_datums_need_little_memory()
    {
        // Nothing in here waits, so it stays on one thread.
        FakeRepos repos = new FakeRepos().Numbered("r", 1000).Numbered("s", 1000);
        CrossInput input = new([Atom("r"), Atom("s")]);
        long before = GC.GetAllocatedBytesForCurrentThread();

        DatumSet datums = await OpenAsync(repos, input);
        JobPlan plan = await new JobPlanner(Identity, null, new AllButTen()).PlanAsync(datums, Token);

        Assert.Equal((1_000_000, 10), (plan.Total, plan.Run.Count));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 50_000_000);
    }

    private static DatumTag Tag(Datum datum) => Identity.TagOf(datum.Parts.Items.AsSpan());

    private static AtomInput Atom(string repo, string? name = null) => new(name ?? repo, repo, "master", "c", "/*");

    private static Task<DatumSet> OpenAsync(FakeRepos repos, Input input) => DatumSet.OpenAsync(input, repos, Token);

    private sealed class Results(IEnumerable<DatumTag> tags) : IDatumResults
    {
        private readonly HashSet<DatumTag> tags = [.. tags];

        public int Calls { get; private set; }

        public ValueTask FindAsync(ReadOnlyMemory<DatumTag> tags, Memory<bool> known, CancellationToken cancellationToken)
        {
            Calls++;
            for (int i = 0; i < tags.Length; i++)
            {
                known.Span[i] = this.tags.Contains(tags.Span[i]);
            }
            return ValueTask.CompletedTask;
        }
    }

    private sealed class AllButTen : IDatumResults
    {
        private int seen;

        public ValueTask FindAsync(ReadOnlyMemory<DatumTag> tags, Memory<bool> known, CancellationToken cancellationToken)
        {
            for (int i = 0; i < tags.Length; i++)
            {
                known.Span[i] = seen++ % 100_000 != 0;
            }
            return ValueTask.CompletedTask;
        }
    }
}
