using System.Collections.Immutable;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Index;

/// <summary>Merges runs: of equal chunks the newest entry stays, entries of packs that are gone do not.</summary>
internal static class RunMerge
{
    // So many runs may lie side by side before they become one.
    private const int Fanout = 4;

    /// <summary>How many of the newest runs are worth merging now.</summary>
    /// <param name="runs">The runs, newest first.</param>
    /// <returns>0, or at least four.</returns>
    public static int Choose(ImmutableArray<IndexRun> runs)
    {
        // A run joins when all newer ones together are as large: each entry is rewritten O(log n) times.
        long sum = 0;
        int take = 0;
        while (take < runs.Length && (take == 0 || runs[take].Count <= sum))
        {
            sum += runs[take++].Count;
        }

        return take >= Fanout ? take : 0;
    }

    /// <summary>Reads several sorted sources as one.</summary>
    /// <param name="sources">Newest first.</param>
    /// <param name="packs">The packs that count.</param>
    public static IEnumerable<IndexEntry> Merge(IEnumerable<IEnumerable<IndexEntry>> sources, PackSet packs)
    {
        List<IEnumerator<IndexEntry>> heads = [];
        try
        {
            foreach (IEnumerable<IndexEntry> source in sources)
            {
                IEnumerator<IndexEntry> head = source.GetEnumerator();
                heads.Add(head);
                if (!head.MoveNext())
                {
                    head.Dispose();
                    heads.RemoveAt(heads.Count - 1);
                }
            }

            uint lastPack = 0;
            bool lastLives = false;
            while (heads.Count > 0)
            {
                IndexEntry entry = Smallest(heads);
                bool taken = false;
                for (int i = 0; i < heads.Count; i++)
                {
                    if (heads[i].Current.Id != entry.Id)
                    {
                        continue;
                    }

                    IndexEntry candidate = heads[i].Current;
                    if (candidate.Location.Pack != lastPack)
                    {
                        lastPack = candidate.Location.Pack;
                        lastLives = packs.Has(lastPack);
                    }

                    if (!taken && lastLives)
                    {
                        taken = true;
                        yield return candidate;
                    }

                    if (!heads[i].MoveNext())
                    {
                        heads[i].Dispose();
                        heads.RemoveAt(i--);
                    }
                }
            }
        }
        finally
        {
            heads.ForEach(static head => head.Dispose());
        }
    }

    private static IndexEntry Smallest(List<IEnumerator<IndexEntry>> heads)
    {
        IndexEntry smallest = heads[0].Current;
        for (int i = 1; i < heads.Count; i++)
        {
            ChunkId id = heads[i].Current.Id;
            if (id < smallest.Id)
            {
                smallest = heads[i].Current;
            }
        }

        return smallest;
    }
}
