using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Outputs;
using Pachyderm.Pps.Records;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Scheduling;

/// <summary>The output of a job.</summary>
/// <param name="Tree">Its tree; null if it is empty.</param>
/// <param name="IsDisjoint">Whether the datums wrote to disjoint paths.</param>
internal sealed record JobOutput(DirectoryReference? Tree, bool IsDisjoint);

/// <summary>
/// Puts the outputs of the datums of a job together: from the output of the parent job for the cost of the change, or anew.
/// </summary>
internal sealed class OutputAssembler(SchedulerOptions options, StoredTrees trees, RunDatums datums)
{
    private const int Page = 500;
    private const int WritesTogether = 10_000;
    private static readonly int ReadAhead = Math.Clamp(Environment.ProcessorCount, 2, 8);

    /// <summary>Puts the output together. It is durable when the writer was flushed.</summary>
    /// <exception cref="PpsException">The outputs of two datums do not fit together.</exception>
    public async Task<JobOutput> AssembleAsync(Job job, IChunkWriter writer, CancellationToken cancellationToken)
    {
        JobOutput output = await TryChangeAsync(job, writer, cancellationToken) ?? await MergeAsync(writer, cancellationToken);
        return output.Tree is { } tree && tree.Node == TreeReader.EmptyDirectory.Node ? output with { Tree = null } : output;
    }

    /// <summary>Changes the output of the parent job; null if that cannot be done, or is not worth it.</summary>
    private async Task<JobOutput?> TryChangeAsync(Job job, IChunkWriter writer, CancellationToken cancellationToken)
    {
        if (await FindParentAsync(job, cancellationToken) is not { OutputCommit: { } commit } parent)
        {
            return null;
        }
        DatumChange? change;
        CommitInfo output;
        try
        {
            change = await DatumChange.FindAsync(
                datums.Identity, parent.Input, datums.Set, new CommitDatumSource(options.Files.Reader), datums.Set.Count / 2, cancellationToken);
            CommitName name = new(new RepoName(commit.Repo), new CommitId(commit.Id));
            output = await options.Files.Commits.InspectAsync(new CommitReference(name), cancellationToken);
        }
        catch (PfsException exception) when (exception.Kind == PfsErrorKind.NotFound)
        {
            // The repo was created anew since: what the parent read or wrote is gone.
            return null;
        }
        if (change is null)
        {
            return null;
        }
        List<OutputEntry>? removed = await ReadEntriesAsync(change.Gone, cancellationToken);
        List<OutputEntry>? added = await ReadEntriesAsync(change.New, cancellationToken);
        if (removed is null || added is null)
        {
            return null;
        }
        IReadOnlyList<TreeWrite>? writes = await OutputChange.PlanAsync(
            removed, added, async (path, token) => (await trees.Reader.FindAsync(output.Tree, path, token)).Entry, cancellationToken);
        return writes is null ? null
            : writes.Count == 0 ? new JobOutput(output.Tree, IsDisjoint: true)
            : new JobOutput(await trees.ApplyAsync(output.Tree, writes, writer, cancellationToken), IsDisjoint: true);
    }

    private async Task<Job?> FindParentAsync(Job job, CancellationToken cancellationToken)
    {
        if (job.Parent is not { } id)
        {
            return null;
        }
        Job? parent = await options.Metadata.ReadAsync(reader => new PpsReader(reader).FindJob(id)?.Job, cancellationToken);
        return parent is { State: JobState.Success, IsOutputDisjoint: true }
            && parent.Pipeline == job.Pipeline && parent.Salt == job.Salt ? parent : null;
    }

    private async Task<JobOutput> MergeAsync(IChunkWriter writer, CancellationToken cancellationToken)
    {
        OutputMerge merge = new();
        DirectoryReference? root = null;
        List<TreeWrite> writes = [];
        int count = datums.Set.Count;
        for (int start = 0; start < count; start += Page)
        {
            int[] places = [.. Enumerable.Range(start, Math.Min(Page, count - start))];
            DirectoryReference?[] results = await FindResultsAsync(places, cancellationToken);
            Task<List<OutputEntry>>[] ahead = new Task<List<OutputEntry>>[places.Length];
            try
            {
                for (int i = 0; i < places.Length; i++)
                {
                    for (int next = i; next < Math.Min(places.Length, i + ReadAhead); next++)
                    {
                        ahead[next] ??= ReadAsync(Result(results, places, next), cancellationToken);
                    }
                    writes.AddRange(merge.Add(places[i], await ahead[i]));
                    if (count == 1)
                    {
                        // The output of the only datum is that of the job.
                        return new JobOutput(results[0], merge.IsDisjoint);
                    }
                    if (writes.Count >= WritesTogether)
                    {
                        root = await trees.ApplyAsync(root, writes, writer, cancellationToken);
                        writes.Clear();
                    }
                }
            }
            finally
            {
                await ((Task)Task.WhenAll(ahead.Where(static task => task is not null)))
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        if (writes.Count > 0)
        {
            root = await trees.ApplyAsync(root, writes, writer, cancellationToken);
        }
        return new JobOutput(root, merge.IsDisjoint);
    }

    private DirectoryReference Result(DirectoryReference?[] results, int[] places, int index) =>
        results[index] ?? throw new InvalidOperationException($"The result of datum {datums.TagOf(datums.Set[places[index]])} is gone.");

    private async Task<List<OutputEntry>> ReadAsync(DirectoryReference root, CancellationToken cancellationToken)
    {
        List<OutputEntry> entries = [];
        IAsyncEnumerable<TreeEntry> walk = trees.Reader.WalkAsync(TreeReader.RootEntry(root), cancellationToken);
        await foreach (OutputEntry entry in OutputEntry.FromTreeAsync(walk, cancellationToken))
        {
            entries.Add(entry);
        }
        return entries;
    }

    /// <summary>What some datums wrote; null if a result is gone.</summary>
    private async Task<List<OutputEntry>?> ReadEntriesAsync(IReadOnlyList<DatumTag> tags, CancellationToken cancellationToken)
    {
        List<OutputEntry> entries = [];
        foreach (DatumTag[] page in tags.Chunk(Page))
        {
            foreach (DirectoryReference? result in await FindResultsAsync(page, cancellationToken))
            {
                if (result is not { } tree)
                {
                    return null;
                }
                entries.AddRange(await ReadAsync(tree, cancellationToken));
            }
        }
        return entries;
    }

    private Task<DirectoryReference?[]> FindResultsAsync(int[] places, CancellationToken cancellationToken)
    {
        DatumTag[] tags = new DatumTag[places.Length];
        DatumPart[] parts = new DatumPart[datums.Set.MaxParts];
        for (int i = 0; i < places.Length; i++)
        {
            tags[i] = datums.Identity.TagOf(parts.AsSpan(0, datums.Set.GetParts(places[i], parts)));
        }
        return FindResultsAsync(tags, cancellationToken);
    }

    private Task<DirectoryReference?[]> FindResultsAsync(DatumTag[] tags, CancellationToken cancellationToken) => options.Metadata.ReadAsync(
        reader =>
        {
            PpsReader records = new(reader);
            return Array.ConvertAll(tags, tag => records.FindResult(tag) is { } result
                ? DirectoryReferenceCodec.Decode(result.Output.Span)
                : (DirectoryReference?)null);
        },
        cancellationToken);
}
