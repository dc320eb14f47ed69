using CsCheck;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Specs;
using Pachyderm.Pps.Triggers;

namespace Pachyderm.Pps.Tests.Triggers;

/// <summary>Random DAGs of repos and pipelines, with commits and ends of jobs in random order.</summary>
public sealed class PipelinesModelTests
{
    [Fact]
    public void With_one_root_repo_every_root_commit_makes_exactly_one_job_of_every_pipeline_in_order() => Dag(roots: 1).Sample(
        static dag =>
        {
            World world = World.Run(dag);
            Assert.All(world.Pipelines, pipeline => Assert.Equal(world.RootIds("r0"), pipeline.Done.Select(job => world.RootOf(job, "r0"))));
        },
        iter: 500);

    [Fact]
    public void With_several_root_repos_every_job_is_of_one_state_of_the_roots_none_goes_back_and_the_last_is_of_the_newest() =>
        Dag(roots: 3).Sample(
            static dag =>
            {
                World world = World.Run(dag);
                foreach (Node pipeline in world.Pipelines)
                {
                    Assert.Equal(pipeline.Done.Count, pipeline.Done.Select(static job => job.Input).Distinct().Count());
                    foreach (string root in pipeline.Roots)
                    {
                        int[] states = [.. pipeline.Done.Select(job => int.Parse(world.RootOf(job, root), System.Globalization.CultureInfo.InvariantCulture))];
                        Assert.Equal(states.Order(), states);
                    }
                    bool complete = pipeline.Roots.All(root => world.RootIds(root).Count > 0);
                    Assert.Equal(complete, pipeline.Done.Count > 0);
                    Assert.All(complete ? pipeline.Roots : [], root => Assert.Equal(world.RootIds(root)[^1], world.RootOf(pipeline.Done[^1], root)));
                }
            },
            iter: 500);

    [Fact]
    public void What_a_job_has_done_is_not_done_again() => Dag(roots: 2).Sample(
        static dag =>
        {
            World world = World.Run(dag);
            foreach (Node node in world.Pipelines)
            {
                foreach (Job job in node.Done)
                {
                    CommitSet set = new(job.Input.Sources().ToValueList(), job.Input.Sources()[0]);
                    TriggerDecision again = TriggerDecision.Of(node.Pipeline, set, input => node.Done.Where(done => done.Input == input));
                    Assert.Equal((TriggerAction.None, job), (again.Action, again.Existing));
                    TriggerDecision reprocessed = TriggerDecision.Of(
                        node.Pipeline with { Salt = new Salt("new") }, set, input => node.Done.Where(done => done.Input == input));
                    Assert.Equal(TriggerAction.Create, reprocessed.Action);
                }
            }
        },
        iter: 100);

    // Pipeline i reads up to three of the repos before it; steps say which repo is committed to or which pipeline goes on.
    private static Gen<Dag> Dag(int roots) =>
        from edges in Gen.Int[0, 1_000].Array[1, 3].Array[1, 6]
        from steps in Gen.Int[0, 1_000].List[0, 40]
        select new Dag(
            roots,
            [.. edges.Select((picks, i) => picks.Select(pick => pick % (roots + i)).Distinct().Order().ToArray())],
            steps);
}

internal sealed record Dag(int Roots, int[][] Edges, List<int> Steps);

/// <summary>A pipeline of the model.</summary>
internal sealed class Node(Pipeline pipeline, IReadOnlyList<string> roots)
{
    public Pipeline Pipeline { get; } = pipeline;

    public IReadOnlyList<string> Roots { get; } = roots;

    public CommitSetFinder Finder { get; } = new(pipeline.Input.Repos(), roots);

    public JobOrder Order { get; } = new();

    public Dictionary<JobId, Job> Jobs { get; } = [];

    public List<Job> Done { get; } = [];
}

/// <summary>Repos, their commits and pipelines.</summary>
internal sealed class World
{
    private readonly Dictionary<CommitRef, ValueList<CommitRef>> provenance = [];
    private readonly Dictionary<string, List<string>> commits = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> above = new(StringComparer.Ordinal);

    public List<Node> Pipelines { get; } = [];

    public static World Run(Dag dag)
    {
        World world = new();
        string[] repos = [.. Enumerable.Range(0, dag.Roots).Select(static i => $"r{i}"), .. dag.Edges.Select(static (_, i) => $"p{i}")];
        for (int i = 0; i < dag.Roots; i++)
        {
            world.AddRepo(repos[i], []);
        }
        for (int i = 0; i < dag.Edges.Length; i++)
        {
            world.AddPipeline(repos[dag.Roots + i], [.. dag.Edges[i].Select(edge => repos[edge])]);
        }
        foreach (int step in dag.Steps)
        {
            int choice = step % repos.Length;
            if (choice < dag.Roots)
            {
                world.Commit(repos[choice], []);
            }
            else
            {
                world.FinishJob(world.Pipelines[choice - dag.Roots]);
            }
        }
        while (world.Pipelines.Any(world.FinishJob))
        {
            // Until no job is left.
        }
        return world;
    }

    public List<string> RootIds(string root) => commits[root];

    public string RootOf(Job job, string root) => Assert.Single(
        job.Input.Sources().SelectMany(source => provenance[source].Append(source)).Where(source => source.Repo == root).Distinct()).Id;

    private void AddRepo(string repo, IEnumerable<string> from)
    {
        commits.Add(repo, []);
        above.Add(repo, [.. from.SelectMany(source => above[source].Append(source))]);
    }

    private void AddPipeline(string name, string[] reads)
    {
        Input[] atoms = [.. reads.Select(static repo => new AtomInput(repo, repo, "master", "", "/"))];
        Pipeline pipeline = new(
            new PipelineName(name), 1, new Salt("s"), Given.Now, new CrossInput(atoms.ToValueList()), new Workload(new Transform(), "master"));
        Pipelines.Add(new Node(pipeline, CommitSetFinder.FindRoots(reads, repo => above[repo])));
        AddRepo(name, reads);
    }

    private void Commit(string repo, IEnumerable<CommitRef> from)
    {
        CommitRef commit = new(repo, $"{commits[repo].Count}");
        commits[repo].Add(commit.Id);
        TriggerCommit arrival = new(commit, from.SelectMany(source => provenance[source].Append(source)).Distinct().ToValueList());
        provenance.Add(commit, arrival.Provenance);
        foreach (Node node in Pipelines.Where(node => node.Pipeline.Input.Repos().Contains(repo, StringComparer.Ordinal)))
        {
            if (node.Finder.Add(arrival).Set is { } set)
            {
                TriggerDecision decision = TriggerDecision.Of(node.Pipeline, set, input => node.Jobs.Values.Where(job => job.Input == input));
                Assert.Equal(TriggerAction.Create, decision.Action);
                Job job = Job.Create(node.Pipeline, decision.Input, Given.Now) with { NewCommit = set.Newest };
                node.Jobs.Add(job.Id, job);
                node.Order.Add(job.Id);
            }
        }
    }

    private bool FinishJob(Node node)
    {
        if (node.Order.Current is not { } id)
        {
            return false;
        }
        Job job = node.Jobs[id];
        node.Done.Add(job.Kill("done"));
        node.Jobs[id] = node.Done[^1];
        Assert.True(node.Order.Remove(id));
        Assert.False(node.Order.Remove(id));
        Commit(node.Pipeline.Name.Value, job.Input.Sources());
        return true;
    }
}
