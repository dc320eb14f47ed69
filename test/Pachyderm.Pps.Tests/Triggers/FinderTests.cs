using CsCheck;
using Pachyderm.Pps.Triggers;

namespace Pachyderm.Pps.Tests.Triggers;

public sealed class FinderTests
{
    [Fact]
    public void A_pipeline_with_one_input_processes_each_commit()
    {
        CommitSetFinder finder = new(["a"], ["a"]);

        Assert.Equal(["a1", "a2", "a3"], new[] { "a1", "a2", "a3" }.Select(id => Show(finder.Add(Commit(id)))));
        Assert.Single(finder.Waiting);
    }

    [Fact]
    public void A_pipeline_with_two_inputs_waits_for_both_and_then_runs_for_each_commit()
    {
        CommitSetFinder finder = new(["a", "b"], ["a", "b"]);

        Assert.Equal(
            [null, null, "a2 b1", "a2 b2", "a3 b2"], new[] { "a1", "a2", "b1", "b2", "a3" }.Select(id => Show(finder.Add(Commit(id)))));
    }

    [Fact]
    public void A_diamond_runs_once_for_each_root_commit()
    {
        CommitSetFinder finder = new(["b", "c"], ["a"]);

        Assert.Equal(
            [null, null, "b1 c1", "b2 c2"],
            new[] { ("b1", "a1"), ("b2", "a2"), ("c1", "a1"), ("c2", "a2") }.Select(commit => Show(finder.Add(Commit(commit.Item1, commit.Item2)))));
    }

    [Fact]
    public void A_pipeline_that_reads_a_repo_and_what_comes_from_it_runs_once_for_each_commit()
    {
        CommitSetFinder finder = new(["a", "b"], ["a"]);

        Assert.Equal(
            [null, null, "a1 b1", "a2 b2"],
            new[] { Commit("a1"), Commit("a2"), Commit("b1", "a1"), Commit("b2", "a2") }.Select(commit => Show(finder.Add(commit))));
    }

    [Fact]
    public void Older_commits_are_forgotten_once_a_set_is_found()
    {
        CommitSetFinder finder = new(["b", "c"], ["a"]);
        finder.Add(Commit("b1", "a1"));
        finder.Add(Commit("b2", "a2"));

        CommitArrival arrival = finder.Add(Commit("c2", "a2"));

        Assert.Equal(["b1"], arrival.Dropped.Select(static commit => commit.Commit.Id));
        Assert.Equal(["b2", "c2"], finder.Waiting.Select(static commit => commit.Commit.Id));
    }

    [Fact]
    public void A_commit_that_comes_from_two_commits_of_a_root_is_in_no_set()
    {
        CommitSetFinder finder = new(["b"], ["a"]);

        CommitArrival arrival = finder.Add(Commit("b1", "a1", "a2"));

        Assert.False(arrival.IsWaiting);
        Assert.Empty(finder.Waiting);
    }

    [Fact]
    public void A_commit_from_before_its_repo_came_from_a_root_is_in_no_set()
    {
        CommitSetFinder finder = new(["a", "b"], ["a"], [[], ["a"]]);

        Assert.Equal(
            [null, null, null, "a2 b2"],
            new[] { Commit("b1"), Commit("a1"), Commit("a2"), Commit("b2", "a2") }.Select(commit => Show(finder.Add(commit))));
        Assert.Equal(["a2", "b2"], finder.Waiting.Select(static commit => commit.Commit.Id));
        Assert.True(new CommitSetFinder(["a", "b"], ["a"], [[], ["a"]]).Add(Commit("b1")).IsWaiting);
        Assert.False(new CommitSetFinder(["a", "b"], ["a"], [[], ["a"]]).Restore(Commit("b1")));
    }

    [Fact]
    public void A_root_that_nothing_represents_makes_every_set_invalid() =>
        Assert.Null(Show(new CommitSetFinder(["b"], ["a"]).Add(Commit("b1"))));

    [Fact]
    public void A_commit_of_a_repo_that_is_not_read_is_the_callers_mistake() =>
        Assert.Throws<ArgumentException>(() => new CommitSetFinder(["a"], ["a"]).Add(Commit("b1")));

    [Fact]
    public void Roots_are_found_through_what_repos_come_from() => Assert.Equal(
        ["a", "x"],
        CommitSetFinder.FindRoots(["x", "c", "a"], repo => repo switch { "c" => ["b", "a"], "b" => ["a"], "gone" => null, _ => [] }));

    [Fact]
    public void What_waits_is_enough_to_go_on_after_a_restart() => Gen.Select(Scenario, Gen.Int[0, 30]).Sample((scenario, stop) =>
    {
        CommitSetFinder undisturbed = scenario.Finder();
        CommitSetFinder finder = scenario.Finder();
        for (int i = 0; i < scenario.Commits.Count; i++)
        {
            if (i == stop)
            {
                CommitSetFinder restarted = scenario.Finder();
                Assert.All(finder.Waiting, commit => Assert.True(restarted.Restore(commit)));
                finder = restarted;
            }
            Assert.Equal(Show(undisturbed.Add(scenario.Commits[i])), Show(finder.Add(scenario.Commits[i])));
        }
    });

    [Fact]
    public void The_set_is_the_one_that_trying_all_from_the_newest_on_finds() => Scenario.Sample(
        static scenario =>
        {
            CommitSetFinder finder = scenario.Finder();
            List<TriggerCommit>[] lists = [.. scenario.Repos.Select(static _ => new List<TriggerCommit>())];
            foreach (TriggerCommit commit in scenario.Commits)
            {
                Assert.Equal(Naive(scenario, lists, commit), Show(finder.Add(commit)));
            }
        },
        iter: 2_000);

    private static Gen<Scenario> Scenario { get; } =
        from inputs in Gen.Int[1, 4]
        from roots in Gen.Int[1, 3]
        from commits in Gen.Select(Gen.Int[0, inputs - 1], Gen.Int[0, 3].Array[roots]).List[0, 30]
        select new Scenario(
            [.. Enumerable.Range(0, inputs).Select(static i => $"i{i}")],
            [.. Enumerable.Range(0, roots).Select(static i => $"r{i}")],
            [
                .. commits.Select((commit, n) => new TriggerCommit(
                    new CommitRef($"i{commit.Item1}", $"{n}"),
                    commit.Item2.Select((id, root) => (id, root)).Where(static source => source.id > 0)
                        .Select(static source => new CommitRef($"r{source.root}", $"{source.id}")).ToValueList())),
            ]);

    // Every combination, the last repo's newest commit first.
    private static string? Naive(Scenario scenario, List<TriggerCommit>[] lists, TriggerCommit commit)
    {
        int input = scenario.Repos.IndexOf(commit.Commit.Repo);
        lists[input].Add(commit);
        int combinations = lists.Where((_, i) => i != input).Aggregate(1, static (product, list) => product * list.Count);
        for (int number = combinations - 1; number >= 0; number--)
        {
            int rest = number;
            int[] chosen = new int[lists.Length];
            for (int i = 0; i < lists.Length; i++)
            {
                (rest, chosen[i]) = i == input ? (rest, lists[i].Count - 1) : Math.DivRem(rest, lists[i].Count);
            }
            TriggerCommit[] set = [.. chosen.Select((index, i) => lists[i][index])];
            CommitRef[] all = [.. set.SelectMany(static member => member.Provenance.Append(member.Commit)).Distinct()];
            if (scenario.Roots.All(root => all.Count(source => source.Repo == root) == 1))
            {
                for (int i = 0; i < lists.Length; i++)
                {
                    lists[i].RemoveRange(0, chosen[i]);
                }
                return string.Join(' ', set.Select(static member => member.Commit.Id));
            }
        }
        return null;
    }

    private static TriggerCommit Commit(string id, params string[] from) =>
        new(new CommitRef(id[..1], id), from.Select(static source => new CommitRef(source[..1], source)).ToValueList());

    private static string? Show(CommitArrival arrival) =>
        arrival.Set is { } set ? string.Join(' ', set.Commits.Select(static commit => commit.Id)) : null;
}

internal sealed record Scenario(List<string> Repos, List<string> Roots, List<TriggerCommit> Commits)
{
    public CommitSetFinder Finder() => new(Repos, Roots);
}
