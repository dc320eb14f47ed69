using System.Runtime.CompilerServices;
using Pachyderm.Errors;
using Pachyderm.Formats.Content;

namespace Pachyderm.Backup;

/// <summary>From the trees of commits, and from tags, to every object that they need.</summary>
public static class TreeReferences
{
    /// <summary>
    /// Delivers each tree object and, if it exists, every object of every file in it. A tree that several commits share is walked once.
    /// Memory: one tree, and 16 bytes for each distinct tree.
    /// </summary>
    /// <param name="store">The content.</param>
    /// <param name="trees">The tree objects, with what references them.</param>
    /// <param name="cancellationToken">Ends the walk.</param>
    /// <exception cref="CorruptionException"><c>object-damaged</c>, <c>hashtree-damaged</c>: a tree cannot be read.</exception>
    public static async IAsyncEnumerable<ObjectReference> WalkAsync(
        LegacyContentStore store,
        IAsyncEnumerable<ObjectReference> trees,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(trees);
        HashSet<UInt128> walked = [];
        await foreach (ObjectReference tree in trees.WithCancellation(cancellationToken))
        {
            yield return tree;
            if (!await store.ObjectExistsAsync(tree.ObjectHash, cancellationToken) || !walked.Add(Shorten(tree.ObjectHash)))
            {
                continue;
            }

            HashTree content = await store.ReadHashTreeAsync(tree.ObjectHash, cancellationToken);
            foreach (HashTreeNode file in content.Walk())
            {
                foreach (string hash in file.Objects)
                {
                    yield return new ObjectReference(hash, $"{tree.ReferencedBy}:{file.Path}");
                }
            }
        }
    }

    /// <summary>Delivers what each tag names, for a check of every tag.</summary>
    /// <param name="store">The content.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="CorruptionException"><c>tag-damaged</c>, <c>index-damaged</c>.</exception>
    public static async IAsyncEnumerable<ObjectReference> TagsAsync(
        LegacyContentStore store, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        await foreach (ContentTag tag in store.ListTagsAsync("", cancellationToken))
        {
            yield return new ObjectReference(tag.ObjectHash, $"tag {tag.Name}");
        }
    }

    private static UInt128 Shorten(string hash) =>
        UInt128.Parse(
            hash.AsSpan(0, 32), System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture);
}
