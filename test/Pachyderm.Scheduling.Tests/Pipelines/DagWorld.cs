using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Specs;
using static Pachyderm.Scheduling.Tests.TestCluster;
using Files = System.Collections.Generic.SortedDictionary<string, string>;

namespace Pachyderm.Scheduling.Tests.Pipelines;

/// <summary>A pipeline of the model: its output is a function of what it reads.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Reads">The repos that it reads, each once; the inputs are named in this order.</param>
/// <param name="Whole">Whether all files of all repos are one datum; otherwise each file is one.</param>
/// <param name="Code">What it puts behind what it reads.</param>
internal sealed record DagPipeline(string Name, ValueList<string> Reads, bool Whole, string Code)
{
    public bool Exists { get; set; }

    public bool Stopped { get; set; }

    public PipelineSpec Spec()
    {
        InputSpec[] atoms = [.. Reads.Select((repo, i) => Atom(repo, Whole ? "/" : "/*", $"in{i}"))];
        string script = Whole
            ? "{ cat $PACH_PFS/in*/*; printf %s " + Code + "; } | sha256sum > $PACH_PFS/out/all"
            : "for f in $PACH_PFS/in*/*; do { cat $f; printf %s " + Code + "; } | sha256sum > $PACH_PFS/out/${f##*/}; done";
        return TestCluster.Spec(Name, Whole ? Cross(atoms) : Union(atoms), script);
    }

    /// <summary>What it makes of files, one set for each input.</summary>
    public static Files Run(IReadOnlyList<Files> inputs, bool whole, string code)
    {
        Files output = new(StringComparer.Ordinal);
        if (whole)
        {
            output["/all"] = Digest(string.Concat(inputs.SelectMany(static files => files.Values)) + code);
            return output;
        }
        foreach ((string path, string content) in inputs.SelectMany(static files => files))
        {
            output[path] = output.GetValueOrDefault(path, "") + Digest(content + code);
        }
        return output;
    }

    private static string Digest(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))) + "  -\n";
}

/// <summary>Repos and pipelines of a cluster, with what the model knows of them.</summary>
internal sealed class DagWorld(TestCluster cluster, DagPlan plan)
{
    private readonly List<string> roots = [];
    private readonly Dictionary<string, Files> rootFiles = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CommitName> rootHeads = new(StringComparer.Ordinal);
    private readonly Dictionary<CommitRef, Files> known = [];
    private int codes;

    public List<DagPipeline> Pipelines { get; } = [];

    public async Task BeginAsync()
    {
        for (int i = 0; i < plan.Roots; i++)
        {
            string root = string.Create(CultureInfo.InvariantCulture, $"r{i}");
            roots.Add(root);
            rootFiles.Add(root, new Files(StringComparer.Ordinal));
            await cluster.CreateRepoAsync(root);
            await CommitAsync(root, ("base", root));
        }
        foreach ((int i, (int[] reads, bool whole)) in plan.Shapes.Index())
        {
            Pipelines.Add(new DagPipeline($"p{i}", Sources(i, reads), whole, NewCode()));
            // Some are created only later, as a step.
            if (i % 5 != 4)
            {
                await CreateAsync(i);
            }
        }
    }

    public async Task StepAsync(int what, int which)
    {
        int i = which % Pipelines.Count;
        DagPipeline pipeline = Pipelines[i];
        PipelineName name = new(pipeline.Name);
        switch (what)
        {
            case < 45:
                string path = string.Create(CultureInfo.InvariantCulture, $"f{which / 10 % 5}");
                await CommitAsync(roots[which % roots.Count], (path, which % 7 == 0 ? null : $"{which}"));
                break;
            case < 55 when pipeline.Exists:
                await cluster.Pipelines.StopAsync(name, Token);
                pipeline.Stopped = true;
                break;
            case < 65 when pipeline.Exists:
                await cluster.Pipelines.StartAsync(name, Token);
                pipeline.Stopped = false;
                break;
            case < 72:
                await UpdateAsync(i, pipeline with { Code = NewCode() }, reprocess: true);
                break;
            case < 77:
                await UpdateAsync(i, pipeline with { Reads = Sources(i, [which / 3, which / 7]) }, reprocess: false);
                break;
            case < 82:
                await UpdateAsync(i, pipeline, reprocess: false);
                break;
            case < 90 when pipeline.Exists:
                bool isRead = Pipelines.Exists(other => other.Exists && other.Reads.Contains(pipeline.Name, StringComparer.Ordinal));
                await cluster.Pipelines.DeleteAsync(name, deleteJobs: which % 2 == 0, deleteRepo: which % 3 == 0 && !isRead, Token);
                pipeline.Exists = false;
                break;
            case < 97:
                await CreateAsync(i);
                break;
            default:
                if (what >= 97)
                {
                    await cluster.RestartAsync();
                }
                break;
        }
    }

    /// <summary>Lets everything run, commits to each root once more, and waits until nothing is left to do.</summary>
    public async Task EndAsync()
    {
        foreach ((int i, DagPipeline pipeline) in Pipelines.Index())
        {
            await CreateAsync(i);
            if (pipeline.Stopped)
            {
                await cluster.Pipelines.StartAsync(new PipelineName(pipeline.Name), Token);
            }
        }
        foreach (string root in roots)
        {
            await CommitAsync(root, ("last", "last"));
        }
        foreach (DagPipeline pipeline in Pipelines)
        {
            CommitReference[] newest = [.. RootsOf(pipeline).Select(root => new CommitReference(rootHeads[root]))];
            await cluster.Files.Feed.FlushAsync(newest, [new RepoName(pipeline.Name)], Token).ToListAsync(Token);
            await IdleAsync(new PipelineName(pipeline.Name));
        }
    }

    /// <summary>The output for the newest commits of the roots.</summary>
    public Files PredictNewest(DagPipeline pipeline) =>
        DagPipeline.Run([.. pipeline.Reads.Select(Newest)], pipeline.Whole, pipeline.Code);

    /// <summary>The output of a job, from the commits that it reads.</summary>
    public async Task<Files?> PredictAsync(Job job)
    {
        List<Files> inputs = [];
        foreach (CommitRef source in job.Input.Sources())
        {
            if (await FindAsync(source) is not { } files)
            {
                // The repo was deleted with a pipeline that had been in between.
                return await FindAsync(job.OutputCommit!.Value);
            }
            inputs.Add(files);
        }
        string script = job.Workload.Transform.Stdin[1];
        string code = script.Split("printf %s ")[1].Split(';')[0];
        return DagPipeline.Run(inputs, job.Input is CrossInput, code);
    }

    /// <summary>The files of a commit; null if it is gone.</summary>
    public async Task<Files?> FindAsync(CommitRef commit)
    {
        if (!known.TryGetValue(commit, out Files? files))
        {
            try
            {
                known.Add(commit, files = await cluster.ReadAllAsync(new CommitReference(new RepoName(commit.Repo), commit.Id)));
            }
            catch (PfsException missing) when (missing.Kind == PfsErrorKind.NotFound)
            {
                return null;
            }
        }
        return files;
    }

    private Files Newest(string repo) =>
        rootFiles.TryGetValue(repo, out Files? files) ? files : PredictNewest(Pipelines.Find(pipeline => pipeline.Name == repo)!);

    private HashSet<string> RootsOf(DagPipeline pipeline) =>
    [
        .. pipeline.Reads.SelectMany(
            repo => Pipelines.Find(other => other.Name == repo) is { } above ? RootsOf(above) : (IEnumerable<string>)[repo]),
    ];

    private string NewCode() => string.Create(CultureInfo.InvariantCulture, $"c{++codes}");

    // A pipeline reads roots and pipelines before it, in byte order.
    private ValueList<string> Sources(int pipeline, int[] picks)
    {
        string[] before = [.. roots, .. Pipelines.Take(pipeline).Select(static above => above.Name)];
        return picks.Select(pick => before[pick % before.Length]).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToValueList();
    }

    private async Task CommitAsync(string root, (string Path, string? Content) file)
    {
        rootHeads[root] = await cluster.CommitAsync(root, file);
        if (file.Content is null)
        {
            rootFiles[root].Remove("/" + file.Path);
        }
        else
        {
            rootFiles[root]["/" + file.Path] = file.Content;
        }
    }

    private async Task CreateAsync(int i)
    {
        DagPipeline pipeline = Pipelines[i];
        if (!pipeline.Exists && await HasReposAsync(pipeline))
        {
            await cluster.Pipelines.CreateAsync(pipeline.Spec(), Token);
            (pipeline.Exists, pipeline.Stopped) = (true, false);
        }
    }

    private async Task UpdateAsync(int i, DagPipeline next, bool reprocess)
    {
        if (next.Exists && await HasReposAsync(next))
        {
            await cluster.Pipelines.CreateAsync(next.Spec() with { Update = true, Reprocess = reprocess }, Token);
            next.Stopped = false;
            Pipelines[i] = next;
        }
    }

    private async Task<bool> HasReposAsync(DagPipeline pipeline)
    {
        IReadOnlyList<RepoInfo> repos = await cluster.Files.Repos.ListAsync([], Token);
        return pipeline.Reads.All(source => repos.Any(repo => repo.Name.Value == source));
    }

    private async Task IdleAsync(PipelineName name)
    {
        while (true)
        {
            (long change, JobRecord? next) = await cluster.Metadata.ReadAsync(
                reader => (reader.LastChange, new PpsReader(reader).FindNextJob(name)), Token);
            if (next is null)
            {
                return;
            }
            await cluster.Metadata.WaitForChangeAsync(change, Token);
        }
    }
}
