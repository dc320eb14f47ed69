using Pachyderm.Metadata;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Records;
using Pachyderm.Storage.Content;

namespace Pachyderm.Scheduling;

/// <summary>
/// Forgets results that no job will ask for again: those of deleted pipelines, and of pipelines that were made to process all anew
/// (doc/pps.md). Their content is then garbage.
/// </summary>
/// <param name="metadata">The records.</param>
internal sealed class ResultCleanup(IMetadataStore metadata)
{
    private const int PageLength = 500;

    private static readonly ChunkId LastHash = new(Enumerable.Repeat(byte.MaxValue, ChunkId.Length).ToArray());

    /// <summary>Goes through all results; those of pipelines in use are passed over, not read.</summary>
    /// <returns>How many were forgotten.</returns>
    public async Task<long> RunAsync(CancellationToken cancellationToken)
    {
        long forgotten = 0;
        for (DatumTag? after = null; ;)
        {
            DatumTag? start = after;
            (HashSet<ushort> live, DatumTag[] page) = await metadata.ReadAsync(
                reader => (ListPrefixes(reader), new PpsReader(reader).ListResults(start, PageLength).Select(static row => row.Key).ToArray()),
                cancellationToken);
            DatumTag[] dead = [.. page.Where(tag => IsDead(tag, live))];
            if (dead.Length > 0)
            {
                forgotten += await metadata.WriteAsync(writer => Forget(writer, dead), cancellationToken);
            }
            if (page.Length < PageLength)
            {
                return forgotten;
            }
            after = page[^1].Prefix is { } prefix && live.Contains(prefix) ? new DatumTag(prefix, LastHash) : page[^1];
        }
    }

    // Asks again which pipelines there are, since one may have been created meanwhile.
    private static int Forget(IMetadataWriter writer, DatumTag[] tags)
    {
        HashSet<ushort> live = ListPrefixes(writer);
        PpsWriter records = new(writer);
        int forgotten = 0;
        foreach (DatumTag tag in tags.Where(tag => IsDead(tag, live)))
        {
            records.DeleteResult(tag);
            forgotten++;
        }
        return forgotten;
    }

    private static bool IsDead(DatumTag tag, HashSet<ushort> live) => tag.Prefix is { } prefix && !live.Contains(prefix);

    // A job that was triggered before its pipeline got a new salt still goes by the old one.
    private static HashSet<ushort> ListPrefixes(IMetadataReader reader)
    {
        PpsReader records = new(reader);
        HashSet<ushort> prefixes = [];
        foreach (PipelineRecord record in records.ListPipelines())
        {
            prefixes.Add(new DatumIdentity(record.Pipeline.Name, record.Pipeline.Salt).Prefix);
            foreach (JobRecord job in records.ListQueue(record.Pipeline.Name))
            {
                prefixes.Add(new DatumIdentity(job.Job.Pipeline, job.Job.Salt).Prefix);
            }
        }
        return prefixes;
    }
}
