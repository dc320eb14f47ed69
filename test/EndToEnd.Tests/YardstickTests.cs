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

    // Fields that may differ, each with what must hold then. What they are is told, with the reasons, in the step's README.
    private static readonly Dictionary<string, Func<IMessage, IMessage, bool>> PipelineDifferences = new(StringComparer.Ordinal)
    {
        ["stopped_of_1_4"] = (theirs, ours) => ((PipelineInfo)theirs).StoppedOf14 && !((PipelineInfo)ours).StoppedOf14,
        ["parallelism_spec"] = (theirs, ours) => IsStrategyApplied(((PipelineInfo)theirs).ParallelismSpec, ((PipelineInfo)ours).ParallelismSpec),
        ["cache_size"] = (theirs, ours) => ((PipelineInfo)theirs).CacheSize.IsEmpty && ((PipelineInfo)ours).CacheSize.ToStringUtf8() == "64M",
        ["salt"] = (theirs, ours) => ((PipelineInfo)theirs).Salt.IsEmpty && ((PipelineInfo)ours).Salt == ((PipelineInfo)ours).Id,
    };

    private static readonly Dictionary<string, Func<IMessage, IMessage, bool>> JobDifferences = new(StringComparer.Ordinal)
    {
        ["stopped_of_1_4"] = (theirs, ours) => ((JobInfo)theirs).StoppedOf14 && !((JobInfo)ours).StoppedOf14,
        ["parallelism_spec"] = (theirs, ours) => IsStrategyApplied(((JobInfo)theirs).ParallelismSpec, ((JobInfo)ours).ParallelismSpec),
        ["stats"] = (theirs, ours) => ((JobInfo)theirs).Stats is null && ((JobInfo)ours).Stats.CalculateSize() == 0,
        ["pipeline_id"] = (theirs, ours) => ((JobInfo)ours).PipelineId.IsEmpty,
        ["salt"] = (theirs, ours) => ((JobInfo)theirs).Salt.IsEmpty && ((JobInfo)ours).Salt == ((JobInfo)theirs).PipelineId,
    };

    [Theory]
    [InlineData(Sets.Small, "1.5.0")]
    [InlineData(Sets.Dirty, "1.5.0")]
    [InlineData(Sets.Small, "1.5.3")]
    [InlineData(Sets.Dirty, "1.5.3")]
    public async Task Every_record_is_upstreams_but_for_the_deliberate_differences(string set, string to)
    {
        using Workspace workspace = new(set);
        (await PachctlProcess.RunAsync(
            ["migrate", "--to", to, .. workspace.SnapshotArguments, "--accept", "open-commit", "running-job", "registered-worker"])).MustExitWith(0);
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
        Assert.Equal(set == Sets.Small ? 48 : 47, differences["Job.stopped_of_1_4"]);
        Assert.Equal(to == "1.5.3", differences.ContainsKey("Pipeline.salt"));
        TestContext.Current.SendDiagnosticMessage($"{set} to {to}:\n{string.Join('\n', differences.Select(pair => $"{pair.Value,5} {pair.Key}"))}");
    }

    private static void Compare(string key, string? theirs, string? ours, SortedDictionary<string, int> differences, List<string> wrong)
    {
        RecordKind kind = Keys.Classify(StoreState.Bytes(key));
        if (theirs is null || ours is null)
        {
            bool deliberate = ours is null
                ? kind is RecordKind.PipelineStoppedIndex or RecordKind.JobStoppedIndex
                : kind == RecordKind.OpenCommit;
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

    // One of the two is what the strategy says, the other is 0, and the strategy itself is gone.
    private static bool IsStrategyApplied(ParallelismSpec theirs, ParallelismSpec ours) =>
        ours.StrategyOf14 == 0 && theirs.StrategyOf14 != 0 && ours.Coefficient.Equals(theirs.Coefficient) && ours.Constant == 0;

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
