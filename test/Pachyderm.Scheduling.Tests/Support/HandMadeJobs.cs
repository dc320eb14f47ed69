using System.Text;
using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Specs;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Scheduling.Tests;

/// <summary>What the program of a hand-made job writes for a datum; null if it fails.</summary>
public delegate (string Path, string Content)[]? DatumProgram(Datum datum);

/// <summary>
/// Jobs whose records a test writes itself, step by step as a runner does, so that they can be left in any state. The scheduler of the
/// cluster must not run.
/// </summary>
public sealed class HandMadeJobs(TestCluster cluster)
{
    private static readonly RepoName Scratch = new("scratch");
    private static readonly DateTimeOffset Now = new(2017, 8, 17, 23, 11, 40, TimeSpan.Zero);

    private static CancellationToken Token => TestCluster.Token;

    public static Input Atom(string repo, string glob = "/*", string name = "in") => new AtomInput(name, repo, "master", "", glob);

    public static Input Cross(params Input[] inputs) => new CrossInput(inputs.ToValueList());

    public static Input Union(params Input[] inputs) => new UnionInput(inputs.ToValueList());

    /// <summary>One file whose content says which files the datum has.</summary>
    public static (string Path, string Content)[] Copy(Datum datum)
    {
        string name = string.Join("+", datum.Parts.Select(part => part.File.Path.IsRoot ? "all" : part.File.Path.ToString()[1..]));
        return [("/" + name.Replace('/', '_'), string.Join("+", datum.Parts.Select(part => $"{part.File.Hash}")))];
    }

    public async Task<Pipeline> CreatePipelineAsync(string name, Input input)
    {
        PipelineSpec spec = TestCluster.Spec(name, null, "") with { OutputBranch = "master" };
        Pipeline pipeline = new(new PipelineName(name), 1, Salt.New(), Now, input, new Workload(spec.Transform!, "master"));
        await cluster.Metadata.WriteAsync(
            writer =>
            {
                new RepoTransaction(writer, Now).CreateRepo(new RepoName(name), [.. input.Repos().Select(repo => new RepoName(repo))], "");
                new PpsWriter(writer).PutPipeline(pipeline);
                return true;
            },
            Token);
        return pipeline;
    }

    /// <summary>Changes the record of a pipeline.</summary>
    public Task PutAsync(Pipeline pipeline) => WriteAsync(writer => writer.PutPipeline(pipeline));

    /// <summary>A job that waits for its turn.</summary>
    public async Task<Job> CreateAsync(Pipeline pipeline, CommitName[] commits, JobId? parent = null)
    {
        Input input = pipeline.Input.At(commits.ToDictionary(commit => commit.Repo.Value, commit => commit.Id.Value));
        Job job = Job.Create(pipeline, input, Now) with { Parent = parent };
        await WriteAsync(writer => writer.PutJob(job));
        return job;
    }

    /// <summary>Runs a job that waits until so many of its datums are processed, and leaves it running.</summary>
    public async Task<Job> BeginAsync(Job job, DatumProgram program, int count = int.MaxValue)
    {
        DatumSet datums = await ListDatumsAsync(job);
        DatumIdentity identity = new(job.Pipeline, job.Salt);
        JobPlan plan = await new JobPlanner(identity, null, new StoredResults(cluster.Metadata)).PlanAsync(datums, Token);
        job = job.Run(plan.Total);
        await WriteAsync(writer => writer.PutJob(job));
        foreach (int index in plan.Run.Take(count))
        {
            Datum datum = datums[index];
            DatumTag tag = identity.TagOf(datum.Parts.Items.AsSpan());
            ProcessStats stats = new(default, TimeSpan.FromSeconds(1), default, 10, 5);
            if (program(datum) is not { } files)
            {
                await WriteAsync(writer => writer.PutDatum(job.Id, new DatumRecord(index, tag, Failed: true, 4, stats, "exit status 1")));
                continue;
            }
            ResultRecord result = new(job.Id, DirectoryReferenceCodec.Encode(await StoreAsync(files) ?? TreeReader.EmptyDirectory));
            await WriteAsync(writer =>
            {
                writer.PutDatum(job.Id, new DatumRecord(index, tag, Failed: false, 0, stats, ""));
                writer.PutResult(tag, result);
            });
        }
        return job;
    }

    /// <summary>Creates a job and runs it to its end.</summary>
    public async Task<Job> RunAsync(Pipeline pipeline, DatumProgram program, params CommitName[] commits)
    {
        Job job = await BeginAsync(await CreateAsync(pipeline, commits), program);
        DatumSet datums = await ListDatumsAsync(job);
        (string, string)[]?[] outputs = [.. datums.Select(datum => program(datum))];
        if (outputs.Any(files => files is null))
        {
            job = job.Fail("a datum failed", null, Now);
            await WriteAsync(writer => writer.PutJob(job));
            return job;
        }
        DirectoryReference? tree = await StoreAsync([.. outputs.SelectMany(files => files!)]);
        return await cluster.Metadata.WriteAsync(
            writer =>
            {
                CommitName output = new RepoTransaction(writer, Now).BuildCommit(
                    new CommitOrigin(new RepoName(job.Pipeline.Value), null, new BranchName("master"), [.. job.Input.Sources().Select(ToName)]),
                    tree);
                Job ended = job.Commit(new CommitRef(output.Repo.Value, output.Id.Value), isDisjoint: true, null).Succeed(Now);
                new PpsWriter(writer).PutJob(ended);
                return ended;
            },
            Token);
    }

    public Task WriteAsync(Action<PpsWriter> change) => cluster.Metadata.WriteAsync(
        writer =>
        {
            change(new PpsWriter(writer));
            return true;
        },
        Token);

    public static CommitName ToName(CommitRef commit) => new(new RepoName(commit.Repo), new CommitId(commit.Id));

    private Task<DatumSet> ListDatumsAsync(Job job) => DatumSet.OpenAsync(job.Input, new CommitDatumSource(cluster.Files.Reader), Token);

    // A commit that nothing points to holds the files, so that no collection takes them.
    private async Task<DirectoryReference?> StoreAsync((string Path, string Content)[] files)
    {
        if ((await cluster.Files.Repos.ListAsync([], Token)).All(repo => repo.Name != Scratch))
        {
            await cluster.Files.Repos.CreateAsync(Scratch, [], "", Token);
        }
        CommitName commit = await cluster.Files.Commits.StartAsync(new CommitOrigin(Scratch, null, null, []), Token);
        foreach ((string path, string content) in files)
        {
            await cluster.Files.Writer.PutAsync(new CommitReference(commit), path, Once(content), new PutOptions(), Token);
        }
        await cluster.FinishAsync(commit);
        return (await cluster.InspectAsync(commit)).Tree;
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> Once(string content)
    {
        await Task.CompletedTask;
        yield return Encoding.UTF8.GetBytes(content);
    }
}
