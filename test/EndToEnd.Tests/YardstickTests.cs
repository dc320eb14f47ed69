using Google.Protobuf;
using Google.Protobuf.Reflection;
using Pachyderm.EndToEnd.Tests.Support;
using Pachyderm.Formats;
using Pachyderm.Formats.Tests;
using Pachyderm.Formats.V1_5;

namespace Pachyderm.EndToEnd.Tests;

/// <summary>What upstream's own migration made of the same cluster: the same messages, but for the deliberate differences.</summary>
public class YardstickTests
{
    private static readonly ClusterKeys Keys = new();

    // Fields that may differ, each with what must hold of our side then.
    private static readonly Dictionary<string, Func<IMessage, IMessage, bool>> PipelineDifferences = new(StringComparer.Ordinal)
    {
        ["cache_size"] = (_, ours) => ((PipelineInfo)ours).CacheSize.ToStringUtf8() == "64M",
        ["stopped_of_1_4"] = (_, ours) => !((PipelineInfo)ours).StoppedOf14,
        ["inputs"] = (theirs, ours) => ((PipelineInfo)ours).Inputs.Count == 0 && ((PipelineInfo)ours).Input is not null && ((PipelineInfo)theirs).Input is null,
        ["input"] = (theirs, ours) => ((PipelineInfo)theirs).Input is null && ((PipelineInfo)theirs).Inputs.Count > 0,
        ["parallelism_spec"] = (theirs, ours) => ((PipelineInfo)ours).ParallelismSpec is { StrategyOf14: 0 } spec && (spec.Constant == 0 || spec.Coefficient == 0),
    };

    private static readonly Dictionary<string, Func<IMessage, IMessage, bool>> JobDifferences = new(StringComparer.Ordinal)
    {
        ["stopped_of_1_4"] = (_, ours) => !((JobInfo)ours).StoppedOf14,
        ["stats"] = (theirs, ours) => ((JobInfo)theirs).Stats is null && ((JobInfo)ours).Stats.CalculateSize() == 0,
        ["inputs"] = (theirs, ours) => ((JobInfo)ours).Inputs.Count == 0 && ((JobInfo)theirs).Inputs.Count > 0,
        ["input"] = (theirs, ours) => ((JobInfo)theirs).Input is null && ((JobInfo)ours).Input is not null,
        ["parallelism_spec"] = (theirs, ours) => ((JobInfo)ours).ParallelismSpec is { StrategyOf14: 0 } spec && (spec.Constant == 0 || spec.Coefficient == 0),
    };

    [Theory]
    [InlineData(Sets.Small)]
    [InlineData(Sets.Dirty)]
    public async Task Every_record_is_upstreams_but_for_the_deliberate_differences(string set)
    {
        using Workspace workspace = new(set);
        (await PachctlProcess.RunAsync(
            ["migrate", "--to", "1.5.0", .. workspace.SnapshotArguments, "--accept", "open-commit", "running-job", "registered-worker"])).MustExitWith(0);
        SortedDictionary<string, string> ours = (await StoreState.OfSnapshotAsync(workspace.Output)).ContentWithLeased;
        Dictionary<string, string> theirs = GenuineCluster.Records(set, "migrated-by-upstream/etcd.jsonl.gz")
            .ToDictionary(record => StoreState.Text(record.Key), record => StoreState.Text(record.Value), StringComparer.Ordinal);
        SortedDictionary<string, int> differences = new(StringComparer.Ordinal);
        List<string> wrong = [];

        foreach (string key in theirs.Keys.Union(ours.Keys, StringComparer.Ordinal))
        {
            Compare(key, theirs.GetValueOrDefault(key), ours.GetValueOrDefault(key), differences, wrong);
        }

        Assert.True(wrong.Count == 0, $"{wrong.Count} differences that are not deliberate:\n{string.Join('\n', wrong.Take(20))}");
        Assert.NotEmpty(differences);
        TestContext.Current.SendDiagnosticMessage($"{set}:\n{string.Join('\n', differences.Select(pair => $"{pair.Value,5} {pair.Key}"))}");
    }

    private static void Compare(string key, string? theirs, string? ours, SortedDictionary<string, int> differences, List<string> wrong)
    {
        RecordKind kind = Keys.Classify(StoreState.Bytes(key));
        if (theirs is null || ours is null)
        {
            // Leases of workers have run out by the time upstream's routine ran, or not.
            bool deliberate = kind is RecordKind.PipelineStoppedIndex or RecordKind.JobStoppedIndex or RecordKind.JobInputsIndex && ours is null
                || (kind is RecordKind.OpenCommit or RecordKind.JobInputIndex && theirs is null)
                || kind == RecordKind.Worker;
            Note(deliberate, $"{kind} only {(ours is null ? "upstream has" : "we have")}", key);
            return;
        }

        if (theirs == ours)
        {
            return;
        }

        (MessageParser Parser, Dictionary<string, Func<IMessage, IMessage, bool>> Allowed)? message = kind switch
        {
            RecordKind.Pipeline => (PipelineInfo.Parser, PipelineDifferences),
            RecordKind.Job => (JobInfo.Parser, JobDifferences),
            _ => null,
        };
        if (message is not { } known)
        {
            Note(false, $"{kind} differs", key);
            return;
        }

        IMessage their = known.Parser.ParseFrom(StoreState.Bytes(theirs));
        IMessage our = known.Parser.ParseFrom(StoreState.Bytes(ours));
        foreach (FieldDescriptor field in our.Descriptor.Fields.InDeclarationOrder())
        {
            if (!AreEqual(field, their, our))
            {
                bool deliberate = known.Allowed.TryGetValue(field.Name, out Func<IMessage, IMessage, bool>? holds) && holds(their, our);
                Note(deliberate, $"{kind}.{field.Name}", key);
            }
        }

        void Note(bool deliberate, string what, string where)
        {
            differences[what] = differences.GetValueOrDefault(what) + 1;
            if (!deliberate)
            {
                wrong.Add($"{what}: {where}");
            }
        }
    }

    // Maps are kept as lists of entries, and their order means nothing.
    private static bool AreEqual(FieldDescriptor field, IMessage left, IMessage right)
    {
        object one = field.Accessor.GetValue(left);
        object other = field.Accessor.GetValue(right);
        return field.Name switch
        {
            "job_counts" => Sorted(((PipelineInfo)left).JobCounts) == Sorted(((PipelineInfo)right).JobCounts),
            "transform" => Without(one, out string mine) is var a && Without(other, out string others) is var b && Equals(a, b) && mine == others,
            _ => Equals(one, other),
        };

        static string Sorted<T>(IEnumerable<T> entries) where T : IMessage =>
            string.Join(',', entries.Select(entry => Convert.ToHexString(entry.ToByteArray())).Order(StringComparer.Ordinal));

        static Transform? Without(object? transform, out string environment)
        {
            environment = "";
            if (transform is not Transform whole)
            {
                return null;
            }

            environment = Sorted(whole.Env);
            Transform rest = whole.Clone();
            rest.Env.Clear();
            return rest;
        }
    }
}
