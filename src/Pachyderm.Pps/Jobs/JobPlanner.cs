using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Legacy;

namespace Pachyderm.Pps.Jobs;

/// <summary>
/// Finds out which datums of a job need not be processed, because a job of this pipeline did before (spec/pps.md section 6).
/// </summary>
public sealed class JobPlanner
{
    /// <summary>How many tags are looked up at a time.</summary>
    public const int BatchSize = 1 << 13;

    private readonly DatumIdentity identity;
    private readonly LegacyIdentity? legacy;
    private readonly IDatumResults results;

    /// <summary>Makes plans for the jobs of a pipeline.</summary>
    /// <param name="identity">Identity of its datums.</param>
    /// <param name="legacy">Their identity in old releases, or null.</param>
    /// <param name="results">The results that are known.</param>
    public JobPlanner(DatumIdentity identity, LegacyIdentity? legacy, IDatumResults results)
    {
        this.identity = identity;
        this.legacy = legacy;
        this.results = results;
    }

    /// <summary>Makes a plan. Costs one hash and one lookup for each datum; memory grows only with those that are to run.</summary>
    public async Task<JobPlan> PlanAsync(DatumSet datums, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(datums);
        DatumTag[] tags = new DatumTag[Math.Min(BatchSize, datums.Count)];
        bool[] known = new bool[tags.Length];
        List<int> run = [];
        List<CarriedResult> carried = [];
        HashSet<DatumTag> seen = [];
        int repeats = 0;
        for (int start = 0; start < datums.Count; start += tags.Length)
        {
            int length = Math.Min(tags.Length, datums.Count - start);
            Hash(datums, start, tags.AsSpan(0, length));
            await results.FindAsync(tags.AsMemory(0, length), known.AsMemory(0, length), cancellationToken);
            for (int i = 0; i < length; i++)
            {
                if (known[i])
                {
                    continue;
                }
                if (!seen.Add(tags[i]))
                {
                    repeats++;
                }
                else if (legacy is not null && await FindOldAsync(datums[start + i], cancellationToken) is { } old)
                {
                    carried.Add(new CarriedResult(start + i, tags[i], old));
                }
                else
                {
                    run.Add(start + i);
                }
            }
        }
        return new JobPlan(datums.Count, run, repeats, carried);
    }

    private void Hash(DatumSet datums, int start, Span<DatumTag> tags)
    {
        DatumPart[] parts = new DatumPart[datums.MaxParts];
        for (int i = 0; i < tags.Length; i++)
        {
            int count = datums.GetParts(start + i, parts);
            tags[i] = identity.TagOf(parts.AsSpan(0, count));
        }
    }

    private async Task<DatumTag?> FindOldAsync(Datum datum, CancellationToken cancellationToken)
    {
        DatumTag[] tags = [.. legacy!.TagsOf(datum.Parts)];
        bool[] known = new bool[tags.Length];
        await results.FindAsync(tags, known, cancellationToken);
        int found = Array.IndexOf(known, true);
        return found < 0 ? null : tags[found];
    }
}
