using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.Metadata;
using Pachyderm.Pfs;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Scheduling;

/// <summary>
/// Takes results of 1.4 and 1.5 over: a tag names an object that is the hash tree of a datum's output, whose files name objects. Each
/// becomes
/// a tree of this release under the tag of this release; hashes of files and directories stay, so that later pipelines know them too.
/// </summary>
internal sealed class LegacyResults(SchedulerOptions options, StoredTrees trees, JobLedger ledger)
{
    private const int Together = 200;
    private const long MaxTreeBytes = 1L << 30;

    /// <summary>Takes over what the plan of a job uses.</summary>
    /// <param name="datums">The datums of the job.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="tagged">Tags of results that only the object API names.</param>
    /// <param name="cancellationToken">Ends it; what was taken over stays.</param>
    /// <returns>The places of the datums to be processed: those of the plan, and those whose old result cannot be used.</returns>
    public async Task<IReadOnlyList<int>> CarryAsync(
        RunDatums datums, JobPlan plan, IReadOnlySet<DatumTag> tagged, CancellationToken cancellationToken)
    {
        List<CarriedResult> carried = [.. plan.Carried];
        DatumPart[] parts = new DatumPart[datums.Set.MaxParts];
        HashSet<DatumTag> seen = [];
        for (int i = 0; i < datums.Set.Count && tagged.Count > 0; i++)
        {
            DatumTag tag = datums.Identity.TagOf(parts.AsSpan(0, datums.Set.GetParts(i, parts)));
            if (tagged.Contains(tag) && seen.Add(tag))
            {
                carried.Add(new CarriedResult(i, tag, tag));
            }
        }
        List<int> run = [.. plan.Run];
        foreach (CarriedResult[] page in carried.Chunk(Together))
        {
            using IChunkWriter writer = trees.Chunks.OpenWriter();
            List<(DatumTag Tag, DirectoryReference Tree)> results = [];
            foreach (CarriedResult result in page)
            {
                if (await TryConvertAsync(result.OldTag, writer, cancellationToken) is { } tree)
                {
                    results.Add((result.Tag, tree));
                }
                else
                {
                    run.Add(result.Index);
                }
            }
            await writer.FlushAsync(cancellationToken);
            await ledger.WriteAsync(
                (_, records, job) =>
                {
                    foreach ((DatumTag tag, DirectoryReference tree) in results)
                    {
                        records.PutResult(tag, new ResultRecord(job.Id, DirectoryReferenceCodec.Encode(tree)));
                    }
                    return job;
                },
                cancellationToken);
        }
        run.Sort();
        return run;
    }

    private async Task<DirectoryReference?> TryConvertAsync(DatumTag tag, IChunkWriter writer, CancellationToken cancellationToken)
    {
        try
        {
            return await ConvertAsync(tag, writer, cancellationToken);
        }
        catch (Exception exception) when (exception is OperatorException or PfsException or ArgumentException)
        {
            RunningLog.ResultUnusable(options.Logger, tag.ToString(), exception.Message);
            return null;
        }
    }

    private async Task<DirectoryReference> ConvertAsync(DatumTag tag, IChunkWriter writer, CancellationToken cancellationToken)
    {
        ObjectInfo info = await options.Files.Objects.InspectTagAsync(tag.ToString(), cancellationToken);
        string thing = $"object {info.Hash}";
        if (info.Size > MaxTreeBytes)
        {
            throw Damaged(thing, $"a tree of {info.Size} bytes is too large");
        }
        using MemoryStream bytes = new((int)info.Size);
        await foreach (ChunkBuffer piece in options.Files.Objects.ReadAsync([info.Hash], 0, null, cancellationToken))
        {
            using (piece)
            {
                bytes.Write(piece.Memory.Span);
            }
        }
        HashTree old = HashTree.Parse(bytes.GetBuffer().AsMemory(0, (int)bytes.Length), thing);
        TreeBuilder builder = new(writer);
        foreach (HashTreeNode node in old.Walk())
        {
            ChunkId hash = node.Hash.Length == ChunkId.Length ? new ChunkId(node.Hash.Span) : throw Damaged(thing, "a hash in it is none");
            TreePath path = TreePath.FromBytes(node.PathBytes.ToArray());
            if (node.IsDirectory)
            {
                await builder.AddDirectoryAsync(path, hash, cancellationToken);
                continue;
            }
            FileContent content = await ReadContentAsync(node.Objects, writer, cancellationToken);
            if (content.Size != node.SizeBytes)
            {
                throw Damaged(thing, $"the file {node.Path} has {content.Size} bytes instead of {node.SizeBytes}");
            }
            await builder.AddFileAsync(path, content with { Hash = hash }, cancellationToken);
        }
        return await builder.FinishAsync(cancellationToken);
    }

    private async Task<FileContent> ReadContentAsync(
        IReadOnlyList<string> objects, IChunkWriter writer, CancellationToken cancellationToken)
    {
        FileContent[] parts = await options.Metadata.ReadAsync(
            reader => objects.Select(name => Find(reader, name)).ToArray(), cancellationToken);
        return parts.Length == 1 ? parts[0] : await trees.Contents.ConcatAsync(parts, writer, cancellationToken);
    }

    private static FileContent Find(IMetadataReader reader, string name) => reader.FindObject(name) is { } record
        ? FileContentCodec.Decode(record.Content.Span)
        : throw Damaged($"object {name}", "it is missing");

    private static CorruptionException Damaged(string thing, string problem) =>
        new("legacy-result-damaged", thing, problem, "nothing: the datum is processed again");
}
