using System.Buffers;
using Google.Protobuf;

namespace Pachyderm.Formats.Tests.Records;

/// <summary>What upstream's own migration made of the same records.</summary>
public class UpstreamMigrationTests
{
    private static readonly ClusterKeys Keys = new();

    [Theory]
    [InlineData(GenuineCluster.Small14, 28, 68, 29)]
    [InlineData(GenuineCluster.Dirty14, 28, 70, 30)]
    public void Transcoded_repos_commits_and_branches_are_upstreams_byte_for_byte(string set, int repos, int commits, int branches)
    {
        var counts = new Dictionary<RecordKind, int>();
        foreach (var (kind, wire, upstream) in Pairs(set))
        {
            if (kind is RecordKind.Repo or RecordKind.Commit or RecordKind.Branch)
            {
                Assert.Equal(upstream, wire);
                Assert.True(RecordCodec.For(kind)!.IsBinary(wire));
                counts[kind] = counts.GetValueOrDefault(kind) + 1;
            }
        }

        Assert.Equal((repos, commits, branches), (counts[RecordKind.Repo], counts[RecordKind.Commit], counts[RecordKind.Branch]));
    }

    [Theory]
    [InlineData(GenuineCluster.Small14)]
    [InlineData(GenuineCluster.Dirty14)]
    public void Transcoded_pipelines_and_jobs_are_upstreams_but_for_the_order_of_map_entries(string set)
    {
        int count = 0;
        foreach (var (kind, wire, upstream) in Pairs(set))
        {
            switch (kind)
            {
                case RecordKind.Pipeline:
                    Assert.Equal(
                        Messages.Sorted(V1_5.PipelineInfo.Parser.ParseFrom(upstream)),
                        Messages.Sorted(V1_5.PipelineInfo.Parser.ParseFrom(wire)));
                    count++;
                    break;
                case RecordKind.Job:
                    Assert.Equal(
                        Messages.Sorted(V1_5.JobInfo.Parser.ParseFrom(upstream)),
                        Messages.Sorted(V1_5.JobInfo.Parser.ParseFrom(wire)));
                    count++;
                    break;
            }
        }

        Assert.Equal(19 + 48, count);
    }

    [Fact]
    public void A_migrated_record_is_read_by_the_schema_of_1_5_without_undeclared_fields()
    {
        foreach (var (kind, wire, _) in Pairs(GenuineCluster.Small14))
        {
            IMessage message = kind switch
            {
                RecordKind.Pipeline => V1_5.PipelineInfo.Parser.WithDiscardUnknownFields(true).ParseFrom(wire),
                RecordKind.Job => V1_5.JobInfo.Parser.WithDiscardUnknownFields(true).ParseFrom(wire),
                RecordKind.Repo => V1_5.RepoInfo.Parser.WithDiscardUnknownFields(true).ParseFrom(wire),
                RecordKind.Commit => V1_5.CommitInfo.Parser.WithDiscardUnknownFields(true).ParseFrom(wire),
                _ => V1_5.Commit.Parser.WithDiscardUnknownFields(true).ParseFrom(wire),
            };

            Assert.Equal(wire, message.ToByteArray());
        }
    }

    private static IEnumerable<(RecordKind Kind, byte[] Wire, byte[] Upstream)> Pairs(string set)
    {
        var migrated = GenuineCluster.Records(set, "migrated-by-upstream/etcd.jsonl.gz")
            .ToDictionary(static r => r.KeyText, static r => r.Value, StringComparer.Ordinal);
        foreach (var record in GenuineCluster.Records(set))
        {
            if (RecordCodec.For(Keys.Classify(record.Key)) is { } codec)
            {
                var wire = new ArrayBufferWriter<byte>();
                Assert.True(codec.Transcoder.TryTranscode(record.Value, wire, out _));
                yield return (codec.Kind, wire.WrittenSpan.ToArray(), migrated[record.KeyText]);
            }
        }
    }
}
