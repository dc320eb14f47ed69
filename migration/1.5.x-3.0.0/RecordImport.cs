using System.Runtime.CompilerServices;
using System.Text;
using Google.Protobuf;
using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.Metadata;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Survey;
using Pachyderm.Pfs;
using Pachyderm.Pps.Records;
using Pachyderm.Scheduling;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;
using Old = Pachyderm.Formats.V1_5;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>
/// Writes the records of the source into the metadata store, each kind in the order in which its records were last written, which is that
/// of
/// lists. Batch by batch, each in one transaction with a note of how far the kind has come; killed anywhere, the next run goes on behind
/// it.
/// </summary>
/// <param name="source">The source.</param>
/// <param name="stores">The new stores.</param>
/// <param name="objects">Makes contents of objects.</param>
/// <param name="observer">Is told of each record.</param>
internal sealed class RecordImport(SourceCluster source, DataStores stores, ObjectImport objects, IMigrationObserver observer)
{
    private const int BatchRecords = 1_000;
    private const int BatchCommits = 100;
    private const int BatchTags = 5_000;
    private const int BatchHistories = 1;

    private readonly TreeImport trees = new(stores.Metadata, objects);
    private readonly TreesAhead ahead = new(source.Content);

    /// <summary>Imports everything that is not imported yet.</summary>
    /// <param name="damage">Is told of commits whose content cannot be had; if there are any, it stops at the first of them.</param>
    /// <param name="cancellationToken">Stops; what is done stays done.</param>
    public async Task RunAsync(FindingList damage, CancellationToken cancellationToken)
    {
        await ImportAsync(
            "repos", BatchRecords, source.ReposAsync(cancellationToken),
            (writer, record) => writer.PutRepo(PfsMapping.Repo(record.Value)), cancellationToken);
        await ImportCommitsAsync(damage, cancellationToken);
        if (damage.Details.Count > 0)
        {
            return;
        }
        await ImportAsync("parents", BatchRecords, source.CommitsAsync(cancellationToken), PutParentTree, cancellationToken);
        await ImportAsync("writes", BatchRecords, source.WritesAsync(cancellationToken), PutWrite, cancellationToken);
        await ImportAsync("branches", BatchRecords, source.BranchesAsync(cancellationToken), PutBranch, cancellationToken);
        await ImportAsync("tags", BatchTags, TagsAsync(cancellationToken), PutTag, cancellationToken);
        await ImportAsync(
            "jobs", BatchRecords, source.JobsAsync(cancellationToken),
            (writer, record) => new PpsWriter(writer).PutJob(PpsMapping.Job(record.Value)), cancellationToken);
        // Behind the jobs, which would count themselves a second time with the pipelines that are there.
        await ImportAsync(
            "pipelines", BatchRecords, source.PipelinesAsync(cancellationToken),
            (writer, record) => new PpsWriter(writer).PutPipeline(PpsMapping.Pipeline(record.Value)), cancellationToken);
        await ImportAsync(
            "histories", BatchHistories, source.PipelinesAsync(cancellationToken),
            (writer, record) => PipelineHistory.Settle(writer, PpsMapping.Pipeline(record.Value)), cancellationToken);
    }

    /// <summary>Looks whether everything has a place in this release, and writes nothing.</summary>
    public static async Task ExamineAsync(SourceCluster source, FindingList findings, CancellationToken cancellationToken)
    {
        await TryAllAsync(source.ReposAsync(cancellationToken), static record => PfsMapping.Repo(record.Value), findings);
        await TryAllAsync(source.CommitsAsync(cancellationToken), static record => PfsMapping.Commit(record.Value), findings);
        await TryAllAsync(source.BranchesAsync(cancellationToken), record => BranchOf(source, record), findings);
        await TryAllAsync(source.PipelinesAsync(cancellationToken), static record => PpsMapping.Pipeline(record.Value), findings);
        await TryAllAsync(source.JobsAsync(cancellationToken), static record => PpsMapping.Job(record.Value), findings);
    }

    private static async Task TryAllAsync<T>(IAsyncEnumerable<SourceRecord<T>> records, Func<SourceRecord<T>, object> map, FindingList findings)
    {
        await foreach (SourceRecord<T> record in records)
        {
            try
            {
                map(record);
            }
            catch (UnmappableRecordException exception)
            {
                findings.Add(new Finding(
                    "unmappable-record", FindingSeverity.Blocker, KeyText.Show(record.Key.Span), exception.Message,
                    "correct it in the old cluster; this release has no place for it"));
            }
        }
    }

    private async Task ImportAsync<T>(
        string kind, int batchLength, IAsyncEnumerable<SourceRecord<T>> records, Action<IMetadataWriter, SourceRecord<T>> put,
        CancellationToken cancellationToken)
    {
        long? done = await stores.Metadata.ReadAsync(reader => ImportProgress.Read(reader, kind), cancellationToken);
        if (done is null)
        {
            return;
        }
        List<SourceRecord<T>> batch = [];
        await foreach (SourceRecord<T> record in records)
        {
            if (record.Number <= done)
            {
                continue;
            }
            batch.Add(record);
            if (batch.Count == batchLength)
            {
                await WriteAsync(record.Number);
            }
        }
        await WriteAsync(null);

        async Task WriteAsync(long? reached)
        {
            SourceRecord<T>[] written = [.. batch];
            batch.Clear();
            await stores.Metadata.WriteAsync(
                writer =>
                {
                    foreach (SourceRecord<T> record in written)
                    {
                        put(writer, record);
                    }
                    ImportProgress.Write(writer, kind, reached);
                    return true;
                },
                cancellationToken);
            FaultPoints.Reach($"import.{kind}-written");
            observer.Advanced(written.Length);
        }
    }

    private async Task ImportCommitsAsync(FindingList damage, CancellationToken cancellationToken)
    {
        const string Kind = "commits";
        long? done = await stores.Metadata.ReadAsync(reader => ImportProgress.Read(reader, Kind), cancellationToken);
        if (done is null)
        {
            return;
        }
        IAsyncEnumerable<SourceRecord<Old.CommitInfo>> left = source.CommitsAsync(cancellationToken).Where(record => record.Number > done);
        IChunkWriter chunks = stores.Chunks.OpenWriter();
        List<(CommitRecord Commit, SourceRoot? Root)> commits = [];
        try
        {
            await foreach (
                (SourceRecord<Old.CommitInfo> record, Task<CompactHashTree>? tree) in ahead.ReadAsync(left, HasTree, cancellationToken))
            {
                if (await TryBuildAsync(record, tree, chunks, damage, cancellationToken) is { } built)
                {
                    commits.Add(built);
                }
                observer.Advanced(1);
                if (commits.Count == BatchCommits)
                {
                    await WriteAsync(record.Number);
                }
            }
            await WriteAsync(null);
        }
        finally
        {
            chunks.Dispose();
        }

        async Task WriteAsync(long? reached)
        {
            if (damage.Details.Count > 0)
            {
                // Nothing more is written, so that the next run begins here; the rest is looked through, to tell everything at once.
                commits.Clear();
                return;
            }
            await chunks.FlushAsync(cancellationToken);
            FaultPoints.Reach("import.commits-flushed");
            await stores.Metadata.WriteAsync(
                writer =>
                {
                    foreach ((CommitRecord commit, SourceRoot? root) in commits)
                    {
                        writer.PutCommit(commit);
                        if (root is { } known)
                        {
                            ImportProgress.PutRoot(writer, commit.Key, known);
                        }
                    }
                    ImportProgress.Write(writer, Kind, reached);
                    return true;
                },
                cancellationToken);
            FaultPoints.Reach("import.commits-written");
            commits.Clear();
            // What is written is held by the records from here on.
            chunks.Dispose();
            chunks = stores.Chunks.OpenWriter();
        }
    }

    private static bool HasTree(SourceRecord<Old.CommitInfo> record) => record.Value is { Finished: not null, Tree: not null };

    private async Task<(CommitRecord Commit, SourceRoot? Root)?> TryBuildAsync(
        SourceRecord<Old.CommitInfo> record, Task<CompactHashTree>? tree, IChunkWriter chunks, FindingList damage,
        CancellationToken cancellationToken)
    {
        CommitRecord commit = PfsMapping.Commit(record.Value);
        if (tree is null)
        {
            return (commit, null);
        }
        try
        {
            (DirectoryReference made, SourceRoot root) = await trees.BuildAsync(
                await tree, record.Value.Tree.Hash.ToStringUtf8(), chunks, cancellationToken);
            return (commit with { Tree = DirectoryReferenceCodec.Encode(made) }, root);
        }
        catch (OperatorException exception) when (exception.Id is "object-missing" or "object-damaged" or "object-name-refused" or "hashtree-damaged" or "hashtree-version")
        {
            damage.Add(new Finding(
                exception.Id, FindingSeverity.Blocker, $"commit {commit.Key.Repo}/{commit.Key.Id}",
                $"{exception.Thing}: {exception.Problem}", exception.Remedy));
            return null;
        }
    }

    // An open commit begins with the tree of its parent; all commits are there by now, in whatever order they were written.
    private static void PutParentTree(IMetadataWriter writer, SourceRecord<Old.CommitInfo> record)
    {
        CommitRecord commit = PfsMapping.Commit(record.Value);
        if (commit is { IsOpen: true, Parent: { } parent })
        {
            writer.SetTree(commit.Key, writer.FindCommit(new CommitKey(commit.Key.Repo, parent))?.Tree);
        }
    }

    private void PutWrite(IMetadataWriter writer, SourceRecord<Old.PutFileRecords?> record)
    {
        Formats.RecordKey key = source.Parse(record.Key.Span);
        CommitKey commit = new(Encoding.UTF8.GetString(key.Repo), Encoding.UTF8.GetString(key.Id));
        // 1.4 took writes into finished commits, and lost them.
        if (writer.FindCommit(commit) is { IsOpen: true })
        {
            TreePath path = key.Path.IsEmpty ? TreePath.Root : TreePath.FromBytes((byte[])[(byte)'/', .. key.Path]);
            writer.AddPendingWrite(commit, PendingWriteCodec.Encode(WriteOf(writer, record, path)));
        }
    }

    private static TreeWrite WriteOf(IMetadataReader reader, SourceRecord<Old.PutFileRecords?> record, TreePath path)
    {
        if (record.Value is not { } put)
        {
            return new DeletePath(path);
        }
        FileContent[] contents = [.. put.Records.Select(part => FindObject(reader, part.ObjectHash, record))];
        return put.Split || contents.Length != 1
            ? new PutSplit(path, [.. contents], Overwrite: false)
            : new PutFile(path, contents[0], Overwrite: false);
    }

    private static FileContent FindObject(IMetadataReader reader, ByteString hash, SourceRecord<Old.PutFileRecords?> record) =>
        reader.FindObject(hash.ToStringUtf8()) is { } found
            ? FileContentCodec.Decode(found.Content.Span)
            : throw new OperatorException(
                "object-missing", $"object {hash.ToStringUtf8()}",
                $"it does not exist, and the open write {KeyText.Show(record.Key.Span)} names it",
                "restore the object from a backup of the object store, or delete the open commit in the old cluster");

    private void PutBranch(IMetadataWriter writer, SourceRecord<Old.Commit> record) => writer.PutBranch(BranchOf(source, record));

    internal static BranchRecord BranchOf(SourceCluster source, SourceRecord<Old.Commit> record)
    {
        Formats.RecordKey key = source.Parse(record.Key.Span);
        return PfsMapping.Branch(
            OldText.Of(ByteString.CopyFrom(key.Repo)), OldText.Of(ByteString.CopyFrom(key.Name)), record.Value);
    }

    // A tag whose object is gone names nothing.
    private static void PutTag(IMetadataWriter writer, SourceRecord<ContentTag> tag)
    {
        if (writer.FindObject(tag.Value.ObjectHash) is not null)
        {
            writer.PutTag(new TagRecord(tag.Value.Name, tag.Value.ObjectHash));
        }
    }

    private async IAsyncEnumerable<SourceRecord<ContentTag>> TagsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long number = 0;
        await foreach (ContentTag tag in source.Content.ListTagsAsync("", cancellationToken))
        {
            yield return new SourceRecord<ContentTag>(++number, default, tag);
        }
    }
}
