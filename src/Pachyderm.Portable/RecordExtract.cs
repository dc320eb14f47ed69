using System.Text.Json;
using Pachyderm.Metadata;
using Pachyderm.Pps;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Records;

namespace Pachyderm.Portable;

/// <summary>
/// Writes the records of a store that nobody changes. Lists come in the order in which they were written, so that whoever writes them
/// again in the order of the stream gets the same lists.
/// </summary>
/// <param name="records">The store.</param>
/// <param name="frames">Where to.</param>
/// <param name="pageLength">Records that are in memory at a time.</param>
internal sealed class RecordExtract(IMetadataStore records, FrameWriter frames, int pageLength)
{
    public async Task WriteAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<RepoRecord> repos = await records.ReadAsync(static reader => reader.ListRepos(), cancellationToken);
        foreach (RepoRecord repo in repos.Reverse())
        {
            await frames.WriteAsync(
                FrameKind.Repo,
                new RepoDocument
                {
                    Name = repo.Name,
                    Created = repo.Created.UtcTicks,
                    Description = repo.Description,
                    Size = repo.SizeBytes,
                    Provenance = [.. repo.Provenance],
                },
                StreamJson.Default.RepoDocument,
                cancellationToken);
        }

        foreach (RepoRecord repo in repos.Reverse())
        {
            await WriteCommitsAsync(repo.Name, cancellationToken);
            foreach (BranchRecord branch in (await records.ReadAsync(reader => reader.ListBranches(repo.Name),
                cancellationToken)).Reverse())
            {
                await frames.WriteAsync(
                    FrameKind.Branch, new BranchDocument(branch.Repo, branch.Name, branch.Head), StreamJson.Default.BranchDocument,
                        cancellationToken);
            }
        }

        await WriteObjectsAsync(cancellationToken);
        await WritePipelinesAsync(cancellationToken);
    }

    private async Task WriteCommitsAsync(string repo, CancellationToken cancellationToken)
    {
        await foreach (CommitRecord commit in ReadForwardAsync(
            (before, limit) => records.ReadAsync(reader => reader.ListCommits(repo, before, limit), cancellationToken),
            static commit => commit.Revision))
        {
            await frames.WriteAsync(
                FrameKind.Commit,
                new CommitDocument
                {
                    Repo = repo,
                    Id = commit.Key.Id,
                    Parent = commit.Parent,
                    Started = commit.Started.UtcTicks,
                    Finished = commit.Finished?.UtcTicks,
                    Size = commit.SizeBytes,
                    Tree = commit.Tree?.ToArray(),
                    Provenance = [.. commit.Provenance.SelectMany(static key => (string[])[key.Repo, key.Id])],
                },
                StreamJson.Default.CommitDocument,
                cancellationToken);
            if (commit.IsOpen)
            {
                await WritePendingAsync(commit.Key, cancellationToken);
            }
        }
    }

    private async Task WritePendingAsync(CommitKey commit, CancellationToken cancellationToken)
    {
        for (long after = 0; ;)
        {
            long start = after;
            IReadOnlyList<PendingWrite> page = await records.ReadAsync(
                reader => reader.ListPendingWrites(commit, start, pageLength), cancellationToken);
            foreach (PendingWrite write in page)
            {
                await frames.WriteAsync(
                    FrameKind.Write, new WriteDocument(commit.Repo, commit.Id, write.Payload.ToArray()), StreamJson.Default.WriteDocument,
                        cancellationToken);
            }

            if (page.Count < pageLength)
            {
                return;
            }

            after = page[^1].Sequence;
        }
    }

    private async Task WriteObjectsAsync(CancellationToken cancellationToken)
    {
        await foreach (ObjectRecord item in PagesAsync<string, ObjectRecord>(
            (after, limit) => records.ReadAsync(reader => reader.ListObjects(after, limit), cancellationToken), static item => item.Hash))
        {
            await frames.WriteAsync(
                FrameKind.Object,
                new ObjectDocument(item.Hash, item.SizeBytes, item.Content.ToArray(), item.Created.UtcTicks),
                StreamJson.Default.ObjectDocument, cancellationToken);
        }

        await foreach (TagRecord tag in PagesAsync<string, TagRecord>(
            (after, limit) => records.ReadAsync(reader => reader.ListTags("", after, limit), cancellationToken), static tag => tag.Name))
        {
            await frames.WriteAsync(FrameKind.Tag, new TagDocument(tag.Name, tag.ObjectHash), StreamJson.Default.TagDocument,
                cancellationToken);
        }
    }

    private async Task WritePipelinesAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<PipelineRecord> pipelines = await records.ReadAsync(static reader => new PpsReader(reader).ListPipelines(),
            cancellationToken);
        foreach (PipelineName name in pipelines.Select(static record => record.Pipeline.Name))
        {
            foreach (JobRecord job in await records.ReadAsync(reader => new PpsReader(reader).ListQueue(name), cancellationToken))
            {
                await frames.WriteBytesAsync(FrameKind.QueuedJob, RecordBytes.Of(job), default, cancellationToken);
            }
        }

        await foreach (JobRecord job in ReadForwardAsync(
            (before, limit) => records.ReadAsync(reader => new PpsReader(reader).ListJobs(null, before, limit), cancellationToken),
            static job => job.Revision))
        {
            await frames.WriteBytesAsync(FrameKind.Job, RecordBytes.Of(job), default, cancellationToken);
            await WriteJobAsync(job.Job.Pipeline, job.Job.Id, cancellationToken);
        }

        await foreach ((DatumTag tag, ResultRecord result) in PagesAsync<DatumTag?, KeyValuePair<DatumTag, ResultRecord>>(
            (after, limit) => records.ReadAsync(reader => new PpsReader(reader).ListResults(after, limit), cancellationToken),
                static pair => pair.Key))
        {
            await frames.WriteAsync(
                FrameKind.Result, new ResultDocument(tag.ToString(), result.Job.Value, result.Output.ToArray()),
                    StreamJson.Default.ResultDocument, cancellationToken);
        }

        foreach (PipelineRecord pipeline in pipelines.Reverse())
        {
            await frames.WriteBytesAsync(FrameKind.Pipeline, RecordBytes.Of(pipeline), default, cancellationToken);
            await WriteArrivalsAsync(pipeline.Pipeline.Name, cancellationToken);
        }
    }

    private async Task WriteJobAsync(PipelineName pipeline, JobId job, CancellationToken cancellationToken)
    {
        await foreach (DatumRecord datum in PagesAsync<int?, DatumRecord>(
            (after, limit) => records.ReadAsync(reader => new PpsReader(reader).ListDatums(job, after ?? -1, limit), cancellationToken),
                static datum => datum.Index))
        {
            using JsonDocument json = JsonDocument.Parse(RecordBytes.Of(datum));
            await frames.WriteAsync(
                FrameKind.Datum, new DatumDocument(job.Value, datum.Index, json.RootElement), StreamJson.Default.DatumDocument,
                    cancellationToken);
        }

        await foreach ((_, ReadOnlyMemory<byte> piece) in PagesAsync<long?, KeyValuePair<long, ReadOnlyMemory<byte>>>(
            (after, limit) => records.ReadAsync(
                reader => new PpsReader(reader).ListLogs(pipeline, job, after ?? 0, limit), cancellationToken),
            static piece => piece.Key))
        {
            await frames.WriteAsync(
                FrameKind.Log, new LogDocument(pipeline.Value, job.Value, piece.ToArray()), StreamJson.Default.LogDocument,
                    cancellationToken);
        }
    }

    private async Task WriteArrivalsAsync(PipelineName pipeline, CancellationToken cancellationToken)
    {
        await foreach (CommitRef commit in PagesAsync<CommitRef?, CommitRef>(
            (after, limit) => records.ReadAsync(reader => new PpsReader(reader).ListArrived(pipeline, after, limit), cancellationToken),
                static commit => commit))
        {
            await WriteArrivalAsync(FrameKind.Arrived, commit);
        }

        foreach (CommitRef commit in await records.ReadAsync(reader => new PpsReader(reader).ListWaiting(pipeline), cancellationToken))
        {
            await WriteArrivalAsync(FrameKind.Waiting, commit);
        }

        Task WriteArrivalAsync(FrameKind kind, CommitRef commit) => frames.WriteAsync(
            kind, new ArrivalDocument(pipeline.Value, commit.Repo, commit.Id), StreamJson.Default.ArrivalDocument, cancellationToken);
    }

    private async IAsyncEnumerable<T> PagesAsync<TKey, T>(Func<TKey?, int, Task<IReadOnlyList<T>>> read, Func<T, TKey> keyOf)
    {
        for (TKey? after = default; ;)
        {
            IReadOnlyList<T> page = await read(after, pageLength);
            foreach (T item in page)
            {
                yield return item;
            }

            if (page.Count < pageLength)
            {
                yield break;
            }

            after = keyOf(page[^1]);
        }
    }

    // Lists are read last first. The first pass keeps where each page begins, and no more; the second reads the pages from the last to the
    // first.
    private async IAsyncEnumerable<T> ReadForwardAsync<T>(Func<long?, int, Task<IReadOnlyList<T>>> read, Func<T, long> revisionOf)
    {
        List<long?> starts = [];
        for (long? before = null; ;)
        {
            IReadOnlyList<T> page = await read(before, pageLength);
            starts.Add(before);
            if (page.Count < pageLength)
            {
                break;
            }

            before = revisionOf(page[^1]);
        }

        for (int i = starts.Count - 1; i >= 0; i--)
        {
            foreach (T item in (await read(starts[i], pageLength)).Reverse())
            {
                yield return item;
            }
        }
    }
}
