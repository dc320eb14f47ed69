using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores;
using Pachyderm.ObjectStores.Tests;
using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Specs;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;
using Pachyderm.Workers;
using Pachyderm.Workers.Processes;

namespace Pachyderm.Scheduling.Tests;

/// <summary>How a <see cref="TestCluster"/> is opened.</summary>
public sealed record TestClusterOptions
{
    /// <summary>Whether programs run in a sandbox. Without one, which is quicker, they find their files by <c>$PACH_PFS</c>.</summary>
    public ProcessIsolation Isolation { get; init; } = ProcessIsolation.None;

    /// <summary>The clock of the scheduler and of the commits.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>What the scheduler logs.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>How many changes the feed keeps; a small number makes it forget.</summary>
    public int RetainedChanges { get; init; } = 100_000;

    /// <summary>Whether the scheduler runs pipelines at once.</summary>
    public bool Start { get; init; } = true;

    /// <summary>Changes the options of the backend.</summary>
    public Func<WorkerOptions, WorkerOptions> Workers { get; init; } = static options => options;

    /// <summary>Wraps the backend, for tests of one that fails.</summary>
    public Func<IWorkerBackend, IWorkerBackend> Backend { get; init; } = static backend => backend;

    /// <summary>Changes the options of the scheduler.</summary>
    public Func<SchedulerOptions, SchedulerOptions> Options { get; init; } = static options => options;

    /// <summary>Makes the scheduler.</summary>
    internal Func<SchedulerOptions, Scheduler> Scheduler { get; init; } = static options => new Scheduler(options);
}

/// <summary>
/// A scheduler over real stores in a directory of their own, with processes of this machine for workers. <see cref="RestartAsync"/> closes
/// everything and opens it again on what is on the disk.
/// </summary>
public sealed class TestCluster : IAsyncDisposable
{
    private readonly TestClusterOptions options;
    private readonly TemporaryDirectory directory = new();
    private readonly HttpClient http = new();
    private SqliteMetadataStore metadata = null!;
    private PackChunkStore chunks = null!;
    private IWorkerBackend backend = null!;

    private TestCluster(TestClusterOptions options) => this.options = options;

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The directory of the cluster; tests may use what is below <c>test</c> in it.</summary>
    public string Directory => directory.Path;

    public SqliteMetadataStore Metadata => metadata;

    public IChunkStore Chunks => chunks;

    public PachydermFileSystem Files { get; private set; } = null!;

    public Scheduler Scheduler { get; private set; } = null!;

    public SchedulerOptions SchedulerOptions { get; private set; } = null!;

    public PipelineManager Pipelines => Scheduler.Pipelines;

    public JobManager Jobs => Scheduler.Jobs;

    public static async Task<TestCluster> OpenAsync(TestClusterOptions? options = null)
    {
        TestCluster cluster = new(options ?? new TestClusterOptions());
        await cluster.OpenStoresAsync(cluster.options.Start);
        return cluster;
    }

    /// <summary>Closes everything and opens it again.</summary>
    /// <param name="start">Whether pipelines run then.</param>
    public async Task RestartAsync(bool start = true)
    {
        await CloseAsync();
        await OpenStoresAsync(start);
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        http.Dispose();
        directory.Dispose();
    }

    public Task CreateRepoAsync(string name) => Files.Repos.CreateAsync(new RepoName(name), [], "", Token);

    /// <summary>An open commit on a branch.</summary>
    public Task<CommitName> StartCommitAsync(string repo, string branch = "master") =>
        Files.Commits.StartAsync(new CommitOrigin(new RepoName(repo), null, new BranchName(branch), []), Token);

    public Task FinishAsync(CommitName commit) => Files.Commits.FinishAsync(new CommitReference(commit), Token);

    /// <summary>Replaces a file of an open commit.</summary>
    public async Task PutAsync(CommitName commit, string path, string content)
    {
        await Files.Writer.DeleteAsync(new CommitReference(commit), path, Token);
        await Files.Writer.PutAsync(
            new CommitReference(commit), path, Once(Encoding.UTF8.GetBytes(content)), new PutOptions(), Token);
    }

    /// <summary>A finished commit on <c>master</c> with some files replaced or added; a null content deletes the file.</summary>
    public async Task<CommitName> CommitAsync(string repo, params (string Path, string? Content)[] files)
    {
        CommitName commit = await StartCommitAsync(repo);
        foreach ((string path, string? content) in files)
        {
            if (content is null)
            {
                await Files.Writer.DeleteAsync(new CommitReference(commit), path, Token);
            }
            else
            {
                await PutAsync(commit, path, content);
            }
        }
        await FinishAsync(commit);
        return commit;
    }

    /// <summary>An input that reads <c>master</c>.</summary>
    public static InputSpec Atom(string repo, string glob = "/*", string name = "", string branch = "", string from = "") =>
        new() { Atom = new AtomInput(name, repo, branch, "", glob, FromCommit: from) };

    public static InputSpec Cross(params InputSpec[] inputs) => new() { Cross = inputs.ToValueList() };

    public static InputSpec Union(params InputSpec[] inputs) => new() { Union = inputs.ToValueList() };

    /// <summary>A spec of a pipeline with one worker that runs a script of <c>sh</c> with <c>set -e</c>.</summary>
    public static PipelineSpec Spec(string name, InputSpec? input, string script) => new()
    {
        Name = name,
        Input = input,
        Transform = new Transform { Cmd = Texts("sh"), Stdin = Texts("set -e", script) },
        Parallelism = new ParallelismSpec(1),
    };

    /// <summary>A pipeline that copies a repo.</summary>
    public Task<PipelineRecord> CreateCopyAsync(string name, string repo, string glob = "/*") =>
        CreateAsync(name, Atom(repo, glob, "in"), "cp -r $PACH_PFS/in/. $PACH_PFS/out/");

    public Task<PipelineRecord> CreateAsync(string name, InputSpec input, string script) =>
        Pipelines.CreateAsync(Spec(name, input, script), Token);

    /// <summary>The first output that some repos have for a commit each, in the order in which they come to be.</summary>
    public async Task<IReadOnlyList<CommitInfo>> FlushAsync(CommitName commit, params string[] repos) =>
        await Files.Feed.FlushAsync([new CommitReference(commit)], [.. repos.Select(static repo => new RepoName(repo))], Token)
            .ToListAsync(Token);

    /// <summary>Waits until a job has ended.</summary>
    public async Task<Job> EndAsync(JobId job) => (await Jobs.InspectAsync(job, block: true, Token)).Job;

    /// <summary>Waits until a pipeline has had so many jobs that ended: all its jobs that ended, first created first.</summary>
    public async Task<IReadOnlyList<Job>> EndedJobsAsync(string pipeline, int count)
    {
        Dictionary<JobId, JobRecord> ended = [];
        if (count == 0)
        {
            return [];
        }
        await foreach (JobRecord record in Jobs.WatchAsync(new PipelineName(pipeline), Token))
        {
            if (record.Job.State.IsTerminal())
            {
                ended[record.Job.Id] = record;
            }
            if (ended.Count == count)
            {
                break;
            }
        }
        return [.. ended.Values.OrderBy(static record => record.Queued).Select(static record => record.Job)];
    }

    /// <summary>Waits until a pipeline is in a state.</summary>
    public async Task<Pipeline> StateAsync(string pipeline, PipelineState state)
    {
        while (true)
        {
            long change = await Metadata.ReadAsync(static reader => reader.LastChange, Token);
            Pipeline found = (await Pipelines.InspectAsync(new PipelineName(pipeline), Token)).Pipeline;
            if (found.State == state)
            {
                return found;
            }
            await Metadata.WaitForChangeAsync(change, Token);
        }
    }

    /// <inheritdoc cref="StateAsync"/>
    public Task<Pipeline> RunningAsync(string pipeline) => StateAsync(pipeline, PipelineState.Running);

    /// <summary>All jobs of a pipeline, first created first.</summary>
    public async Task<IReadOnlyList<Job>> ListJobsAsync(string pipeline)
    {
        List<JobRecord> records = await Jobs.ListAsync(new PipelineName(pipeline), Token).ToListAsync(Token);
        return [.. records.OrderBy(static record => record.Queued).Select(static record => record.Job)];
    }

    /// <summary>The commits on the way from a branch's head to its first commit, oldest first; none if the branch is missing.</summary>
    public async Task<IReadOnlyList<CommitInfo>> BranchAsync(string repo, string branch = "master")
    {
        BranchInfo? found = (await Files.Branches.ListAsync(new RepoName(repo), Token)).FirstOrDefault(info => info.Name.Value == branch);
        List<CommitInfo> commits = [];
        for (CommitName? next = found?.Head; next is { } name;)
        {
            CommitInfo commit = await InspectAsync(name);
            commits.Add(commit);
            next = commit.Parent is { } parent ? new CommitName(name.Repo, parent) : null;
        }
        commits.Reverse();
        return commits;
    }

    public Task<CommitInfo> InspectAsync(CommitName commit) => Files.Commits.InspectAsync(new CommitReference(commit), Token);

    /// <summary>All files of a commit with their content.</summary>
    public async Task<SortedDictionary<string, string>> ReadAllAsync(CommitReference commit)
    {
        using CommitView view = await Files.Reader.OpenAsync(commit, Token);
        SortedDictionary<string, string> found = new(StringComparer.Ordinal);
        await foreach (CommitFile file in view.WalkAsync("/", Token))
        {
            if (!file.Entry.IsDirectory)
            {
                found.Add(file.Path, await TextAsync(view.ReadAsync(file, 0, null, Token)));
            }
        }
        return found;
    }

    /// <inheritdoc cref="ReadAllAsync(CommitReference)"/>
    public Task<SortedDictionary<string, string>> ReadAllAsync(CommitName commit) => ReadAllAsync(new CommitReference(commit));

    /// <summary>All files of a branch's head with their content.</summary>
    public Task<SortedDictionary<string, string>> ReadHeadAsync(string repo, string branch = "master") =>
        ReadAllAsync(new CommitReference(new RepoName(repo), branch));

    public static ValueList<string> Texts(params string[] texts) => texts.ToValueList();

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> Once(ReadOnlyMemory<byte> content)
    {
        await Task.CompletedTask;
        yield return content;
    }

    private static async Task<string> TextAsync(IAsyncEnumerable<ChunkBuffer> pieces)
    {
        using MemoryStream bytes = new();
        await foreach (ChunkBuffer piece in pieces)
        {
            using (piece)
            {
                bytes.Write(piece.Memory.Span);
            }
        }
        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private async Task OpenStoresAsync(bool start)
    {
        metadata = await SqliteMetadataStore.OpenAsync(
            new SqliteMetadataOptions { Path = directory["metadata.db"], RetainedChanges = options.RetainedChanges }, Token);
        chunks = await PackChunkStore.OpenAsync(
            new PackStoreOptions
            {
                Objects = new LocalObjectStore(directory["objects"]),
                SpoolDirectory = directory["spool"],
                IndexDirectory = directory["index"],
            },
            Token);
        Files = new PachydermFileSystem(metadata, chunks, new NoRemoteFiles(), http, options.Time);
        backend = options.Backend(await ProcessWorkerBackend.CreateAsync(
            options.Workers(new WorkerOptions { ScratchDirectory = directory["scratch"] }), options.Isolation, Token));
        SchedulerOptions = options.Options(new SchedulerOptions
        {
            Metadata = metadata,
            Chunks = chunks,
            Files = Files,
            Workers = backend,
            Http = http,
            Time = options.Time,
            Logger = options.Logger,
            Nodes = 2,
        });
        Scheduler = options.Scheduler(SchedulerOptions);
        if (start)
        {
            await Scheduler.StartAsync(Token);
        }
    }

    private async Task CloseAsync()
    {
        await Scheduler.DisposeAsync();
        await backend.DisposeAsync();
        await Files.DisposeAsync();
        await chunks.DisposeAsync();
        await metadata.DisposeAsync();
    }

    private sealed class NoRemoteFiles : IRemoteFileSource
    {
        public IAsyncEnumerable<RemoteFile> OpenAsync(RemoteAddress address, bool recursive, CancellationToken cancellationToken) =>
            throw new PfsException(PfsErrorKind.SourceUnavailable, $"no way to {address}");
    }
}
