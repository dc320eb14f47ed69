using System.Text;
using Google.Protobuf;

namespace Pachyderm.Formats.Tests.Records;

public class RecordCodecTests
{
    private static readonly ClusterKeys Keys = new();

    [Theory]
    [InlineData(GenuineCluster.Small14, "etcd.jsonl.gz", RecordEncoding.Text)]
    [InlineData(GenuineCluster.Dirty14, "etcd.jsonl.gz", RecordEncoding.Text)]
    [InlineData(GenuineCluster.ObjectStore14, "etcd.jsonl.gz", RecordEncoding.Text)]
    [InlineData(GenuineCluster.Small15, "etcd.jsonl.gz", RecordEncoding.Binary)]
    [InlineData(GenuineCluster.Small14, "migrated-by-upstream/etcd.jsonl.gz", RecordEncoding.Binary)]
    [InlineData(GenuineCluster.Dirty14, "migrated-by-upstream/etcd.jsonl.gz", RecordEncoding.Binary)]
    [InlineData(GenuineCluster.Small14, "migrated-by-upstream/etcd-after-1.5.0-started.jsonl.gz", RecordEncoding.Binary)]
    [InlineData(GenuineCluster.Dirty14, "migrated-by-upstream/etcd-after-1.5.0-started.jsonl.gz", RecordEncoding.Binary)]
    public void The_form_of_every_genuine_record_is_recognised(string set, string file, RecordEncoding expected)
    {
        int count = 0;
        foreach (var record in GenuineCluster.Records(set, file))
        {
            if (RecordCodec.For(Keys.Classify(record.Key)) is not { } codec)
            {
                continue;
            }

            Assert.Equal(expected, codec.Detect(record.Value));
            Assert.Equal(expected == RecordEncoding.Text, codec.LooksLikeText(record.Value) || !codec.IsBinary(record.Value));
            count++;
        }

        Assert.True(count >= 150, $"{count} records");
    }

    [Fact]
    public void All_binary_records_of_1_5_are_canonical()
    {
        var descriptors = new Dictionary<RecordKind, Google.Protobuf.Reflection.MessageDescriptor>
        {
            [RecordKind.OpenCommit] = V1_5.Commit.Descriptor,
            [RecordKind.AuthToken] = V1_5.User.Descriptor,
            [RecordKind.Scratch] = V1_5.PutFileRecords.Descriptor,
        };
        var seen = new HashSet<RecordKind>();
        foreach (var record in GenuineCluster.Records(GenuineCluster.Small15).Concat(GenuineCluster.Records(GenuineCluster.Dirty14)))
        {
            var kind = Keys.Classify(record.Key);
            if (descriptors.TryGetValue(kind, out var descriptor) && !record.Value.AsSpan().SequenceEqual("delete"u8))
            {
                Assert.True(CanonicalWire.IsCanonical(descriptor, record.Value), record.KeyText);
                seen.Add(kind);
            }
        }

        Assert.Equal(3, seen.Count);
    }

    [Theory]
    [InlineData("", RecordEncoding.Empty)]
    [InlineData(" \n", RecordEncoding.Empty)]
    [InlineData("job:<id:\"x\" > ", RecordEncoding.Text)]
    [InlineData("\n job:<id:\"x\" > ", RecordEncoding.Text)]
    [InlineData("job:<id:\"x\" ", RecordEncoding.Neither)]
    [InlineData("\n\u0003\n\u0001x", RecordEncoding.Binary)]
    [InlineData("\n\u0003\n\u0001", RecordEncoding.Neither)]
    [InlineData("delete", RecordEncoding.Neither)]
    [InlineData("\0", RecordEncoding.Neither)]
    public void A_value_is_judged_by_its_bytes(string latin1, RecordEncoding expected)
    {
        Assert.Equal(expected, RecordCodec.Job.Detect(Encoding.Latin1.GetBytes(latin1)));
    }

    [Theory]
    [InlineData("0801120178", false, "an undeclared wire type")]
    [InlineData("0a0012017812 0179", false, "a singular field twice")]
    [InlineData("1201780a00", false, "descending numbers")]
    [InlineData("1200", false, "an empty string that should be absent")]
    [InlineData("0a8000120178", false, "a length that is not the shortest")]
    [InlineData("8a000012 0178", false, "a tag that is not the shortest")]
    [InlineData("0a001201781a00", false, "an undeclared field")]
    [InlineData("0a00120578", false, "a string beyond the end")]
    [InlineData("0a00120178", true, "a proper commit")]
    [InlineData("", true, "nothing at all")]
    public void Canonical_bytes_are_those_that_come_back_unchanged(string hex, bool expected, string what)
    {
        byte[] wire = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

        Assert.True(expected == CanonicalWire.IsCanonical(V1_5.Commit.Descriptor, wire), what);
    }

    [Theory]
    [InlineData("08feffffff0f", false)] // int32 beyond its range
    [InlineData("08feffffffffffffffff01", true)] // -2
    [InlineData("0800", false)] // zero
    public void Numbers_are_held_to_the_range_of_their_type(string hex, bool expected)
    {
        Assert.Equal(expected, CanonicalWire.IsCanonical(V1_5.Service.Descriptor, Convert.FromHexString(hex)));
    }

    [Fact]
    public void Fields_that_are_not_declared_survive_a_parse()
    {
        byte[] wire = [0x0a, 0, 0x12, 1, (byte)'x', 0xfa, 0x3f, 2, 1, 2];

        Assert.Equal(wire, V1_5.Commit.Parser.ParseFrom(wire).ToByteArray());
        Assert.Equal(RecordEncoding.Neither, RecordCodec.Branch.Detect(wire));
    }

    [Fact]
    public void Only_the_five_rewritten_kinds_have_a_codec()
    {
        RecordKind[] rewritten = [RecordKind.Repo, RecordKind.Commit, RecordKind.Branch, RecordKind.Pipeline, RecordKind.Job];

        foreach (var kind in Enum.GetValues<RecordKind>())
        {
            Assert.Equal(rewritten.Contains(kind), RecordCodec.For(kind)?.Kind == kind);
        }
    }
}
