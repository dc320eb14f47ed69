using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Scheduling;

/// <summary>The datums of a job that runs, and what their programs are shown. Safe for concurrent use.</summary>
internal sealed class RunDatums
{
    private readonly Job job;
    private readonly JobInputs inputs;
    private readonly SchedulerOptions options;
    private readonly StoredTrees trees;
    private readonly CommitRef? parentCommit;
    private readonly IncrementalInputs? incremental;

    private RunDatums(
        Job job, JobInputs inputs, SchedulerOptions options, StoredTrees trees, DatumSet set,
        CommitRef? parentCommit, IncrementalInputs? incremental)
    {
        this.job = job;
        this.inputs = inputs;
        this.options = options;
        this.trees = trees;
        this.parentCommit = parentCommit;
        this.incremental = incremental;
        Set = set;
        Identity = new DatumIdentity(job.Pipeline, job.Salt);
    }

    /// <summary>The datums.</summary>
    public DatumSet Set { get; }

    /// <summary>What their tags are.</summary>
    public DatumIdentity Identity { get; }

    /// <summary>Opens the input commits of a job and lists its datums.</summary>
    /// <exception cref="PpsException">There are too many.</exception>
    /// <exception cref="Pfs.PfsException">A commit is missing.</exception>
    public static async Task<RunDatums> OpenAsync(
        Job job, JobInputs inputs, SchedulerOptions options, StoredTrees trees, CancellationToken cancellationToken)
    {
        await inputs.OpenAsync(job.Input.Sources(), cancellationToken);
        CommitDatumSource source = new(options.Files.Reader);
        DatumSet set = await DatumSet.OpenAsync(job.Input, source, cancellationToken);
        CommitRef? parent = job.Workload.Incremental && job.NewCommit is { } commit
            ? await inputs.OpenParentAsync(commit, cancellationToken)
            : null;
        IncrementalInputs? before = await IncrementalInputs.OpenAsync(job, parent, source, cancellationToken);
        return new RunDatums(job, inputs, options, trees, set, parent, before);
    }

    /// <summary>The tag of a datum.</summary>
    public DatumTag TagOf(Datum datum) => Identity.TagOf(datum.Parts.Items.AsSpan());

    /// <summary>What a worker is to do for a datum.</summary>
    /// <param name="turn">Which datum.</param>
    /// <param name="slot">The worker.</param>
    /// <param name="log">The log of the job.</param>
    /// <param name="cancellationToken">Ends the search for the previous output.</param>
    public async Task<AttemptWork> PrepareAsync(DatumTurn turn, WorkerSlot slot, JobLogWriter log, CancellationToken cancellationToken)
    {
        Datum datum = Set[turn.Place];
        DirectoryReference? previous = await FindPreviousAsync(datum, cancellationToken);
        DatumInputTree[] shown = [.. datum.Parts.Select(part => Show(part, onlyChanged: previous is not null))];
        string id = DatumIdentity.IdOf(datum.Parts.Items.AsSpan()).ToString();
        LogContext context = new(slot.Name, DatumIdentity.IdOf(datum.Parts.Items.AsSpan()), isUser: true, LogFiles.Of(datum));
        DatumStats? stats = job.Workload.EnableStats ? new DatumStats(trees, job.Pipeline, job.Id) : null;
        return new AttemptWork
        {
            Id = id,
            JobId = job.Id.Value,
            Inputs = shown,
            PreviousOutput = previous is { } output ? new PreviousOutputTree(trees, output) : null,
            Attempt = new DatumAttempt(turn, datum, TagOf(datum), slot)
            {
                Inputs = shown,
                Log = new AttemptLog(log, context, stats, options.Time),
                Stats = stats,
            },
        };
    }

    private DatumInputTree Show(DatumPart part, bool onlyChanged)
    {
        bool isNew = onlyChanged && part.Input.Commit == job.NewCommit;
        return new DatumInputTree(trees, part, inputs[part.Input.Commit].Root)
        {
            Before = isNew ? (inputs[parentCommit!.Value].Root, true) : default,
        };
    }

    /// <summary>The output of an incremental datum as it was in the parent commit; null if it is to be processed like any other.</summary>
    private async Task<DirectoryReference?> FindPreviousAsync(Datum datum, CancellationToken cancellationToken)
    {
        if (incremental?.ParentOf(datum) is not { } parts)
        {
            return null;
        }
        DatumTag tag = Identity.TagOf(parts.Items.AsSpan());
        ResultRecord? result = await options.Metadata.ReadAsync(reader => new PpsReader(reader).FindResult(tag), cancellationToken);
        return result is null ? null : DirectoryReferenceCodec.Decode(result.Output.Span);
    }
}
