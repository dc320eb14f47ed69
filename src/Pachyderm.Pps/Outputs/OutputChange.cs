using Pachyderm.Storage.Trees;

namespace Pachyderm.Pps.Outputs;

/// <summary>
/// Makes the output of a job from that of an earlier one whose datums wrote to disjoint paths (<see cref="OutputMerge.IsDisjoint"/>):
/// removes what the datums wrote that are gone, and adds what the new ones wrote. The result is the tree that <see cref="OutputMerge"/>
/// gives, for the cost of the change.
/// </summary>
public static class OutputChange
{
    /// <summary>The writes that change the output.</summary>
    /// <param name="removed">What the datums wrote that are gone.</param>
    /// <param name="added">What the new datums wrote, each path once.</param>
    /// <param name="findAsync">Finds what is at a path of the earlier output.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <returns>Null if the outputs do not stay disjoint: then all must be put together anew.</returns>
    public static async Task<IReadOnlyList<TreeWrite>?> PlanAsync(
        IEnumerable<OutputEntry> removed,
        IEnumerable<OutputEntry> added,
        Func<TreePath, CancellationToken, ValueTask<TreeEntry?>> findAsync,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(removed);
        ArgumentNullException.ThrowIfNull(added);
        ArgumentNullException.ThrowIfNull(findAsync);
        HashSet<TreePath> gone = [];
        Dictionary<TreePath, long> goneBelow = [];
        foreach (OutputEntry entry in removed)
        {
            if (entry.File is null || !gone.Add(entry.Path))
            {
                return null;
            }
            for (TreePath above = entry.Path; !above.IsRoot;)
            {
                above = above.Parent;
                goneBelow[above] = goneBelow.GetValueOrDefault(above) + 1;
            }
        }
        HashSet<TreePath> emptied = await FindEmptiedAsync(goneBelow, findAsync, cancellationToken);
        List<TreeWrite> puts = [];
        HashSet<TreePath> put = [];
        foreach (OutputEntry entry in added)
        {
            if (entry.File is null || !put.Add(entry.Path) || !await IsFreeAsync(entry.Path))
            {
                return null;
            }
            puts.Add(entry.ToWrite());
        }
        if (put.Any(path => Above(path).Any(put.Contains)))
        {
            return null;
        }

        // A directory goes with its last file, as it came with its first.
        IEnumerable<TreeWrite> deletes = emptied.Concat(gone)
            .Where(path => !emptied.Contains(path.Parent) || path.IsRoot)
            .Select(static path => new DeletePath(path));
        return [.. deletes, .. puts];

        // Nothing may be at the path, and no file at those above, but what is removed.
        async ValueTask<bool> IsFreeAsync(TreePath path)
        {
            TreeEntry? there = await findAsync(path, cancellationToken);
            if (there is not null && !(there.IsDirectory ? emptied : gone).Contains(path))
            {
                return false;
            }
            foreach (TreePath above in Above(path))
            {
                if (await findAsync(above, cancellationToken) is { } entry)
                {
                    return entry.IsDirectory || gone.Contains(above);
                }
            }
            return true;
        }
    }

    private static IEnumerable<TreePath> Above(TreePath path)
    {
        for (TreePath above = path.Parent; !above.IsRoot; above = above.Parent)
        {
            yield return above;
        }
    }

    // Without empty directories in the output, a directory goes when as many files are removed as it has.
    private static async Task<HashSet<TreePath>> FindEmptiedAsync(
        Dictionary<TreePath, long> goneBelow,
        Func<TreePath, CancellationToken, ValueTask<TreeEntry?>> findAsync,
        CancellationToken cancellationToken)
    {
        HashSet<TreePath> emptied = [];
        foreach ((TreePath directory, long files) in goneBelow)
        {
            if (await findAsync(directory, cancellationToken) is { Directory: { } reference } && reference.Files == files)
            {
                emptied.Add(directory);
            }
        }
        return emptied;
    }
}
