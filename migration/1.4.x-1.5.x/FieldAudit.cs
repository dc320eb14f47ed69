using Google.Protobuf;
using Pachyderm.Formats;
using Pachyderm.Formats.V1_5;
using Pachyderm.Migration.Survey;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>
/// Compares a pipeline or job of the source with what it became: fields that a rule touches must be what the rule says, all others equal.
/// </summary>
internal sealed class FieldAudit(ClusterInventory inventory, bool saltsExist)
{
    private static readonly ByteString Master = ByteString.CopyFromUtf8("master");
    private static readonly ByteString CacheSize = ByteString.CopyFromUtf8("64M");

    /// <summary>Null if the outcome is right; else what is wrong with it.</summary>
    /// <param name="kind">Pipeline or Job.</param>
    /// <param name="before">The source in wire form.</param>
    /// <param name="after">The outcome.</param>
    /// <param name="isText">Whether the source is text of 1.4.</param>
    public string? Check(RecordKind kind, ReadOnlySpan<byte> before, ReadOnlySpan<byte> after, bool isText) => kind == RecordKind.Pipeline
        ? Compare(ReadPipeline(before, isText), PipelineInfo.Parser.ParseFrom(after), isText)
        : Compare(ReadJob(before, isText), JobInfo.Parser.ParseFrom(after), isText);

    private string? Compare(PipelineInfo before, PipelineInfo after, bool isText)
    {
        PipelineState state = before.StoppedOf14 && before.State is not (PipelineState.PipelinePaused or PipelineState.PipelineFailure)
            ? PipelineState.PipelinePaused
            : before.State;
        ByteString salt = saltsExist && before.Salt.IsEmpty ? before.Id : before.Salt;
        ByteString cacheSize = saltsExist && before.CacheSize.IsEmpty ? CacheSize : before.CacheSize;
        string? problem = after.State == state ? null : $"its state is not {state}";
        problem ??= CheckInput(
            before.Input,
            after.Input,
            before.Inputs.Select(input => new AtomInput
            {
                Name = input.Name.IsEmpty ? NameOf(input.Repo) : input.Name,
                Repo = NameOf(input.Repo),
                Branch = input.Branch.IsEmpty ? Master : input.Branch,
                Glob = input.Glob,
                Lazy = input.Lazy,
                FromCommit = input.From is null ? ByteString.Empty : input.From.Id,
            }));
        problem ??= CheckParallelism(before.ParallelismSpec, after.ParallelismSpec, isText);
        problem ??= after.Inputs.Count == 0 && !after.StoppedOf14 ? null : "fields of 1.4 remain";
        problem ??= after.Salt.Equals(salt) ? null : "its salt is wrong";
        problem ??= after.CacheSize.Equals(cacheSize) ? null : "its cache size is wrong";
        if (problem is not null)
        {
            return problem;
        }

        foreach (PipelineInfo side in (PipelineInfo[])[before, after])
        {
            (side.State, side.StoppedOf14, side.Input, side.ParallelismSpec) = (default, false, null, null);
            (side.Salt, side.CacheSize) = (ByteString.Empty, ByteString.Empty);
            side.Inputs.Clear();
        }

        return before.Equals(after) ? null : "a field that should not change has changed";
    }

    private string? Compare(JobInfo before, JobInfo after, bool isText)
    {
        PipelineFacts? pipeline = before.Pipeline is { } owner ? inventory.Pipelines.GetValueOrDefault(owner.Name) : null;
        ByteString salt = before.Salt;
        if (saltsExist && salt.IsEmpty && !before.PipelineId.IsEmpty && pipeline is not null)
        {
            ByteString pipelineSalt = pipeline.Record.Salt.IsEmpty ? pipeline.Record.Id : pipeline.Record.Salt;
            salt = before.PipelineId.Equals(pipelineSalt) ? pipelineSalt : salt;
        }

        string? problem = CheckInput(before.Input, after.Input, before.Inputs.Select(input => new AtomInput
        {
            Name = input.Name.IsEmpty ? NameOf(input.Commit?.Repo) : input.Name,
            Repo = NameOf(input.Commit?.Repo),
            Branch = BranchOf(pipeline?.Record, input),
            Commit = input.Commit is null ? ByteString.Empty : input.Commit.Id,
            Glob = input.Glob,
            Lazy = input.Lazy,
        }));
        problem ??= CheckParallelism(before.ParallelismSpec, after.ParallelismSpec, isText);
        problem ??= after.Inputs.Count == 0 && !after.StoppedOf14 ? null : "fields of 1.4 remain";
        problem ??= after.Salt.Equals(salt) ? null : "its salt is wrong";
        problem ??= after.PipelineId.Equals(saltsExist ? ByteString.Empty : before.PipelineId) ? null : "its pipeline id is wrong";
        problem ??= Equals(after.Stats, before.Stats ?? (saltsExist ? new ProcessStats() : null)) ? null : "its stats are wrong";
        if (problem is not null)
        {
            return problem;
        }

        foreach (JobInfo side in (JobInfo[])[before, after])
        {
            (side.StoppedOf14, side.Input, side.ParallelismSpec, side.Stats) = (false, null, null, null);
            (side.Salt, side.PipelineId) = (ByteString.Empty, ByteString.Empty);
            side.Inputs.Clear();
        }

        return before.Equals(after) ? null : "a field that should not change has changed";
    }

    /// <summary>A record with a tree of inputs keeps it; one with a list has one cross of exactly these atoms, sorted by name.</summary>
    private static string? CheckInput(Input? before, Input? after, IEnumerable<AtomInput> listed)
    {
        AtomInput[] atoms = [.. listed];
        if (before is not null || atoms.Length == 0)
        {
            return Equals(before, after) ? null : "its input changed";
        }

        Array.Sort([.. atoms.Select((atom, index) => (atom.Name, index))], atoms, ByNameThenPlace.Instance);
        bool isCross = after is { Atom: null, Union.Count: 0, Cron: null } && after.Cross.Count == atoms.Length;
        return isCross && after!.Cross.Zip(atoms).All(pair =>
            pair.First is { Cross.Count: 0, Union.Count: 0, Cron: null } && pair.Second.Equals(pair.First.Atom))
            ? null
            : "its input is not the cross of its inputs";
    }

    private static string? CheckParallelism(ParallelismSpec? before, ParallelismSpec? after, bool isText)
    {
        if (before is null || after is null)
        {
            return before is null && after is null ? null : "its parallelism appeared or vanished";
        }

        bool byCoefficient = before.StrategyOf14 == 1;
        bool bothSet = before.Constant != 0 && before.Coefficient != 0;
        ulong constant = byCoefficient ? 0 : before.Constant;
        double coefficient = !byCoefficient && (isText || bothSet) ? 0 : before.Coefficient;
        return after.StrategyOf14 == 0 && after.Constant == constant && after.Coefficient.Equals(coefficient)
            ? null
            : "its parallelism is not what its strategy chose";
    }

    private static ByteString BranchOf(PipelineInfo? pipeline, JobInput input)
    {
        ByteString repo = NameOf(input.Commit?.Repo);
        ByteString name = input.Name.IsEmpty ? repo : input.Name;
        if (pipeline?.Input is { } tree)
        {
            AtomInput? atom = InputFolding.Atoms(tree).FirstOrDefault(atom => atom.Name.Equals(name) && atom.Repo.Equals(repo));
            return atom?.Branch ?? Master;
        }

        PipelineInput? listed = pipeline?.Inputs.FirstOrDefault(candidate =>
            NameOf(candidate.Repo).Equals(repo) && (candidate.Name.IsEmpty ? repo : candidate.Name).Equals(name));
        return listed is null || listed.Branch.IsEmpty ? Master : listed.Branch;
    }

    private static ByteString NameOf(Repo? repo) => repo is null ? ByteString.Empty : repo.Name;

    private static PipelineInfo ReadPipeline(ReadOnlySpan<byte> wire, bool isText)
    {
        if (!isText)
        {
            return PipelineInfo.Parser.ParseFrom(wire);
        }

        var pipeline = Formats.V1_4.PipelineInfo.Parser.ParseFrom(wire);
        pipeline.GcPolicy = null;
        return PipelineInfo.Parser.ParseFrom(pipeline.ToByteString());
    }

    private static JobInfo ReadJob(ReadOnlySpan<byte> wire, bool isText)
    {
        if (!isText || !Leftovers.MayHaveError(wire))
        {
            return JobInfo.Parser.ParseFrom(wire);
        }

        var job = Formats.V1_4.JobInfo.Parser.ParseFrom(wire);
        job.Error = ByteString.Empty;
        return JobInfo.Parser.ParseFrom(job.ToByteString());
    }

    private sealed class ByNameThenPlace : IComparer<(ByteString Name, int Place)>
    {
        public static ByNameThenPlace Instance { get; } = new();

        public int Compare((ByteString Name, int Place) x, (ByteString Name, int Place) y)
        {
            int byName = x.Name.Span.SequenceCompareTo(y.Name.Span);
            return byName != 0 ? byName : x.Place.CompareTo(y.Place);
        }
    }
}
