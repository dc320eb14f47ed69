using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Scheduling.Tests;

/// <summary>Runs jobs one by one, without triggers: each test says which job there is and when it runs.</summary>
internal sealed class JobBed : IAsyncDisposable
{
    private readonly Dictionary<PipelineName, WorkerPool> pools = [];

    private JobBed(TestCluster cluster) => Cluster = cluster;

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public TestCluster Cluster { get; }

    public static async Task<JobBed> OpenAsync(TestClusterOptions? options = null) =>
        new(await TestCluster.OpenAsync((options ?? new TestClusterOptions()) with { Start = false }));

    /// <summary>A pipeline that copies the repo <c>in</c>, file by file, with two workers.</summary>
    public static PipelineSpec CopySpec(string glob = "/*") =>
        TestCluster.Spec("copy", TestCluster.Atom("in", glob), "cp -r $PACH_PFS/in/. $PACH_PFS/out/") with
        {
            Parallelism = new ParallelismSpec(2),
        };

    /// <summary>Stores a pipeline with its output repo.</summary>
    public async Task<Pipeline> CreateAsync(PipelineSpec spec)
    {
        PipelineSpec complete = SpecDefaults.Complete(spec, TimeProvider.System.GetUtcNow());
        Input input = complete.Input!.ToInput();
        Pipeline pipeline = Pipeline.Create(complete, input, TimeProvider.System.GetUtcNow());
        await Cluster.Files.Repos.CreateAsync(new RepoName(spec.Name), [.. input.Repos().Select(static name => new RepoName(name))], "", Token);
        await StoreAsync(pipeline);
        return pipeline;
    }

    public Task StoreAsync(Pipeline pipeline) => Cluster.Metadata.WriteAsync(
        transaction =>
        {
            new PpsWriter(transaction).PutPipeline(pipeline);
            return true;
        },
        Token);

    /// <summary>Stores a job that reads the given commits.</summary>
    public async Task<Job> TriggerAsync(Pipeline pipeline, Job? parent, params CommitName[] commits)
    {
        Input input = pipeline.Input.At(commits.ToDictionary(static commit => commit.Repo.Value, static commit => commit.Id.Value));
        Job job = Job.Create(pipeline, input, TimeProvider.System.GetUtcNow()) with
        {
            NewCommit = new CommitRef(commits[0].Repo.Value, commits[0].Id.Value),
            Parent = parent?.Id,
        };
        await Cluster.Metadata.WriteAsync(
            transaction =>
            {
                new PpsWriter(transaction).PutJob(job);
                return true;
            },
            Token);
        return job;
    }

    /// <summary>Runs a job to its end.</summary>
    public async Task<Job> RunAsync(Pipeline pipeline, Job job)
    {
        await new JobRunner(Cluster.SchedulerOptions).RunAsync(PoolOf(pipeline), new RunningJob(job.Id), Token);
        return await FindAsync(job.Id);
    }

    /// <summary>Stores a job and runs it to its end.</summary>
    public async Task<Job> RunAsync(Pipeline pipeline, Job? parent, params CommitName[] commits) =>
        await RunAsync(pipeline, await TriggerAsync(pipeline, parent, commits));

    public WorkerPool PoolOf(Pipeline pipeline)
    {
        if (!pools.TryGetValue(pipeline.Name, out WorkerPool? pool) || pool.Pipeline != pipeline)
        {
            pools[pipeline.Name] = pool = new WorkerPool(Cluster.SchedulerOptions, pipeline);
        }
        return pool;
    }

    public Task<Job> FindAsync(JobId job) => Cluster.Metadata.ReadAsync(reader => new PpsReader(reader).FindJob(job)!.Job, Token);

    public Task<IReadOnlyList<DatumRecord>> DatumsAsync(Job job) =>
        Cluster.Metadata.ReadAsync(reader => new PpsReader(reader).ListDatums(job.Id, -1, 10_000), Token);

    /// <summary>All files of a job's output.</summary>
    public Task<SortedDictionary<string, string>> OutputAsync(Job job) =>
        Cluster.ReadAllAsync(new CommitName(new RepoName(job.OutputCommit!.Value.Repo), new CommitId(job.OutputCommit.Value.Id)));

    /// <summary>Ends the workers as a server that stops does, and opens everything again.</summary>
    public async Task RestartAsync()
    {
        await ClosePoolsAsync();
        await Cluster.RestartAsync(start: false);
    }

    public async ValueTask DisposeAsync()
    {
        await ClosePoolsAsync();
        await Cluster.DisposeAsync();
    }

    private async Task ClosePoolsAsync()
    {
        foreach (WorkerPool pool in pools.Values)
        {
            await pool.DisposeAsync();
        }
        pools.Clear();
    }
}
