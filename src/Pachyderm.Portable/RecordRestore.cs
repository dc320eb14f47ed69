using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Pachyderm.Errors;
using Pachyderm.Metadata;
using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Portable;

/// <summary>
/// Writes the records of a stream in one transaction. What is there already and is the same, or has gone on from there, stays as it is;
/// what is different is a conflict, and any conflict undoes everything.
/// </summary>
/// <param name="writer">The transaction.</param>
/// <param name="isStored">Whether a chunk is stored.</param>
internal sealed class RecordRestore(IMetadataWriter writer, Func<ChunkId, bool> isStored)
{
    private const int NamedConflicts = 20;

    private readonly PpsWriter _pipelines = new(writer);
    private readonly List<string> _conflicts = [];
    private readonly HashSet<string> _queued = new(StringComparer.Ordinal);
    private readonly List<string> _restored = [];
    private long _conflictCount;
    private CommitKey? _openCommit;
    private string? _newJob;
    private string? _newPipeline;

    /// <summary>Records that were written.</summary>
    public long Created { get; private set; }

    /// <summary>Records that were there.</summary>
    public long Present { get; private set; }

    /// <summary>Pipelines that were written.</summary>
    public IReadOnlyList<string> Pipelines => _restored;

    /// <summary>Takes in a record.</summary>
    /// <exception cref="OperatorException">A later release wrote it, or it is damaged.</exception>
    /// <exception cref="JsonException">It is not of its form.</exception>
    public void Apply(FrameKind kind, ReadOnlyMemory<byte> payload)
    {
        switch (kind)
        {
            case FrameKind.Repo:
                Restore(Read(payload, StreamJson.Default.RepoDocument));
                break;
            case FrameKind.Commit:
                Restore(Read(payload, StreamJson.Default.CommitDocument));
                break;
            case FrameKind.Write:
                Restore(Read(payload, StreamJson.Default.WriteDocument));
                break;
            case FrameKind.Branch:
                Restore(Read(payload, StreamJson.Default.BranchDocument));
                break;
            case FrameKind.Object:
                Restore(Read(payload, StreamJson.Default.ObjectDocument));
                break;
            case FrameKind.Tag:
                Restore(Read(payload, StreamJson.Default.TagDocument));
                break;
            case FrameKind.QueuedJob:
                RestoreQueued(RecordBytes.ToJob(payload).Job);
                break;
            case FrameKind.Job:
                Restore(RecordBytes.ToJob(payload).Job);
                break;
            case FrameKind.Datum:
                Restore(Read(payload, StreamJson.Default.DatumDocument));
                break;
            case FrameKind.Log:
                Restore(Read(payload, StreamJson.Default.LogDocument));
                break;
            case FrameKind.Result:
                Restore(Read(payload, StreamJson.Default.ResultDocument));
                break;
            case FrameKind.Pipeline:
                Restore(RecordBytes.ToPipeline(payload).Pipeline);
                break;
            case FrameKind.Arrived or FrameKind.Waiting:
                Restore(Read(payload, StreamJson.Default.ArrivalDocument), kind);
                break;
            default:
                throw new InvalidOperationException("Chunks are no records.");
        }
    }

    /// <summary>Ends it.</summary>
    /// <exception cref="OperatorException"><c>restore-conflict</c>.</exception>
    public void Finish()
    {
        if (_conflictCount > 0)
        {
            throw new OperatorException(
                "restore-conflict", "this cluster",
                $"it has {_conflictCount} other things under names of the stream: {string.Join("; ", _conflicts)}{(_conflictCount > _conflicts.Count ? "; ..." : "")}",
                "restore into an empty cluster, or delete these first; nothing was restored");
        }

        // They have considered all that the stream says they have; what follows in the feed is new.
        foreach (string pipeline in _restored)
        {
            _pipelines.PutCursor(new PipelineName(pipeline), writer.LastChange);
        }
    }

    private static T Read<T>(ReadOnlyMemory<byte> payload, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(payload.Span, type) ?? throw new JsonException("It is null.");

    private static DateTimeOffset Time(long ticks) => ticks >= 0 && ticks <= DateTime.MaxValue.Ticks
        ? new DateTimeOffset(ticks, TimeSpan.Zero)
        : throw new JsonException("A time is out of range.");

    private void Conflict(string thing)
    {
        _conflictCount++;
        if (_conflicts.Count < NamedConflicts)
        {
            _conflicts.Add(thing);
        }
    }

    private void NeedStored(ChunkId id, string owner)
    {
        if (!isStored(id))
        {
            throw new CorruptionException("stream-damaged", $"the stream, {owner}", $"chunk {id}, which it needs, is not in it", "extract it again");
        }
    }

    private void NeedTree(ReadOnlySpan<byte> reference, string owner)
    {
        DirectoryReference tree = DirectoryReferenceCodec.Decode(reference);
        if (tree.Node != TreeReader.EmptyDirectory.Node)
        {
            NeedStored(tree.Node, owner);
        }
    }

    private void Restore(RepoDocument repo)
    {
        if (!new RepoName(repo.Name).IsValid)
        {
            throw new JsonException("A repo has a name that none can have.");
        }

        DateTimeOffset created = Time(repo.Created);
        if (writer.FindRepo(repo.Name) is { } old)
        {
            Present++;
            if (old.Created != created || !old.Provenance.AsSpan().SequenceEqual(repo.Provenance))
            {
                Conflict($"repo {repo.Name} was created at another time, or comes from other repos");
            }

            return;
        }

        writer.PutRepo(new RepoRecord(repo.Name, created, repo.Description, repo.Size, [.. repo.Provenance]));
        writer.AddChange(new Change(0, ChangeKind.RepoCreated, repo.Name));
        Created++;
    }

    private void Restore(CommitDocument commit)
    {
        CommitKey key = new(commit.Repo, commit.Id);
        ImmutableArray<CommitKey> provenance = [.. commit.Provenance.Chunk(2).Select(static pair =>
            pair.Length == 2 ? new CommitKey(pair[0], pair[1]) : throw new JsonException("Provenance has half a commit."))];
        DateTimeOffset started = Time(commit.Started);
        DateTimeOffset? finished = commit.Finished is { } ticks ? Time(ticks) : null;
        _openCommit = null;
        if (writer.FindCommit(key) is { } old)
        {
            Present++;
            bool same = old.Parent == commit.Parent && old.Started == started && old.Provenance.AsSpan().SequenceEqual(provenance.AsSpan());
            bool goesOn = finished is null || (old.Finished == finished && AreEqual(old.Tree, commit.Tree));
            if (!same || !goesOn)
            {
                Conflict($"commit {commit.Repo}/{commit.Id} is another one");
            }

            return;
        }

        if (writer.FindRepo(commit.Repo) is null)
        {
            throw new CorruptionException(
                "stream-damaged", "the stream", $"commit {commit.Repo}/{commit.Id} comes without its repo", "extract it again");
        }

        if (commit.Tree is { } tree)
        {
            NeedTree(tree, $"commit {commit.Repo}/{commit.Id}");
        }

        writer.PutCommit(new CommitRecord(key, commit.Parent, started, finished, commit.Size, AsMemory(commit.Tree), provenance));
        writer.AddChange(new Change(0, ChangeKind.CommitStarted, commit.Repo, commit.Id));
        if (finished is not null)
        {
            writer.AddChange(new Change(0, ChangeKind.CommitFinished, commit.Repo, commit.Id));
        }
        else
        {
            _openCommit = key;
        }

        Created++;
    }

    private void Restore(WriteDocument write)
    {
        CommitKey key = new(write.Repo, write.Id);
        if (_openCommit == key)
        {
            writer.AddPendingWrite(key, write.Payload);
        }
    }

    private void Restore(BranchDocument branch)
    {
        if (writer.FindBranch(branch.Repo, branch.Name) is { } old)
        {
            Present++;
            if (!IsAncestor(branch.Repo, branch.Head, old.Head))
            {
                Conflict($"branch {branch.Repo}/{branch.Name} is at {old.Head}, and not at or behind {branch.Head}");
            }

            return;
        }

        writer.PutBranch(new BranchRecord(branch.Repo, branch.Name, branch.Head));
        writer.AddChange(new Change(0, ChangeKind.BranchMoved, branch.Repo, branch.Head, branch.Name));
        Created++;
    }

    private bool IsAncestor(string repo, string ancestor, string head)
    {
        for (string? id = head; id is not null; id = writer.FindCommit(new CommitKey(repo, id))?.Parent)
        {
            if (id == ancestor)
            {
                return true;
            }
        }

        return false;
    }

    private void Restore(ObjectDocument item)
    {
        if (writer.FindObject(item.Hash) is not null)
        {
            // Its name is its hash.
            Present++;
            return;
        }

        foreach (ChunkReference chunk in FileContentCodec.Decode(item.Content).Chunks)
        {
            NeedStored(chunk.Id, $"object {item.Hash}");
        }

        writer.PutObject(new ObjectRecord(item.Hash, item.Size, item.Content, Time(item.Created)));
        Created++;
    }

    private void Restore(TagDocument tag)
    {
        if (writer.FindTag(tag.Name) is { } old)
        {
            Present++;
            if (old.ObjectHash != tag.Object)
            {
                Conflict($"tag {tag.Name} names another object");
            }

            return;
        }

        writer.PutTag(new TagRecord(tag.Name, tag.Object));
        Created++;
    }

    private void RestoreQueued(Job job)
    {
        if (_pipelines.FindJob(job.Id) is null)
        {
            _pipelines.PutJob(job);
            _queued.Add(job.Id.Value);
        }
    }

    private void Restore(Job job)
    {
        if (!_queued.Contains(job.Id.Value) && _pipelines.FindJob(job.Id) is { } old)
        {
            Present++;
            _newJob = null;
            if (old.Job.Pipeline != job.Pipeline || old.Job.PipelineVersion != job.PipelineVersion || old.Job.Started != job.Started
                || old.Job.Input != job.Input)
            {
                Conflict($"job {job.Id} is another one");
            }

            return;
        }

        _pipelines.PutJob(job);
        _newJob = job.Id.Value;
        Created++;
    }

    private void Restore(DatumDocument datum)
    {
        if (_newJob == datum.Job)
        {
            _pipelines.PutDatum(
                new JobId(datum.Job), RecordBytes.ToDatum(datum.Index, System.Text.Encoding.UTF8.GetBytes(datum.Datum.GetRawText())));
        }
    }

    private void Restore(LogDocument log)
    {
        if (_newJob == log.Job)
        {
            _pipelines.AppendLog(new PipelineName(log.Pipeline), new JobId(log.Job), [log.Piece]);
        }
    }

    private void Restore(ResultDocument result)
    {
        if (!DatumTag.TryParse(result.Tag, out DatumTag tag))
        {
            throw new JsonException("A tag of a datum is none.");
        }

        if (_pipelines.FindResult(tag) is null)
        {
            NeedTree(result.Output, $"result {result.Tag}");
            _pipelines.PutResult(tag, new ResultRecord(new JobId(result.Job), result.Output));
        }
    }

    private void Restore(Pipeline pipeline)
    {
        _newPipeline = null;
        if (_pipelines.FindPipeline(pipeline.Name)?.Pipeline is { } old)
        {
            Present++;
            if (old.Version != pipeline.Version || old.Salt != pipeline.Salt || old.Created != pipeline.Created || old.Input != pipeline.Input)
            {
                Conflict($"pipeline {pipeline.Name} is another one, or of another version");
            }

            return;
        }

        // Behind its jobs, which are in its counters already.
        _pipelines.PutPipeline(pipeline);
        _newPipeline = pipeline.Name.Value;
        _restored.Add(pipeline.Name.Value);
        Created++;
    }

    private void Restore(ArrivalDocument arrival, FrameKind kind)
    {
        if (_newPipeline != arrival.Pipeline)
        {
            return;
        }

        CommitRef commit = new(arrival.Repo, arrival.Id);
        if (kind == FrameKind.Waiting)
        {
            _pipelines.PutWaiting(new PipelineName(arrival.Pipeline), commit);
        }
        else
        {
            _pipelines.PutArrived(new PipelineName(arrival.Pipeline), commit);
        }
    }

    private static ReadOnlyMemory<byte>? AsMemory(byte[]? bytes) => bytes is null ? null : (ReadOnlyMemory<byte>?)bytes;

    private static bool AreEqual(ReadOnlyMemory<byte>? one, byte[]? other) =>
        one is { } bytes ? other is not null && bytes.Span.SequenceEqual(other) : other is null;
}
