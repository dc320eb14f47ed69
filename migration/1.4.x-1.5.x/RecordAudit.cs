using System.Buffers;
using Google.Protobuf;
using Pachyderm.Formats;
using Pachyderm.Formats.V1_5;
using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>
/// Checks conversions by another way than they were made. Repos, commits and branches are written back as text, which must be
/// what 1.4 wrote. Pipelines and jobs are compared field by field: those that no rule touches must be equal, those that one does must
/// be what the rule says.
/// </summary>
internal static class RecordAudit
{
    private static readonly Dictionary<RecordKind, ProtoTextFormatter> Formatters = new()
    {
        [RecordKind.Repo] = ProtoTextFormatter.For(Formats.V1_4.RepoInfo.Descriptor),
        [RecordKind.Commit] = ProtoTextFormatter.For(Formats.V1_4.CommitInfo.Descriptor),
        [RecordKind.Branch] = ProtoTextFormatter.For(Formats.V1_4.Commit.Descriptor),
    };

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? s_text;

    [ThreadStatic]
    private static RecordDecoder? s_decoder;

    /// <summary>Null if the conversion is right; else what is wrong with it.</summary>
    public static string? Check(ClusterKeys keys, in StoredRecord before, in RecordChange change, bool saltsExist)
    {
        if (change.Kind != RecordChangeKind.Replace)
        {
            return null;
        }

        RecordKind kind = keys.Classify(before.Key.Span);
        if (Formatters.TryGetValue(kind, out ProtoTextFormatter? formatter))
        {
            ArrayBufferWriter<byte> text = s_text ??= new ArrayBufferWriter<byte>(4096);
            text.ResetWrittenCount();
            return formatter.TryFormat(change.Value.Span, text) && TextEquals(text.WrittenSpan, before.Value.Span)
                ? null
                : "written back as text it is not what was stored";
        }

        if (RecordCodec.For(kind) is null)
        {
            return null;
        }

        RecordEncoding encoding = (s_decoder ??= new RecordDecoder()).Decode(kind, before.Value.Span, out ReadOnlySpan<byte> wire, out _);
        bool isText = encoding == RecordEncoding.Text;
        return kind == RecordKind.Pipeline
            ? Compare(Read14Pipeline(wire, isText), PipelineInfo.Parser.ParseFrom(change.Value.Span), isText, saltsExist)
            : Compare(Read14Job(wire, isText), JobInfo.Parser.ParseFrom(change.Value.Span), isText, saltsExist);
    }

    private static string? Compare(PipelineInfo before, PipelineInfo after, bool isText, bool saltsExist)
    {
        bool stateHolds = after.State == before.State
            || (before.StoppedOf14 && after.State == PipelineState.PipelinePaused
                && before.State is PipelineState.PipelineStarting or PipelineState.PipelineRunning or PipelineState.PipelineRestarting);
        string? problem = stateHolds ? null : "its state changed without cause";
        problem ??= CheckInput(before.Inputs.Select(input => (input.Repo?.Name, (ByteString?)input.Glob, input.Lazy)), before.Input, after.Input);
        problem ??= CheckParallelism(before.ParallelismSpec, after.ParallelismSpec, isText);
        problem ??= after.Inputs.Count == 0 && !after.StoppedOf14 ? null : "fields of 1.4 remain";
        problem ??= after.Salt.Equals(saltsExist && before.Salt.IsEmpty ? before.Id : before.Salt) ? null : "its salt is not its id";
        problem ??= after.CacheSize.Equals(before.CacheSize) || (saltsExist && before.CacheSize.IsEmpty) ? null : "its cache size changed";
        if (problem is not null)
        {
            return problem;
        }

        PipelineInfo left = before.Clone();
        PipelineInfo right = after.Clone();
        foreach (PipelineInfo side in (PipelineInfo[])[left, right])
        {
            (side.State, side.StoppedOf14, side.Input, side.ParallelismSpec) = (default, false, null, null);
            (side.Salt, side.CacheSize) = (ByteString.Empty, ByteString.Empty);
            side.Inputs.Clear();
        }

        return left.Equals(right) ? null : "a field that should not change has changed";
    }

    private static string? Compare(JobInfo before, JobInfo after, bool isText, bool saltsExist)
    {
        string? problem = CheckInput(before.Inputs.Select(input => (input.Commit?.Repo?.Name, (ByteString?)input.Glob, input.Lazy)), before.Input, after.Input);
        problem ??= CheckParallelism(before.ParallelismSpec, after.ParallelismSpec, isText);
        problem ??= after.Inputs.Count == 0 && !after.StoppedOf14 ? null : "fields of 1.4 remain";
        problem ??= after.Salt.Equals(before.Salt) || (saltsExist && before.Salt.IsEmpty && after.Salt.Equals(before.PipelineId))
            ? null
            : "its salt is neither the old one nor its pipeline's id";
        problem ??= after.PipelineId.Equals(saltsExist ? ByteString.Empty : before.PipelineId) ? null : "its pipeline id is wrong";
        problem ??= saltsExist && after.Stats is null ? "it has no stats" : null;
        problem ??= before.Stats is not null && !before.Stats.Equals(after.Stats) ? "its stats changed" : null;
        if (problem is not null)
        {
            return problem;
        }

        JobInfo left = before.Clone();
        JobInfo right = after.Clone();
        foreach (JobInfo side in (JobInfo[])[left, right])
        {
            (side.StoppedOf14, side.Input, side.ParallelismSpec, side.Stats) = (false, null, null, null);
            (side.Salt, side.PipelineId) = (ByteString.Empty, ByteString.Empty);
            side.Inputs.Clear();
        }

        return left.Equals(right) ? null : "a field that should not change has changed";
    }

    private static string? CheckInput(IEnumerable<(ByteString? Repo, ByteString? Glob, bool Lazy)> inputs, Input? before, Input? after)
    {
        if (before is not null)
        {
            return before.Equals(after) ? null : "its input changed";
        }

        // As many atoms, each of the repo, glob and laziness of one of the old inputs.
        List<(ByteString?, ByteString?, bool)> expected = [.. inputs];
        foreach (AtomInput atom in after is null ? [] : InputFolding.Atoms(after))
        {
            if (!expected.Remove((atom.Repo, atom.Glob, atom.Lazy)))
            {
                return "its folded input has an atom that was no input";
            }
        }

        return expected.Count == 0 ? null : "its folded input lacks an input";
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

    private static PipelineInfo Read14Pipeline(ReadOnlySpan<byte> wire, bool isText)
    {
        if (!isText)
        {
            return PipelineInfo.Parser.ParseFrom(wire);
        }

        var pipeline = Formats.V1_4.PipelineInfo.Parser.ParseFrom(wire);
        pipeline.GcPolicy = null;
        return PipelineInfo.Parser.ParseFrom(pipeline.ToByteString());
    }

    private static JobInfo Read14Job(ReadOnlySpan<byte> wire, bool isText)
    {
        if (!isText)
        {
            return JobInfo.Parser.ParseFrom(wire);
        }

        var job = Formats.V1_4.JobInfo.Parser.ParseFrom(wire);
        job.Error = ByteString.Empty;
        return JobInfo.Parser.ParseFrom(job.ToByteString());
    }

    // White space outside strings means nothing in text. Upstream writes it in one way; a record mended by hand may have another.
    private static bool TextEquals(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        if (left.SequenceEqual(right))
        {
            return true;
        }

        int a = 0;
        int b = 0;
        bool inString = false;
        while (true)
        {
            if (!inString)
            {
                a = SkipSpace(left, a);
                b = SkipSpace(right, b);
            }

            if (a == left.Length || b == right.Length)
            {
                return a == left.Length && b == right.Length;
            }

            if (left[a] != right[b])
            {
                return false;
            }

            if (left[a] == '\\' && inString && a + 1 < left.Length && b + 1 < right.Length)
            {
                if (left[a + 1] != right[b + 1])
                {
                    return false;
                }

                a++;
                b++;
            }
            else if (left[a] == '"')
            {
                inString = !inString;
            }

            a++;
            b++;
        }
    }

    private static int SkipSpace(ReadOnlySpan<byte> text, int from)
    {
        while (from < text.Length && text[from] is (byte)' ' or (byte)'\n' or (byte)'\t' or (byte)'\r')
        {
            from++;
        }

        return from;
    }
}
