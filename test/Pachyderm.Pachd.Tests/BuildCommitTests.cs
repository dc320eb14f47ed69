using System.Security.Cryptography;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Pachyderm.Formats.Content;
using Pachyderm.Tests;
using static Pachyderm.Pachd.Tests.PachdProcess;

namespace Pachyderm.Pachd.Tests;

/// <summary>Commits that clients build from objects, as the workers of 1.5 did.</summary>
public sealed class BuildCommitTests(SharedPachd shared) : IClassFixture<SharedPachd>
{
    private const string Set = "pachyderm-1.5.3-small";

    private readonly PachdProcess pachd = shared.Pachd;
    private readonly string repo = "r" + Guid.NewGuid().ToString("N");
    private readonly HashSet<string> put = new(StringComparer.Ordinal);

    private Wire.Pfs.ObjectAPI.ObjectAPIClient Objects => new(pachd.Channel);

    [Fact]
    public async Task Every_tree_of_a_genuine_cluster_becomes_a_commit_with_its_files()
    {
        using FixtureContent content = new(Set);
        LegacyContentStore store = await LegacyContentStore.OpenAsync(content.Root, Token);
        using JsonDocument expected = FixtureContent.Expected(Set);
        await pachd.CreateRepoAsync(repo);
        string? parent = null;
        foreach ((string source, string id, string? tree, JsonElement files) in FixtureContent.Commits(expected).DistinctBy(commit => commit.Tree))
        {
            await PutTreeAsync(store, tree!);

            Wire.Pfs.CommitInfo built = await InspectAsync(await BuildAsync(tree!, "master"));

            Assert.Equal(parent ?? "", built.ParentCommit?.Id ?? "");
            Assert.NotNull(built.Finished);
            parent = built.Commit.Id;
            foreach (JsonElement file in files.EnumerateArray().Where(static file => file.GetProperty("type").GetString() == "FILE"))
            {
                string path = file.GetProperty("path").GetString()!;
                byte[] bytes = [.. (await pachd.GetAsync(repo, built.Commit.Id, path)).SelectMany(static piece => piece)];
                Assert.True(
                    file.GetProperty("sha256").GetString() == Convert.ToHexStringLower(SHA256.HashData(bytes)), $"{path} of {source}/{id}");
            }
            ulong size = files.EnumerateArray().Where(static file => file.GetProperty("type").GetString() == "FILE")
                .Aggregate(0ul, static (sum, file) => sum + file.GetProperty("size").GetUInt64());
            Assert.Equal(size, built.SizeBytes);
        }
        Assert.NotNull(parent);
    }

    [Fact]
    public async Task The_tree_of_another_commit_can_be_used_again()
    {
        await pachd.CreateRepoAsync(repo);
        string commit = await pachd.StartCommitAsync(repo, "master");
        await pachd.PutAsync(repo, commit, "/f", "content"u8.ToArray());
        await pachd.FinishAsync(repo, commit);

        Wire.Pfs.CommitInfo copy = await InspectAsync(await BuildAsync((await InspectAsync(commit)).Tree.Hash, "copy"));

        Assert.Equal("content"u8.ToArray(), Assert.Single(await pachd.GetAsync(repo, copy.Commit.Id, "/f")));
        Assert.Null(copy.ParentCommit);
    }

    [Fact]
    public async Task A_tree_that_is_none_or_lacks_an_object_is_refused_and_makes_no_commit()
    {
        using FixtureContent content = new(Set);
        LegacyContentStore store = await LegacyContentStore.OpenAsync(content.Root, Token);
        using JsonDocument expected = FixtureContent.Expected(Set);
        string tree = FixtureContent.Commits(expected).First(static commit => commit.Repo == "p_Secret").Tree!;
        await pachd.CreateRepoAsync(repo);

        await RefusedAsync(StatusCode.NotFound, new string('0', 128));
        await RefusedAsync(StatusCode.NotFound, new string('0', 64));
        await RefusedAsync(StatusCode.NotFound, "");
        await RefusedAsync(StatusCode.InvalidArgument, await PutAsync([0xff, 1, 2, 3]));
        byte[] bytes = await ReadAsync(store, tree);
        await PutAsync(bytes);
        foreach (string part in HashTree.Parse(bytes, "tree").Walk().SelectMany(static node => node.Objects))
        {
            Wire.Pfs.DeleteObjectsRequest gone = new();
            gone.Objects.Add(new Wire.Pfs.Object { Hash = part });
            await Objects.DeleteObjectsAsync(gone, cancellationToken: Token);
        }
        await RefusedAsync(StatusCode.NotFound, tree);

        Wire.Pfs.CommitInfos none = await pachd.Pfs.ListCommitAsync(
            new Wire.Pfs.ListCommitRequest { Repo = new Wire.Pfs.Repo { Name = repo } }, cancellationToken: Token);
        Assert.Empty(none.CommitInfo);
    }

    private async Task RefusedAsync(StatusCode status, string tree) =>
        Assert.Equal(status, (await Assert.ThrowsAsync<RpcException>(() => BuildAsync(tree, "master"))).StatusCode);

    private async Task<string> BuildAsync(string tree, string branch)
    {
        Wire.Pfs.BuildCommitRequest request = new()
        {
            Parent = Commit(repo, ""),
            Branch = branch,
            Tree = new Wire.Pfs.Object { Hash = tree },
        };
        return (await pachd.Pfs.BuildCommitAsync(request, cancellationToken: Token)).Id;
    }

    private async Task<Wire.Pfs.CommitInfo> InspectAsync(string commit) =>
        await pachd.Pfs.InspectCommitAsync(new Wire.Pfs.InspectCommitRequest { Commit = Commit(repo, commit) }, cancellationToken: Token);

    private async Task PutTreeAsync(LegacyContentStore store, string tree)
    {
        byte[] bytes = await ReadAsync(store, tree);
        Assert.Equal(tree, await PutAsync(bytes));
        foreach (string part in HashTree.Parse(bytes, "tree").Walk().SelectMany(static node => node.Objects).Where(put.Add))
        {
            Assert.Equal(part, await PutAsync(await ReadAsync(store, part)));
        }
    }

    private static async Task<byte[]> ReadAsync(LegacyContentStore store, string hash)
    {
        await using Stream stream = (await store.OpenObjectAsync(hash, Token))!;
        using MemoryStream bytes = new();
        await stream.CopyToAsync(bytes, Token);
        return bytes.ToArray();
    }

    private async Task<string> PutAsync(byte[] bytes)
    {
        using var call = Objects.PutObject(cancellationToken: Token);
        await call.RequestStream.WriteAsync(new Wire.Pfs.PutObjectRequest { Value = ByteString.CopyFrom(bytes) }, Token);
        await call.RequestStream.CompleteAsync();
        return (await call).Hash;
    }
}
