using System.Buffers;
using System.IO.Enumeration;
using Google.Protobuf;

namespace Pachyderm.Formats.Tests.Tags;

/// <summary>Every tag of a genuine cluster is worked out from the records of its jobs and the hash trees of their input commits.</summary>
public class GenuineTagTests
{
    private static readonly ClusterKeys Keys = new();

    [Theory]
    [InlineData(GenuineCluster.Small14, TagRecipe.Since147)]
    [InlineData(GenuineCluster.Dirty14, TagRecipe.Since147)]
    [InlineData(GenuineCluster.Small15, TagRecipe.Since151)]
    public void Every_genuine_tag_follows_from_its_job(string set, TagRecipe recipe)
    {
        var cluster = new Cluster(set);
        var explained = new HashSet<string>(StringComparer.Ordinal);
        int datums = 0;
        foreach (var job in cluster.Jobs)
        {
            var candidates = new TagCandidates(recipe, Pipeline(job));
            foreach (var datum in cluster.Datums(job.Input))
            {
                string[] found = [.. candidates.Of(datum).Where(cluster.Objects.Tags.Contains)];
                Assert.True(found.Length > 0 || job.State != V1_5.JobState.JobSuccess, $"A datum of {job.Pipeline.Name.ToStringUtf8()}");
                explained.UnionWith(found);
                datums++;
            }
        }

        var unexplained = cluster.Objects.Tags.Where(t => !explained.Contains(t) && !t.EndsWith("_stats", StringComparison.Ordinal));
        Assert.Empty(unexplained);
        Assert.True(explained.Count >= 48 && datums >= 60, $"{explained.Count} tags, {datums} datums");
    }

    [Fact]
    public void Tags_of_a_pipeline_with_six_variables_are_found_among_720_orders()
    {
        var cluster = new Cluster(GenuineCluster.Small14);
        var jobs = cluster.Jobs.Where(static j => j.Pipeline.Name.Span.SequenceEqual("p-env"u8)).ToArray();
        Assert.NotEmpty(jobs);
        var orders = new HashSet<int>();
        foreach (var job in jobs)
        {
            var candidates = new TagCandidates(TagRecipe.Since147, Pipeline(job));
            Assert.Equal(720, candidates.Count);
            Assert.True(candidates.IsComplete);
            foreach (var datum in cluster.Datums(job.Input))
            {
                orders.Add(candidates.Of(datum).ToList().FindIndex(cluster.Objects.Tags.Contains));
            }
        }

        // The order was random for each datum: the record's own would not have sufficed.
        Assert.DoesNotContain(-1, orders);
        Assert.True(orders.Count > 1);
    }

    [Fact]
    public void Pipelines_without_variables_keep_their_tags_from_1_4_7_to_1_5_0()
    {
        var cluster = new Cluster(GenuineCluster.Small14);
        var job = cluster.Jobs.First(static j => j.Pipeline.Name.Span.SequenceEqual("p-copy"u8) && j.State == V1_5.JobState.JobSuccess);
        var datum = Assert.Single(cluster.Datums(job.Input));

        string tag = TagRecipes.Tag(TagRecipe.Since150, Pipeline(job), datum);

        Assert.Contains(tag, cluster.Objects.Tags);
        Assert.Equal(tag, TagRecipes.Tag(TagRecipe.Since147, Pipeline(job), datum));
    }

    private static TaggedPipeline Pipeline(V1_5.JobInfo job) => new(
        job.Pipeline.Name.Memory,
        job.PipelineId.Memory,
        job.PipelineVersion,
        job.Salt.Memory,
        V1_4.Transform.Parser.ParseFrom(job.Transform.ToByteArray()));

    /// <summary>Jobs and commits of a set, whichever form they are stored in, in the schema of 1.5.</summary>
    private sealed class Cluster
    {
        private readonly Dictionary<string, V1_5.CommitInfo> _commits = new(StringComparer.Ordinal);

        public Cluster(string set)
        {
            Objects = new GenuineObjects(set);
            foreach (var record in GenuineCluster.Records(set))
            {
                var key = Keys.Parse(record.Key);
                if (RecordCodec.For(key.Kind) is not { } codec)
                {
                    continue;
                }

                var wire = new ArrayBufferWriter<byte>();
                byte[] bytes = codec.LooksLikeText(record.Value) && codec.Transcoder.TryTranscode(record.Value, wire, out _) ? wire.WrittenSpan.ToArray() : record.Value;
                switch (key.Kind)
                {
                    case RecordKind.Commit:
                        var commit = V1_5.CommitInfo.Parser.ParseFrom(bytes);
                        _commits.Add(commit.Commit.Id.ToStringUtf8(), commit);
                        break;
                    case RecordKind.Job:
                        Jobs.Add(V1_5.JobInfo.Parser.ParseFrom(bytes));
                        break;
                }
            }
        }

        public GenuineObjects Objects { get; }

        public List<V1_5.JobInfo> Jobs { get; } = [];

        public IReadOnlyList<DatumFile[]> Datums(V1_5.Input input)
        {
            if (input.Atom is { } atom)
            {
                return [.. Files(atom).Select(static f => new[] { f })];
            }

            return input.Union.Count > 0
                ? [.. input.Union.SelectMany(Datums)]
                : input.Cross.Select(Datums).Aggregate(
                    (IReadOnlyList<DatumFile[]>)[[]],
                    static (left, right) => [.. from l in left from r in right select (DatumFile[])[.. l, .. r]]);
        }

        private IEnumerable<DatumFile> Files(V1_5.AtomInput atom)
        {
            if (!_commits.TryGetValue(atom.Commit.ToStringUtf8(), out var commit) || commit.Tree is null)
            {
                return [];
            }

            string[] pattern = atom.Glob.ToStringUtf8().Split('/', StringSplitOptions.RemoveEmptyEntries);
            return Objects.Tree(commit).Fs
                .Where(e => Matches(pattern, e.Key.ToStringUtf8().Split('/', StringSplitOptions.RemoveEmptyEntries)))
                .Select(e => new DatumFile(atom.Name.Memory, e.Key.Memory, e.Value.Hash.Memory));
        }

        private static bool Matches(string[] pattern, string[] path) =>
            pattern.Length == path.Length
            && pattern.Zip(path).All(static p => FileSystemName.MatchesSimpleExpression(p.First, p.Second, ignoreCase: false));
    }
}
