using System.Runtime.CompilerServices;
using Pachyderm.Metadata;
using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;

namespace Pachyderm.Scheduling;

/// <summary>The datums of one job, joined with what is recorded of them a page at a time.</summary>
internal sealed class DatumStates
{
    private const int PageLength = 1_000;

    private readonly IMetadataStore metadata;
    private readonly DatumIdentity identity;

    private DatumStates(IMetadataStore metadata, Job job, DatumSet datums)
    {
        this.metadata = metadata;
        Job = job;
        Datums = datums;
        identity = new DatumIdentity(job.Pipeline, job.Salt);
    }

    /// <summary>The job as it was when this was opened.</summary>
    public Job Job { get; }

    /// <summary>Its datums.</summary>
    public DatumSet Datums { get; }

    /// <summary>Lists the files that a job reads.</summary>
    /// <exception cref="Pfs.PfsException">A commit that it reads is missing.</exception>
    public static async Task<DatumStates> OpenAsync(SchedulerOptions options, Job job, CancellationToken cancellationToken) => new(
        options.Metadata,
        job,
        await DatumSet.OpenAsync(job.Input, new CommitDatumSource(options.Files.Reader), cancellationToken));

    /// <summary>The record of a job.</summary>
    /// <exception cref="PpsException">It is missing.</exception>
    public static JobRecord Find(PpsReader reader, JobId id) =>
        reader.FindJob(id) ?? throw new PpsException(PpsErrorKind.NotFound, $"job {id} not found");

    /// <summary>The tag of a datum.</summary>
    public DatumTag TagOf(Datum datum) => identity.TagOf(datum.Parts.Items.AsSpan());

    /// <summary>Every datum with what became of it, in order. Each page is read at a moment of its own.</summary>
    /// <exception cref="PpsException">The job was deleted meanwhile.</exception>
    public async IAsyncEnumerable<DatumDetails> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (int start = 0; start < Datums.Count; start += PageLength)
        {
            int length = Math.Min(PageLength, Datums.Count - start);
            foreach (DatumDetails details in await ReadAsync(start, length, cancellationToken))
            {
                yield return details;
            }
        }
    }

    /// <summary>The datum at a place with what became of it.</summary>
    /// <exception cref="PpsException">The job was deleted meanwhile.</exception>
    public async Task<DatumDetails> InspectAsync(int index, CancellationToken cancellationToken) =>
        (await ReadAsync(index, 1, cancellationToken))[0];

    /// <summary>The place of the datum that an identifier or a tag, or the first digits of either, names.</summary>
    /// <exception cref="PpsException">There is none, or more than one.</exception>
    public int Find(string name, CancellationToken cancellationToken)
    {
        DigitPrefix? digits = DigitPrefix.Parse(name);
        DatumPart[] parts = new DatumPart[Datums.MaxParts];
        int? found = null;
        DatumTag foundTag = default;
        for (int i = 0; digits is not null && i < Datums.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ReadOnlySpan<DatumPart> files = parts.AsSpan(0, Datums.GetParts(i, parts));
            DatumTag tag = identity.TagOf(files);
            if (!digits.IsFrontOf(tag) && !digits.IsFrontOf(DatumIdentity.IdOf(files)))
            {
                continue;
            }
            if (found is not null && tag != foundTag && !digits.IsWhole)
            {
                throw new PpsException(
                    PpsErrorKind.InvalidArgument, $"more than one datum of job {Job.Id} begins with {name}: give more digits");
            }
            if (found is null)
            {
                (found, foundTag) = (i, tag);
            }
        }
        return found ?? throw new PpsException(PpsErrorKind.NotFound, $"datum {OneLine(name)} not found in job {Job.Id}");
    }

    private static string OneLine(string text) => string.Concat(text.Select(static c => char.IsControl(c) ? '?' : c));

    private Task<DatumDetails[]> ReadAsync(int start, int length, CancellationToken cancellationToken)
    {
        Datum[] datums = [.. Enumerable.Range(start, length).Select(index => Datums[index])];
        DatumTag[] tags = [.. datums.Select(TagOf)];
        return metadata.ReadAsync(
            reader =>
            {
                PpsReader records = new(reader);
                JobRecord job = Find(records, Job.Id);
                Dictionary<int, DatumRecord> processed = records.ListDatums(Job.Id, start - 1, length)
                    .ToDictionary(static record => record.Index);
                KnownResults known = new(reader, job);
                DatumDetails[] page = new DatumDetails[length];
                for (int i = 0; i < length; i++)
                {
                    DatumRecord? record = processed.GetValueOrDefault(start + i);
                    DatumState state = record switch
                    {
                        { Failed: true } => DatumState.Failed,
                        not null => DatumState.Success,
                        null => known.Has(tags[i]) ? DatumState.Skipped : DatumState.Starting,
                    };
                    page[i] = new DatumDetails(
                        datums[i], DatumIdentity.IdOf(datums[i].Parts.Items.AsSpan()), tags[i], state, record?.Stats, record?.Reason ?? "");
                }
                return page;
            },
            cancellationToken);
    }

    /// <summary>Which of the datums that a job did not process it skipped, or will skip.</summary>
    private sealed class KnownResults(IMetadataReader reader, JobRecord job)
    {
        private readonly PpsReader records = new(reader);
        private readonly Dictionary<JobId, bool> isEarlier = [];

        public bool Has(DatumTag tag) => job.Job.State == JobState.Success
            || (records.FindResult(tag) is { } result ? IsEarlier(result.Job) : reader.FindTag(tag.ToString()) is not null);

        // A job that was stopped did not skip what a later one has processed since. Jobs run in the order of the queue.
        private bool IsEarlier(JobId other)
        {
            if (!isEarlier.TryGetValue(other, out bool answer))
            {
                answer = records.FindJob(other) is not { } record || record.Queued <= job.Queued;
                isEarlier.Add(other, answer);
            }
            return answer;
        }
    }
}
