using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Pachyderm.Formats.Tests.Keys;

public class ClusterKeysTests
{
    private static readonly ClusterKeys Default = new();

    [Theory]
    [InlineData(GenuineCluster.Small14)]
    [InlineData(GenuineCluster.Dirty14)]
    [InlineData(GenuineCluster.ObjectStore14)]
    [InlineData(GenuineCluster.Small15)]
    public void Every_genuine_key_is_taken_apart_and_built_again(string set)
    {
        foreach (var record in GenuineCluster.Records(set))
        {
            var key = Default.Parse(record.Key);

            byte[] built = Rebuild(Default, key);

            Assert.Equal(record.KeyText, Encoding.UTF8.GetString(built));
            Assert.True(record.Key.AsSpan().StartsWith(Default.Prefix(key.Kind)));
        }
    }

    [Theory]
    [InlineData(GenuineCluster.Small14, RecordKind.Job, 48)]
    [InlineData(GenuineCluster.Small14, RecordKind.JobInputIndex, 48)]
    [InlineData(GenuineCluster.Small14, RecordKind.JobPipelineIndex, 48)]
    [InlineData(GenuineCluster.Small14, RecordKind.JobStoppedIndex, 48)]
    [InlineData(GenuineCluster.Small14, RecordKind.Pipeline, 19)]
    [InlineData(GenuineCluster.Small14, RecordKind.PipelineStoppedIndex, 19)]
    [InlineData(GenuineCluster.Small14, RecordKind.Repo, 28)]
    [InlineData(GenuineCluster.Small14, RecordKind.RepoRefCount, 28)]
    [InlineData(GenuineCluster.Small14, RecordKind.RepoProvenanceIndex, 31)]
    [InlineData(GenuineCluster.Small14, RecordKind.Branch, 29)]
    [InlineData(GenuineCluster.Small14, RecordKind.Commit, 68)]
    [InlineData(GenuineCluster.Small14, RecordKind.CommitProvenanceIndex, 77)]
    [InlineData(GenuineCluster.Dirty14, RecordKind.Scratch, 3)]
    [InlineData(GenuineCluster.Dirty14, RecordKind.Worker, 18)]
    [InlineData(GenuineCluster.Small15, RecordKind.OpenCommit, 1)]
    [InlineData(GenuineCluster.Small15, RecordKind.Foreign, 0)]
    [InlineData(GenuineCluster.Small15, RecordKind.Unknown, 0)]
    public void Genuine_keys_are_counted_by_kind(string set, RecordKind kind, int expected)
    {
        Assert.Equal(expected, GenuineCluster.Records(set).Count(r => Default.Classify(r.Key) == kind));
    }

    [Theory]
    [InlineData("gc-generation", RecordKind.GcGeneration)]
    [InlineData("gc-generation2", RecordKind.Foreign)]
    [InlineData("", RecordKind.Foreign)]
    [InlineData("pachyderm_pfs", RecordKind.Foreign)]
    [InlineData("pachyderm_pfsx/repos/a", RecordKind.Foreign)]
    [InlineData("pachyderm_pfs/", RecordKind.Unknown)]
    [InlineData("pachyderm_pfs/repos", RecordKind.Unknown)]
    [InlineData("pachyderm_pfs/repos/", RecordKind.Unknown)]
    [InlineData("pachyderm_pfs/repos/a/b", RecordKind.Unknown)]
    [InlineData("pachyderm_pfs/repos__index_{Other %!s(bool=true)}/v/a", RecordKind.Unknown)]
    [InlineData("pachyderm_pfs/repos__index_{Provenance %!s(bool=true)}/a", RecordKind.Unknown)]
    [InlineData("pachyderm_pfs/commits/a", RecordKind.Unknown)]
    [InlineData("pachyderm_pfs/commits/a/", RecordKind.Unknown)]
    [InlineData("pachyderm_pfs/commits/a/b/c", RecordKind.Unknown)]
    [InlineData("pachyderm_pfs/branches/a/b/c", RecordKind.Branch)]
    [InlineData("pachyderm_pfs/branches/a/", RecordKind.Unknown)]
    [InlineData("pachyderm_pfs/jobs/a", RecordKind.Unknown)]
    [InlineData("pachyderm_pfs/scratch/r/c", RecordKind.Unknown)]
    [InlineData("pachyderm_pfs/scratch/r/c/u", RecordKind.Scratch)]
    [InlineData("pachyderm_pfs/auth/tokens/h", RecordKind.AuthToken)]
    [InlineData("pachyderm_pfs/auth/acls/r", RecordKind.AuthAcl)]
    [InlineData("pachyderm_pfs/auth/admins/u", RecordKind.AuthAdmin)]
    [InlineData("pachyderm_pfs/auth/other/u", RecordKind.Unknown)]
    [InlineData("pachyderm_pps/_master_lock/694d", RecordKind.MasterLock)]
    [InlineData("pachyderm_pps/_master_worker_lock/p/s/694d", RecordKind.WorkerMasterLock)]
    [InlineData("pachyderm_pps/workers/rc/10.0.0.1", RecordKind.Worker)]
    [InlineData("pachyderm_pps/workers/rc", RecordKind.Unknown)]
    [InlineData("pachyderm_pps/jobs__index_{Inputs %!s(bool=false)}/[name:\"a\" ]/j", RecordKind.JobInputsIndex)]
    [InlineData("pachyderm_pps/repos/a", RecordKind.Unknown)]
    public void A_key_is_judged_by_its_form(string key, RecordKind expected)
    {
        Assert.Equal(expected, Default.Classify(Encoding.UTF8.GetBytes(key)));
    }

    [Fact]
    public void A_branch_name_may_contain_slashes()
    {
        var key = Default.Parse("pachyderm_pfs/branches/quirks/rel/1.0"u8);

        Assert.True(key.Repo.SequenceEqual("quirks"u8));
        Assert.True(key.Name.SequenceEqual("rel/1.0"u8));
    }

    [Fact]
    public void The_parts_of_a_commit_index_entry_are_found()
    {
        var key = Default.Parse("""pachyderm_pfs/commits/out__index_{Provenance %!s(bool=true)}/repo:<name:"in" > id:"c1" /c2"""u8);

        Assert.Equal(RecordKind.CommitProvenanceIndex, key.Kind);
        Assert.True(key.Repo.SequenceEqual("out"u8));
        Assert.True(key.IndexValue.SequenceEqual("""repo:<name:"in" > id:"c1" """u8));
        Assert.True(key.Id.SequenceEqual("c2"u8));
    }

    [Theory]
    [InlineData("a/b", "a/b/pps")]
    [InlineData("a/b/pfs", "a/b")]
    [InlineData("same", "same")]
    [InlineData("/rooted/", "//double//slash/")]
    [InlineData("", "q")]
    public void Prefixes_may_contain_slashes_and_lie_inside_each_other(string pfs, string pps)
    {
        var keys = new ClusterKeys(pfs, pps);

        Assert.Equal(RecordKind.Repo, keys.Classify(keys.Repo("r"u8)));
        Assert.Equal(RecordKind.Branch, keys.Classify(keys.Branch("r"u8, "x/y"u8)));
        Assert.Equal(RecordKind.Job, keys.Classify(keys.Job("j"u8)));
        Assert.Equal(RecordKind.PipelineStoppedIndex, keys.Classify(keys.PipelineStoppedIndex(true, "p"u8)));
        Assert.True(keys.Job("j"u8).AsSpan().StartsWith(keys.Prefix(RecordKind.Job)));
    }

    [Fact]
    public void Index_keys_are_built_as_upstream_builds_them()
    {
        Assert.Equal(
            """pachyderm_pps/jobs__index_{Pipeline %!s(bool=false)}/name:"p" /j""", Text(Default.JobPipelineIndex("p"u8, "j"u8)));
        Assert.Equal("pachyderm_pps/jobs__index_{Pipeline %!s(bool=false)}/<nil>/j", Text(Default.JobPipelineIndex(default, "j"u8)));
        Assert.Equal("pachyderm_pps/jobs__index_{Input %!s(bool=false)}/<nil>/j", Text(Default.JobInputIndex(default, "j"u8)));
        Assert.Equal(
            """pachyderm_pps/jobs__index_{Inputs %!s(bool=false)}/[name:"a"  name:"b" ]/j""",
            Text(Default.JobInputsIndex(["name:\"a\" "u8.ToArray(), "name:\"b\" "u8.ToArray()], "j"u8)));
        Assert.Equal("pachyderm_pps/jobs__index_{Stopped %!s(bool=false)}/%!s(bool=false)/j", Text(Default.JobStoppedIndex(false, "j"u8)));
    }

    [Fact]
    public void Slashes_inside_indexed_values_are_cleaned_away_as_upstream_does()
    {
        Assert.Equal(
            """pachyderm_pps/jobs__index_{Input %!s(bool=false)}/atom:<glob:"/a/b/" > /j""",
            Text(Default.JobInputIndex("""atom:<glob:"//a/./x/../b/" > """u8, "j"u8)));
    }

    [Theory]
    [InlineData("", ".")]
    [InlineData("/", "/")]
    [InlineData("a", "a")]
    [InlineData("a//b/", "a/b")]
    [InlineData("./a/./b/.", "a/b")]
    [InlineData("a/../b", "b")]
    [InlineData("a/b/../..", ".")]
    [InlineData("../a", "../a")]
    [InlineData("a/../../b", "../b")]
    [InlineData("../../a/..", "../..")]
    [InlineData("/../a", "/a")]
    [InlineData("/a/../..", "/")]
    [InlineData("..a/...", "..a/...")]
    public void Paths_are_cleaned_as_in_go(string path, string expected)
    {
        Assert.Equal(expected, Text(GoPath.Clean(Encoding.UTF8.GetBytes(path))));
    }

    [Fact]
    public void Classifying_a_key_allocates_nothing()
    {
        byte[] key = Default.CommitProvenanceIndex("r"u8, "c"u8, "p"u8, "d"u8);
        Assert.Equal(RecordKind.CommitProvenanceIndex, Default.Classify(key));

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            Default.Classify(key);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Kinds_without_a_place_of_their_own_have_no_prefix()
    {
        Assert.Throws<ArgumentOutOfRangeException>(static () => Default.Prefix(RecordKind.Unknown));
        Assert.Throws<ArgumentOutOfRangeException>(static () => Default.Prefix(RecordKind.Foreign));
    }

    private static byte[] Rebuild(ClusterKeys keys, RecordKey key)
    {
        switch (key.Kind)
        {
            case RecordKind.Repo:
                return keys.Repo(key.Repo);
            case RecordKind.RepoProvenanceIndex:
                return keys.RepoProvenanceIndex(Value(V1_4.Repo.Descriptor, key.IndexValue, V1_4.Repo.Parser).Name.Span, key.Repo);
            case RecordKind.RepoRefCount:
                return keys.RepoRefCount(key.Repo);
            case RecordKind.Commit:
                return keys.Commit(key.Repo, key.Id);
            case RecordKind.CommitProvenanceIndex:
                var provenance = Value(V1_4.Commit.Descriptor, key.IndexValue, V1_4.Commit.Parser);
                return keys.CommitProvenanceIndex(key.Repo, key.Id, provenance.Repo.Name.Span, provenance.Id.Span);
            case RecordKind.Branch:
                return keys.Branch(key.Repo, key.Name);
            case RecordKind.OpenCommit:
                return keys.OpenCommit(key.Id);
            case RecordKind.Scratch:
                return keys.Scratch(key.Repo, key.Id, key.Path, key.Name);
            case RecordKind.AuthToken:
                return keys.AuthToken(key.Name);
            case RecordKind.Pipeline:
                return keys.Pipeline(key.Name);
            case RecordKind.PipelineStoppedIndex:
                return keys.PipelineStoppedIndex(key.IndexValue.SequenceEqual("%!s(bool=true)"u8), key.Name);
            case RecordKind.Job:
                return keys.Job(key.Id);
            case RecordKind.JobPipelineIndex:
                return keys.JobPipelineIndex(Value(V1_4.Pipeline.Descriptor, key.IndexValue, V1_4.Pipeline.Parser).Name.Span, key.Id);
            case RecordKind.JobInputIndex:
                var input = Value(V1_5.Input.Descriptor, key.IndexValue, V1_5.Input.Parser);
                return keys.JobInputIndex(ProtoTextFormatter.Format(input), key.Id);
            case RecordKind.JobStoppedIndex:
                return keys.JobStoppedIndex(key.IndexValue.SequenceEqual("%!s(bool=true)"u8), key.Id);
            case RecordKind.Worker or RecordKind.WorkerMasterLock or RecordKind.MasterLock:
                return [.. keys.Prefix(key.Kind), .. key.Name, .. key.Name.IsEmpty ? ""u8 : "/"u8, .. key.Path];
            default:
                throw new InvalidOperationException($"No genuine key is {key.Kind}");
        }
    }

    private static T Value<T>(MessageDescriptor type, ReadOnlySpan<byte> text, MessageParser<T> parser)
        where T : IMessage<T> => parser.ParseFrom(ProtoTextTranscoder.For(type).Transcode(text, "index value"));

    private static string Text(byte[] key) => Encoding.UTF8.GetString(key);
}
