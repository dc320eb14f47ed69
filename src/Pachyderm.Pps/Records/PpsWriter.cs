using System.Text;
using Pachyderm.Metadata;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Triggers;
using Pachyderm.Storage.Content;

namespace Pachyderm.Pps.Records;

/// <summary>
/// Changes the records of this room inside a transaction of the metadata store, so that they change together with those of repos and
/// commits. What each step of a job writes at once is in doc/pps.md.
/// </summary>
/// <param name="writer">The transaction.</param>
public sealed class PpsWriter(IMetadataWriter writer) : PpsReader(writer)
{
    /// <summary>Creates or replaces a pipeline.</summary>
    public void PutPipeline(Pipelines.Pipeline pipeline)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        PipelineRecord record = new(pipeline, writer.TakeRevision());
        writer.PutRow(RowSpace.Pipelines, Bytes(pipeline.Name.Value), RecordCodec.Encode(record));
        writer.AddChange(new Change(0, ChangeKind.PipelineChanged, pipeline.Name.Value));
    }

    /// <summary>Deletes a pipeline with what it waits for. Its jobs and results stay.</summary>
    /// <returns>Whether it was there.</returns>
    public bool DeletePipeline(PipelineName name)
    {
        if (!writer.HasRow(RowSpace.Pipelines, Bytes(name.Value)))
        {
            return false;
        }
        writer.DeleteRow(RowSpace.Pipelines, Bytes(name.Value));
        ForgetTriggers(name);
        writer.AddChange(new Change(0, ChangeKind.PipelineDeleted, name.Value));
        return true;
    }

    /// <summary>
    /// Forgets what a pipeline waits for and how far it has read the feed: its inputs have changed, and all commits are considered anew.
    /// </summary>
    public void ForgetTriggers(PipelineName name)
    {
        DeleteAll(RowSpace.Waiting, new RowKey().Text(name.Value).ToArray());
        DeleteAll(RowSpace.Arrived, new RowKey().Text(name.Value).ToArray());
        writer.DeleteRow(RowSpace.Cursors, Bytes(name.Value));
    }

    /// <summary>Forgets the commits of a repo that a pipeline keeps until others arrive: the repo was deleted.</summary>
    public void ForgetWaiting(PipelineName name, string repo) =>
        DeleteAll(RowSpace.Waiting, new RowKey().Text(name.Value).Text(repo).ToArray());

    /// <summary>A pipeline is not to consider a commit, or has done so: it never arrives again.</summary>
    public void PutArrived(PipelineName name, CommitRef commit) =>
        writer.PutRow(RowSpace.Arrived, PpsReader.ArrivedKey(name, commit), []);

    /// <summary>A pipeline keeps a commit until others arrive, behind those that it keeps already.</summary>
    public void PutWaiting(PipelineName name, CommitRef commit) => writer.PutRow(
        RowSpace.Waiting, new RowKey().Text(name.Value).Text(commit.Repo).Ascending(writer.TakeRevision()).ToArray(), Bytes(commit.Id));

    /// <summary>
    /// Creates or replaces a job, and counts it with its pipeline. A new one is last in the queue of its pipeline; one that has ended
    /// leaves it.
    /// </summary>
    public void PutJob(Job job)
    {
        ArgumentNullException.ThrowIfNull(job);
        JobRecord? old = FindJob(job.Id);
        long revision = writer.TakeRevision();
        JobRecord record = new(job, old?.Queued ?? revision, revision);
        byte[] id = Bytes(job.Id.Value);
        if (old is not null)
        {
            DeleteRevisions(old);
        }
        writer.PutRow(RowSpace.Jobs, id, RecordCodec.Encode(record));
        writer.PutRow(RowSpace.JobsByRevision, new RowKey().Text("").Descending(revision).ToArray(), id);
        writer.PutRow(RowSpace.JobsByRevision, new RowKey().Text(job.Pipeline.Value).Descending(revision).ToArray(), id);
        writer.PutRow(RowSpace.JobsByInput, InputKey(job), id);
        byte[] place = QueueKey(record);
        if (job.State.IsTerminal())
        {
            writer.DeleteRow(RowSpace.JobQueue, place);
        }
        else
        {
            writer.PutRow(RowSpace.JobQueue, place, id);
        }
        if (old?.Job.State != job.State && FindPipeline(job.Pipeline) is { Pipeline: { } pipeline })
        {
            PutPipeline(pipeline with { JobCounts = pipeline.JobCounts.Move(old?.Job.State, job.State) });
        }
        writer.AddChange(new Change(0, ChangeKind.JobChanged, job.Pipeline.Value, job.Id.Value));
    }

    /// <summary>
    /// Deletes a job with the records of its datums and its log; its results stay. The counters of its pipeline stay too.
    /// </summary>
    /// <returns>Whether it was there.</returns>
    public bool DeleteJob(JobId id)
    {
        if (FindJob(id) is not { } record)
        {
            return false;
        }
        writer.DeleteRow(RowSpace.Jobs, Bytes(id.Value));
        DeleteRevisions(record);
        writer.DeleteRow(RowSpace.JobsByInput, InputKey(record.Job));
        writer.DeleteRow(RowSpace.JobQueue, QueueKey(record));
        DeleteAll(RowSpace.Datums, new RowKey().Text(id.Value).ToArray());
        DeleteAll(RowSpace.Logs, LogKey(record.Job.Pipeline, id).ToArray());
        writer.AddChange(new Change(0, ChangeKind.JobDeleted, record.Job.Pipeline.Value, id.Value));
        return true;
    }

    /// <summary>A datum was processed, with or without success. Its result, if it has one, belongs into the same transaction.</summary>
    public void PutDatum(JobId job, DatumRecord datum)
    {
        ArgumentNullException.ThrowIfNull(datum);
        writer.PutRow(RowSpace.Datums, new RowKey().Text(job.Value).Ascending(datum.Index).ToArray(), RecordCodec.Encode(datum));
    }

    /// <summary>Keeps a result under a tag.</summary>
    public void PutResult(DatumTag tag, ResultRecord result)
    {
        ArgumentNullException.ThrowIfNull(result);
        Span<byte> key = stackalloc byte[ChunkId.Length + sizeof(ushort)];
        writer.PutRow(RowSpace.Results, key[..RowKey.Tag(tag, key)], RecordCodec.Encode(result));
    }

    /// <summary>Forgets a result, if it is there.</summary>
    public void DeleteResult(DatumTag tag)
    {
        Span<byte> key = stackalloc byte[ChunkId.Length + sizeof(ushort)];
        writer.DeleteRow(RowSpace.Results, key[..RowKey.Tag(tag, key)]);
    }

    /// <summary>
    /// A pipeline has considered a commit, which never arrives again: keeps it while it waits, forgets what is in no later set, and notes
    /// how
    /// far the feed is read. The job of the set that was found, if any, belongs into the same transaction, so that every commit triggers
    /// exactly once.
    /// </summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="commit">The commit.</param>
    /// <param name="arrival">What follows from it.</param>
    /// <param name="change">The change of the feed that told of it.</param>
    public void Arrive(PipelineName pipeline, CommitRef commit, CommitArrival arrival, long change)
    {
        ArgumentNullException.ThrowIfNull(arrival);
        if (arrival.IsWaiting)
        {
            PutWaiting(pipeline, commit);
        }
        foreach (IGrouping<string, CommitRef> dropped in arrival.Dropped.Select(static dropped => dropped.Commit)
            .GroupBy(static dropped => dropped.Repo, StringComparer.Ordinal))
        {
            // They are the oldest of their repo, but for those between them that can be in no set at present.
            byte[] prefix = new RowKey().Text(pipeline.Value).Text(dropped.Key).ToArray();
            HashSet<CommitRef> gone = [.. dropped];
            List<byte[]> keys = [];
            foreach (StoredRow row in Rows(RowSpace.Waiting, prefix))
            {
                keys.Add(row.Key.ToArray());
                if (gone.Remove(Waiting(pipeline, row)) && gone.Count == 0)
                {
                    break;
                }
            }
            keys.ForEach(key => writer.DeleteRow(RowSpace.Waiting, key));
        }
        PutArrived(pipeline, commit);
        PutCursor(pipeline, change);
    }

    /// <summary>A pipeline has read the feed up to and with a change.</summary>
    public void PutCursor(PipelineName pipeline, long change) =>
        writer.PutRow(RowSpace.Cursors, Bytes(pipeline.Value), new RowKey().Ascending(change).ToArray());

    /// <summary>Appends pieces to the log of a job: some lines each, encoded by the caller.</summary>
    public void AppendLog(PipelineName pipeline, JobId job, IReadOnlyCollection<ReadOnlyMemory<byte>> pieces)
    {
        ArgumentNullException.ThrowIfNull(pieces);
        foreach (ReadOnlyMemory<byte> piece in pieces)
        {
            writer.PutRow(RowSpace.Logs, LogKey(pipeline, job).Ascending(writer.TakeRevision()).ToArray(), piece.Span);
        }
        if (pieces.Count > 0)
        {
            writer.AddChange(new Change(0, ChangeKind.LogAppended, pipeline.Value, job.Value));
        }
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] InputKey(Job job) => new RowKey().Text(job.Pipeline.Value).Input(job.Input).Text(job.Id.Value).ToArray();

    private static byte[] QueueKey(JobRecord record) => new RowKey().Text(record.Job.Pipeline.Value).Ascending(record.Queued).ToArray();

    private void DeleteRevisions(JobRecord record)
    {
        writer.DeleteRow(RowSpace.JobsByRevision, new RowKey().Text("").Descending(record.Revision).ToArray());
        writer.DeleteRow(RowSpace.JobsByRevision, new RowKey().Text(record.Job.Pipeline.Value).Descending(record.Revision).ToArray());
    }

    private void DeleteAll(int space, byte[] prefix)
    {
        while (writer.ListRows(space, prefix, null, Page) is { Count: > 0 } page)
        {
            foreach (StoredRow row in page)
            {
                writer.DeleteRow(space, row.Key.Span);
            }
        }
    }
}
