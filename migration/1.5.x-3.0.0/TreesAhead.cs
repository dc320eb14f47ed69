using System.Runtime.CompilerServices;
using Pachyderm.Formats.Content;
using Old = Pachyderm.Formats.V1_5;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>Reads the old trees of commits, and checks their hashes, ahead of who builds new ones and beside that.</summary>
/// <param name="content">Where they are.</param>
internal sealed class TreesAhead(LegacyContentStore content)
{
    // Beyond so many bytes one tree at a time is read.
    private const long MostBytes = 32 << 20;

    private const int MostCommits = 1_000;

    private static readonly int MostTrees = Environment.ProcessorCount + 1;

    /// <summary>Delivers commits in their order, each with the tree that is being read; null if it has none.</summary>
    /// <param name="commits">The commits.</param>
    /// <param name="isWanted">Whether the tree of a commit is needed.</param>
    /// <param name="cancellationToken">Stops.</param>
    public async IAsyncEnumerable<(SourceRecord<Old.CommitInfo> Record, Task<CompactHashTree>? Tree)> ReadAsync(
        IAsyncEnumerable<SourceRecord<Old.CommitInfo>> commits, Func<SourceRecord<Old.CommitInfo>, bool> isWanted,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Queue<(SourceRecord<Old.CommitInfo> Record, Task<CompactHashTree>? Tree, long Bytes)> ahead = new();
        long bytes = 0;
        int trees = 0;
        try
        {
            await foreach (SourceRecord<Old.CommitInfo> record in commits.WithCancellation(cancellationToken))
            {
                Task<CompactHashTree>? tree = null;
                long size = 0;
                if (isWanted(record))
                {
                    string hash = record.Value.Tree.Hash.ToStringUtf8();
                    size = await FindSizeAsync(hash, cancellationToken);
                    while (trees > 0 && (trees >= MostTrees || bytes + size > MostBytes))
                    {
                        yield return Take();
                    }
                    tree = Task.Run(() => content.ReadCompactTreeAsync(hash, cancellationToken), CancellationToken.None);
                    trees++;
                    bytes += size;
                }
                ahead.Enqueue((record, tree, size));
                if (ahead.Count > MostCommits)
                {
                    yield return Take();
                }
            }
            while (ahead.Count > 0)
            {
                yield return Take();
            }
        }
        finally
        {
            foreach ((_, Task<CompactHashTree>? tree, _) in ahead)
            {
                await ((Task?)tree ?? Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        (SourceRecord<Old.CommitInfo> Record, Task<CompactHashTree>? Tree) Take()
        {
            (SourceRecord<Old.CommitInfo> record, Task<CompactHashTree>? tree, long size) = ahead.Dequeue();
            bytes -= size;
            trees -= tree is null ? 0 : 1;
            return (record, tree);
        }
    }

    // What is wrong with it is told by the reading.
    private async Task<long> FindSizeAsync(string hash, CancellationToken cancellationToken)
    {
        try
        {
            return LegacyContentStore.IsObjectHash(hash) ? await content.GetObjectSizeAsync(hash, cancellationToken) ?? 0 : 0;
        }
        catch (Errors.CorruptionException)
        {
            return 0;
        }
    }
}
