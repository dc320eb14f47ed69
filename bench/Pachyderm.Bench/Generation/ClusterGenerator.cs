using System.Text;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Bench.Generation;

/// <summary>
/// Writes the etcd snapshot of a Pachyderm 1.4.8 cluster at rest, with any number of records. The same number and seed give the same
/// file. Memory: a few kilobytes a repo and pipeline, whatever the number of records, since records are written in the order in which
/// the cluster would have written them.
/// </summary>
/// <remarks>
/// Commits come to source repos at random; each starts a job in each subscribed pipeline, whose output commit has the whole chain of
/// its inputs as provenance, with an index entry for each; some outputs feed pipelines in turn. Half of the jobs have been deleted
/// since, with their index entries, so that commits and their indexes are most of the records. Jobs overlap: up to sixteen are under way.
/// </remarks>
internal sealed class ClusterGenerator
{
    /// <summary>Fewest records that a cluster can have.</summary>
    public const long FewestRecords = 1000;

    private const int RecordsPerPipeline = 5000;
    private const int MostPipelines = 250;
    private const int MostJobsUnderWay = 16;
    private const int JobsKeptPercent = 50;
    private const long Epoch = 1_500_000_000;

    // At most so many for one run of a pipeline: the output commit, its index entries, the job and its three entries.
    private const int MostRecordsPerOutput = 32;

    private readonly EtcdSnapshotWriter _writer;
    private readonly DeterministicRandom _random;
    private readonly long _records;
    private readonly List<RepoState> _sources = [];
    private readonly List<RepoState> _repos = [];
    private readonly List<PipelineState> _pipelines = [];
    private readonly Queue<JobState> _underWay = new();
    private long _written;
    private long _revision = 1;
    private int _sub;

    private ClusterGenerator(EtcdSnapshotWriter writer, long records, ulong seed)
    {
        _writer = writer;
        _records = records;
        _random = new DeterministicRandom(seed);
    }

    /// <summary>Records that are written at the end: each repo, its branch, each pipeline, each job under way and its Stopped entry.</summary>
    private long Outstanding => _repos.Count * 2L + _pipelines.Count + _underWay.Count * 2L;

    /// <summary>Writes a snapshot of exactly <paramref name="records"/> records.</summary>
    public static async Task<WrittenSnapshot> WriteAsync(string path, long records, ulong seed, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(records, FewestRecords);
        await using EtcdSnapshotWriter writer = await EtcdSnapshotWriter.CreateAsync(path, source: null, cancellationToken);
        ClusterGenerator generator = new(writer, records, seed);
        await Task.Run(() => generator.Generate(cancellationToken), cancellationToken);
        return await writer.CompleteAsync(generator._revision, cancellationToken);
    }

    private void Generate(CancellationToken cancellationToken)
    {
        SetUp();
        while (_written + Outstanding + 1 + (MostRecordsPerOutput * _pipelines.Count) < _records)
        {
            cancellationToken.ThrowIfCancellationRequested();
            CommitTo(_sources[_random.Below(_sources.Count)], runPipelines: true);
        }

        while (_underWay.TryDequeue(out JobState? job))
        {
            Finish(job);
        }

        while (_written + Outstanding < _records)
        {
            CommitTo(_sources[_random.Below(_sources.Count)], runPipelines: false);
        }

        WriteNewestStates();
        if (_written != _records)
        {
            throw new InvalidOperationException($"{_written} records were written instead of {_records}.");
        }
    }

    private void SetUp()
    {
        int pipelines = (int)Math.Clamp(_records / RecordsPerPipeline, 6, MostPipelines);
        int sources = Math.Max(4, pipelines * 4 / 5);
        for (int index = 0; index < sources; index++)
        {
            _sources.Add(AddRepo($"source-{index:d3}", []));
        }

        for (int index = 0; index < pipelines; index++)
        {
            // One in five reads the output of an earlier one, and one in four a second repo besides.
            bool isDerived = index >= 5 && _random.Chance(20);
            RepoState first = isDerived ? _pipelines[_random.Below(index / 2)].Output : _sources[_random.Below(sources)];
            RepoState second = _sources[_random.Below(sources)];
            RepoState[] inputs = first != second && _random.Chance(25) ? [first, second] : [first];
            AddPipeline($"pipeline-{index:d3}", inputs);
        }

        foreach (RepoState repo in _repos)
        {
            NextRevision();
            Write(ClusterText.RefCountKey(repo.Name), $"{repo.RefCount}", repo.CreateRevision, 1 + repo.RefCount);
            for (int source = 0; source < repo.Provenance.Count; source++)
            {
                Write(ClusterText.RepoIndexKey(repo.Provenance[source].Name, repo.Name), repo.Name, _revision, 1);
            }
        }

        foreach (PipelineState pipeline in _pipelines)
        {
            NextRevision();
            Write(ClusterText.PipelineStoppedKey(pipeline.Name), pipeline.Name, _revision, 1);
        }
    }

    private RepoState AddRepo(string name, IEnumerable<RepoState> provenance)
    {
        NextRevision();
        RepoState repo = new(name) { Created = Now(), CreateRevision = _revision };
        repo.Provenance.AddRange(provenance);
        foreach (RepoState source in repo.Provenance)
        {
            source.RefCount++;
        }

        _repos.Add(repo);
        return repo;
    }

    private void AddPipeline(string name, RepoState[] inputs)
    {
        RepoState output = AddRepo(name, inputs.SelectMany(input => input.Provenance.Append(input)).Distinct());
        NextRevision();
        PipelineState pipeline = new(name)
        {
            Id = _random.CommitId(),
            Workers = 1 + _random.Below(8),
            Created = Now(),
            CreateRevision = _revision,
            Inputs = inputs,
            Output = output,
        };
        _pipelines.Add(pipeline);
        foreach (RepoState input in inputs)
        {
            input.Subscribers.Add(pipeline);
        }
    }

    private void CommitTo(RepoState repo, bool runPipelines)
    {
        NextRevision();
        long started = _revision;
        Moment start = Now();
        NextRevision();
        WriteCommit(repo, start, started, version: 2, []);
        if (runPipelines)
        {
            RunSubscribers(repo);
        }
    }

    private void RunSubscribers(RepoState repo)
    {
        foreach (PipelineState pipeline in repo.Subscribers.Where(pipeline => pipeline.Inputs.All(input => input.Head is not null)))
        {
            Run(pipeline, repo.Head!.Value);
            RunSubscribers(pipeline.Output);
        }
    }

    private void Run(PipelineState pipeline, CommitReference trigger)
    {
        NextRevision();
        long created = _revision;
        Moment started = Now();
        string id = _random.JobId();
        bool isKept = _random.Chance(JobsKeptPercent);
        string input = ClusterText.Input(pipeline, [.. pipeline.Inputs.Select(source => source.Head!.Value)]);
        if (isKept)
        {
            Write(ClusterText.JobInputKey(input, id), id, _revision, 1);
            Write(ClusterText.JobPipelineKey(pipeline.Name, id), id, _revision, 1);
        }

        IReadOnlyList<CommitReference> provenance =
            [.. pipeline.Inputs.SelectMany(source => source.HeadProvenance.Append(source.Head!.Value)).Distinct()];
        NextRevision();
        WriteCommit(pipeline.Output, Now(), _revision, version: 1, provenance);
        foreach (CommitReference source in provenance)
        {
            Write(ClusterText.CommitIndexKey(source, pipeline.Output.Head!.Value), pipeline.Output.Head.Value.Id, _revision, 1);
        }

        pipeline.Jobs++;
        if (isKept)
        {
            _underWay.Enqueue(new JobState
            {
                Id = id,
                Pipeline = pipeline,
                Parent = pipeline.LastJob,
                Started = started,
                Output = pipeline.Output.Head!.Value,
                Trigger = trigger,
                Input = input,
                Datums = 1 + _random.Below(500),
                CreateRevision = created,
            });
            pipeline.LastJob = id;
        }

        for (int most = _random.Below(MostJobsUnderWay) + 1; _underWay.Count > most;)
        {
            Finish(_underWay.Dequeue());
        }
    }

    private void Finish(JobState job)
    {
        NextRevision();
        job.Finished = Now();
        Write(ClusterText.JobKey(job.Id), ClusterText.Job(job), job.CreateRevision, 5);
        Write(ClusterText.JobStoppedKey(job.Id), job.Id, _revision, 1);
    }

    private void WriteCommit(RepoState repo, Moment started, long createRevision, long version, IReadOnlyList<CommitReference> provenance)
    {
        CommitReference commit = new(repo.Name, _random.CommitId());
        long bytes = 1 + _random.Below(1 << 30);
        string text = ClusterText.Commit(commit, repo.Head, started, Now(), bytes, provenance, _random.ObjectHash());
        Write(ClusterText.CommitKey(repo.Name, commit.Id), text, createRevision, version);
        repo.FirstCommitRevision = repo.Commits == 0 ? _revision : repo.FirstCommitRevision;
        repo.Commits++;
        repo.Bytes += bytes;
        repo.Head = commit;
        repo.HeadProvenance = provenance;
        repo.HeadRevision = _revision;
    }

    /// <summary>Repos, branches and pipelines change with every commit and job: only their newest state is left at the end.</summary>
    private void WriteNewestStates()
    {
        foreach (RepoState repo in _repos)
        {
            NextRevision();
            if (repo.Head is { } head)
            {
                Write(ClusterText.BranchKey(repo.Name, "master"), ClusterText.Reference(head), repo.FirstCommitRevision, repo.Commits);
            }
            else
            {
                // A repo nobody has written to yet has no branch; the count must come out all the same.
                CommitTo(repo, runPipelines: false);
            }

            Write(ClusterText.RepoKey(repo.Name), ClusterText.Repo(repo), repo.CreateRevision, 1 + repo.Commits);
        }

        foreach (PipelineState pipeline in _pipelines)
        {
            NextRevision();
            Write(ClusterText.PipelineKey(pipeline.Name), ClusterText.Pipeline(pipeline), pipeline.CreateRevision, 2 + (pipeline.Jobs * 3));
        }
    }

    private void NextRevision()
    {
        _revision++;
        _sub = 0;
    }

    private Moment Now() => new(Epoch + (_revision / 8), _random.Below(1_000_000_000));

    private void Write(string key, string value, long createRevision, long version)
    {
        _writer.Add(_revision, _sub++, new StoredRecord(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value), createRevision, _revision, version, 0));
        _written++;
    }
}
