using System.Runtime.CompilerServices;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Outputs;
using Pachyderm.Pps.Records;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Scheduling;

/// <summary>What single datums wrote. Safe for concurrent use.</summary>
internal sealed class DatumOutputs(SchedulerOptions options)
{
    private const int PageLength = 500;

    private readonly TreeReader trees = new(options.Chunks, new NodeCache());

    /// <summary>The outputs of datums of a job, in the given order.</summary>
    /// <returns>Each datum with its output; null if its result was forgotten.</returns>
    public async IAsyncEnumerable<(Datum Datum, DirectoryReference? Output)> ListAsync(
        DatumStates job, IEnumerable<int> places, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (int[] page in places.Chunk(PageLength))
        {
            Datum[] datums = [.. page.Select(place => job.Datums[place])];
            DatumTag[] tags = [.. datums.Select(job.TagOf)];
            DirectoryReference?[] outputs = await options.Metadata.ReadAsync(
                reader =>
                {
                    PpsReader records = new(reader);
                    return tags.Select(tag => Decode(records.FindResult(tag))).ToArray();
                },
                cancellationToken);
            for (int i = 0; i < page.Length; i++)
            {
                yield return (datums[i], outputs[i]);
            }
        }
    }

    /// <summary>Those of some paths that an output has.</summary>
    public async Task<IReadOnlyList<TreePath>> FindAsync(
        DirectoryReference output, IReadOnlySet<TreePath> paths, CancellationToken cancellationToken)
    {
        const int Few = 16;
        List<TreePath> found = [];
        if (paths.Count <= Few)
        {
            foreach (TreePath path in paths)
            {
                if ((await trees.FindAsync(output, path, cancellationToken)).Entry is not null)
                {
                    found.Add(path);
                }
            }
            return found;
        }
        await foreach (TreeEntry entry in trees.WalkAsync(TreeReader.RootEntry(output), cancellationToken))
        {
            if (paths.Contains(entry.Path))
            {
                found.Add(entry.Path);
            }
        }
        return found;
    }

    /// <summary>The files of an output, and its empty directories.</summary>
    public async Task<IReadOnlyList<TreePath>> ListPathsAsync(DirectoryReference output, CancellationToken cancellationToken) =>
        await OutputEntry.FromTreeAsync(trees.WalkAsync(TreeReader.RootEntry(output), cancellationToken), cancellationToken)
            .Select(static entry => entry.Path)
            .ToListAsync(cancellationToken);

    private static DirectoryReference? Decode(ResultRecord? result) =>
        result is null ? null : DirectoryReferenceCodec.Decode(result.Output.Span);
}
