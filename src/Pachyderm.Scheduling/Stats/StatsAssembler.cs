using System.Runtime.CompilerServices;
using System.Text;
using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Scheduling;

/// <summary>
/// Makes the tree of a job's stats commit: a directory for each datum by its identifier, and the file <c>/stats</c> with what those took
/// that were processed. A datum that was skipped has the statistics of the job that processed it, and the file <c>skipped</c>.
/// </summary>
internal sealed class StatsAssembler(SchedulerOptions options, StoredTrees trees, RunDatums datums)
{
    private const int Page = 500;

    /// <summary>Makes the tree. It is durable when the writer was flushed.</summary>
    public async Task<DirectoryReference> AssembleAsync(JobId job, IChunkWriter writer, CancellationToken cancellationToken)
    {
        HashSet<int> processed = [];
        List<ProcessStats> taken = [];
        await foreach (DatumRecord record in ListRecordsAsync(job, cancellationToken))
        {
            processed.Add(record.Index);
            if (!record.Failed)
            {
                taken.Add(record.Stats);
            }
        }
        TreeBuilder tree = new(writer);
        FileContent empty = await FileContents.WriteAsync(ReadOnlyMemory<byte>.Empty, writer, cancellationToken);
        foreach (Item[] page in ListItems(processed).Chunk(Page))
        {
            DirectoryReference?[] found = await FindAsync(page, cancellationToken);
            for (int i = 0; i < page.Length; i++)
            {
                TreePath place = PathOf($"/{page[i].Id}");
                if (!page[i].IsSkipped && found[i] is { } stats)
                {
                    await tree.AddStoredAsync(place, stats, cancellationToken);
                }
                else
                {
                    await AddSkippedAsync(tree, place, found[i], empty, cancellationToken);
                }
            }
        }
        byte[] all = StatsJson.Write(AggregateProcessStats.Of(taken));
        await tree.AddFileAsync(PathOf("/stats"), await FileContents.WriteAsync(all, writer, cancellationToken), cancellationToken);
        return await tree.FinishAsync(cancellationToken);
    }

    private async Task AddSkippedAsync(
        TreeBuilder tree, TreePath place, DirectoryReference? earlier, FileContent empty, CancellationToken cancellationToken)
    {
        TreePath mark = place.Child("skipped"u8);
        bool isMarked = false;
        await foreach (TreeEntry entry in trees.Reader.ListAsync(TreeReader.RootEntry(earlier), default, cancellationToken))
        {
            if (!isMarked && entry.Path.Name.Span.SequenceCompareTo("skipped"u8) > 0)
            {
                isMarked = true;
                await tree.AddFileAsync(mark, empty, cancellationToken);
            }
            TreePath path = place.Child(entry.Path.Name.Span);
            await (entry.File is { } file
                ? tree.AddFileAsync(path, file, cancellationToken)
                : tree.AddStoredAsync(path, entry.Directory!.Value, cancellationToken));
        }
        if (!isMarked)
        {
            await tree.AddFileAsync(mark, empty, cancellationToken);
        }
    }

    /// <summary>The datums in the order of their identifiers; of those that share one, a datum that was processed.</summary>
    private IEnumerable<Item> ListItems(HashSet<int> processed)
    {
        Item[] items = new Item[datums.Set.Count];
        DatumPart[] parts = new DatumPart[datums.Set.MaxParts];
        for (int i = 0; i < items.Length; i++)
        {
            ReadOnlySpan<DatumPart> own = parts.AsSpan(0, datums.Set.GetParts(i, parts));
            items[i] = new Item(DatumIdentity.IdOf(own), StatsTag.Of(datums.Identity.TagOf(own)), !processed.Contains(i));
        }
        Array.Sort(items, static (left, right) =>
            left.Id == right.Id ? left.IsSkipped.CompareTo(right.IsSkipped) : left.Id.CompareTo(right.Id));
        ChunkId? last = null;
        foreach (Item item in items)
        {
            if (item.Id != last)
            {
                yield return item;
            }
            last = item.Id;
        }
    }

    private Task<DirectoryReference?[]> FindAsync(Item[] items, CancellationToken cancellationToken) => options.Metadata.ReadAsync(
        reader =>
        {
            PpsReader records = new(reader);
            return Array.ConvertAll(items, item => records.FindResult(item.Tag) is { } result
                ? DirectoryReferenceCodec.Decode(result.Output.Span)
                : (DirectoryReference?)null);
        },
        cancellationToken);

    private async IAsyncEnumerable<DatumRecord> ListRecordsAsync(
        JobId job, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        const int Together = 1_000;
        for (int after = -1; ;)
        {
            int start = after;
            IReadOnlyList<DatumRecord> page = await options.Metadata.ReadAsync(
                reader => new PpsReader(reader).ListDatums(job, start, Together), cancellationToken);
            foreach (DatumRecord record in page)
            {
                yield return record;
            }
            if (page.Count < Together)
            {
                yield break;
            }
            after = page[^1].Index;
        }
    }

    private static TreePath PathOf(string path) => TreePath.FromBytes(Encoding.UTF8.GetBytes(path));

    private readonly record struct Item(ChunkId Id, DatumTag Tag, bool IsSkipped);
}
