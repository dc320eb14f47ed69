using System.Text;
using CsCheck;
using Pachyderm.Errors;
using Pachyderm.Metadata;
using Pachyderm.Pps;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using Pachyderm.TestSupport;

namespace Pachyderm.Portable.Tests;

/// <summary>
/// The stream of format 1 that is kept in Golden/: pachctl extracted it from a small cluster with two repos, a pipeline that has processed two
/// commits of three, and an open commit. It must be readable for ever.
/// </summary>
public class GoldenStreamTests
{
    private static readonly string GoldenPath = Path.Combine(
        RepositoryPaths.Root, "test", "Pachyderm.Portable.Tests", "Golden", "format-1.pachyderm");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_stream_of_format_1_is_read_as_it_was_meant()
    {
        await using StoreHarness store = await StoreHarness.OpenAsync();

        RestoreSummary summary = await store.RestoreAsync(await File.ReadAllBytesAsync(GoldenPath, Token));

        Assert.Equal((0, "upper"), (summary.Present, Assert.Single(summary.Pipelines)));
        Assert.Equal("one\n", await store.ReadAsync("lines", "f0d54e986652440fb55a1c8c11a69d30", "/a"));
        Assert.Equal("two\n", await store.ReadAsync("lines", "kept", "/b"));
        Assert.Equal("three\n", await store.ReadAsync("lines", "master", "/c"));
        Assert.Equal("TWO\n", await store.ReadAsync("upper", "master", "/b"));
        Assert.Equal("x2", await store.ReadAsync("other", "master", "/d/2"));
        await store.Metadata.ReadAsync(
            static reader =>
            {
                Assert.Equal(["other", "upper", "lines"], reader.ListRepos().Select(static repo => repo.Name));
                Assert.Equal("what comes in", reader.FindRepo("lines")!.Description);
                Assert.Equal(["lines"], reader.FindRepo("upper")!.Provenance);
                Assert.Equal(
                    ["759b5f59d2a94d7d8047edb8f3fb6bd2", "d0cbed84d1a2453ba498664b31d4a8fa", "f0d54e986652440fb55a1c8c11a69d30"],
                    reader.ListCommits("lines", null, 10).Select(static commit => commit.Key.Id));
                CommitRecord output = reader.FindCommit(new CommitKey("upper", "3d8ff564341c4dceb56b2f8139a7b96c"))!;
                Assert.Equal(new CommitKey("lines", "d0cbed84d1a2453ba498664b31d4a8fa"), Assert.Single(output.Provenance));
                Assert.Equal(("8c9bb5099ea344a985f60e9b3abbc325", 8), (output.Parent, output.SizeBytes));
                PpsReader records = new(reader);
                Pipeline pipeline = records.FindPipeline(new PipelineName("upper"))!.Pipeline;
                Assert.Equal((1UL, "4dfe62797cf64a0b8e766537a7e6af3c"), (pipeline.Version, pipeline.Salt.Value));
                Assert.Equal(
                    ["0709d51d-116b-4620-9703-b72d825b7ecf", "a189ba04-afc3-4e19-8a8a-8c07c5710e5c"],
                    records.ListJobs(null, null, 10).Select(static job => job.Job.Id.Value));
                Assert.Equal(2, records.ListResults(null, 10).Count);
                Assert.Equal(2, records.ListArrived(pipeline.Name, null, 10).Count);
                Assert.Equal(reader.LastChange, records.FindCursor(pipeline.Name));
                return 0;
            },
            Token);
    }

    [Fact]
    public async Task What_was_restored_is_extracted_as_the_same_frames_by_this_release()
    {
        byte[] golden = await File.ReadAllBytesAsync(GoldenPath, Token);
        await using StoreHarness store = await StoreHarness.OpenAsync();
        await store.RestoreAsync(golden);

        byte[] again = await store.ExtractAsync();

        Assert.Equal(await StoreHarness.ReadFramesAsync(golden), await StoreHarness.ReadFramesAsync(again));
        RestoreSummary second = await store.RestoreAsync(again);
        Assert.Equal(0, second.Created);
        Assert.Equal(await StoreHarness.ReadFramesAsync(golden), await StoreHarness.ReadFramesAsync(await store.ExtractAsync()));
    }

    [Fact]
    public async Task A_stream_of_a_later_format_is_refused_unless_it_allows_this_reader()
    {
        byte[] golden = await File.ReadAllBytesAsync(GoldenPath, Token);
        await using StoreHarness store = await StoreHarness.OpenAsync();

        OperatorException refused = await Assert.ThrowsAsync<OperatorException>(() => store.RestoreAsync(WithVersion(golden, 2, 2)));

        Assert.Equal("stream-format-unknown", refused.Id);

        // The header has changed, and so must the digest at the end: it is the one thing that is wrong then.
        CorruptionException allowed = await Assert.ThrowsAsync<CorruptionException>(() => store.RestoreAsync(WithVersion(golden, 2, 1)));
        Assert.Contains("SHA-256", allowed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Any_change_of_any_byte_is_noticed_and_leaves_nothing()
    {
        byte[] golden = await File.ReadAllBytesAsync(GoldenPath, Token);
        await using StoreHarness store = await StoreHarness.OpenAsync();
        await Gen.Select(Gen.Int[0, golden.Length - 1], Gen.Int[1, 255], Gen.Int[0, 2]).SampleAsync(
            async (place, change, what) =>
            {
                byte[] damaged = what switch
                {
                    0 => golden[..place],
                    1 => [.. golden, (byte)change],
                    _ => [.. golden],
                };
                if (what == 2)
                {
                    damaged[place] ^= (byte)change;
                }

                await Assert.ThrowsAnyAsync<OperatorException>(() => store.RestoreAsync(damaged));
                Assert.Empty(await store.Metadata.ReadAsync(static reader => reader.ListRepos(), Token));
            },
            iter: 300, threads: 1);
    }

    [Theory]
    [InlineData((int)FrameKind.Repo, "{}")]
    [InlineData((int)FrameKind.Repo, "null")]
    [InlineData((int)FrameKind.Repo, "[[[[")]
    [InlineData((int)FrameKind.Repo, """{"name":null,"created":1}""")]
    [InlineData((int)FrameKind.Repo, """{"name":"../x","created":1}""")]
    [InlineData((int)FrameKind.Repo, """{"name":"x","created":-1}""")]
    [InlineData((int)FrameKind.Commit, """{"repo":"none","id":"759b5f59d2a94d7d8047edb8f3fb6bd2","started":1}""")]
    [InlineData((int)FrameKind.Commit, """{"repo":"none","id":"x/y","started":1}""")]
    [InlineData((int)FrameKind.Commit, """{"repo":"none","id":"759b5f59d2a94d7d8047edb8f3fb6bd2","started":1,"provenance":["half"]}""")]
    [InlineData((int)FrameKind.Object, """{"hash":"x","size":1,"content":"AAAA"}""")]
    [InlineData((int)FrameKind.Object, """{"hash":"x","size":1,"content":"?"}""")]
    [InlineData((int)FrameKind.Tag, """{"name":"\ud800","object":"x"}""")]
    [InlineData((int)FrameKind.Job, "{}")]
    [InlineData((int)FrameKind.QueuedJob, """{"format":99,"minReader":99}""")]
    [InlineData((int)FrameKind.Pipeline, """{"name":"\u0000"}""")]
    [InlineData((int)FrameKind.Result, """{"tag":"zz","job":"x","output":"AAAA"}""")]
    [InlineData((int)FrameKind.Result, """{"tag":"c2910c32a50f22b86a162c30e37787a6aea3e00dff708bddf856933cf6d3ed680e4f","job":"x","output":"AAAA"}""")]
    public async Task A_record_that_nobody_extracted_is_refused_without_a_crash(int kind, string json)
    {
        await using StoreHarness store = await StoreHarness.OpenAsync();
        using MemoryStream stream = new();
        using (FrameWriter frames = new(stream))
        {
            await frames.BeginAsync(Guid.NewGuid(), TimeProvider.System.GetUtcNow(), Token);
            await frames.WriteBytesAsync((FrameKind)kind, Encoding.UTF8.GetBytes(json), default, Token);
            await frames.EndAsync(Token);
        }

        await Assert.ThrowsAnyAsync<OperatorException>(() => store.RestoreAsync(stream.ToArray()));
        Assert.Empty(await store.Metadata.ReadAsync(static reader => reader.ListRepos(), Token));
    }

    [Fact]
    public async Task Content_that_is_missing_in_a_stream_is_named()
    {
        await using StoreHarness store = await StoreHarness.OpenAsync();
        using MemoryStream without = new();
        using (MemoryStream golden = new(await File.ReadAllBytesAsync(GoldenPath, Token)))
        using (FrameReader reader = new(golden))
        using (FrameWriter writer = new(without))
        {
            await reader.BeginAsync(Token);
            await writer.BeginAsync(Guid.NewGuid(), TimeProvider.System.GetUtcNow(), Token);
            while (await reader.ReadAsync(Token))
            {
                if (reader.Kind != FrameKind.Chunk)
                {
                    await writer.WriteBytesAsync(reader.Kind, reader.Payload, default, Token);
                }
            }

            await writer.EndAsync(Token);
        }

        CorruptionException missing = await Assert.ThrowsAsync<CorruptionException>(() => store.RestoreAsync(without.ToArray()));

        Assert.Contains("commit lines/f0d54e986652440fb55a1c8c11a69d30", missing.Message, StringComparison.Ordinal);
        Assert.Empty(await store.Metadata.ReadAsync(static reader => reader.ListRepos(), Token));
    }

    private static byte[] WithVersion(byte[] golden, byte version, byte minReader)
    {
        byte[] changed = [.. golden];
        changed[8] = version;
        changed[10] = minReader;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(changed.AsSpan(56), System.IO.Hashing.XxHash3.HashToUInt64(changed.AsSpan(0, 56)));
        return changed;
    }
}
