using System.Globalization;
using System.Text;
using Grpc.Core;
using Pachyderm.Client;
using Pachyderm.Errors;
using static Pachyderm.Pachd.Tests.PachdProcess;

namespace Pachyderm.Pachd.Tests.OldServers;

/// <summary>Files and histories from servers of 1.3, 1.4 and 1.5, for which stand-ins serve (see <see cref="OldCluster"/>).</summary>
public sealed class OldServerTests(SharedPachd shared) : IClassFixture<SharedPachd>
{
    private readonly string repo = "r" + Guid.NewGuid().ToString("N");

    private PachdProcess Pachd => shared.Pachd;

    [Fact]
    public async Task Files_of_1_4_and_1_5_are_fetched_by_pachd_with_the_calls_that_these_have()
    {
        await using OldCluster old = await OldCluster.StartAsync<StandIn1_5>();
        OldCommit first = old.Add(new OldCommit(Id(1), "master", null, 1))
            .With("/a", "one").With("/dir/b c", "two").With("/dir/sub/é[x]*", "three").With("/dir/empty", "");
        old.Add(new OldCommit(Id(2), "master", first.Id, 2)).With("/a", "changed").With("/large", new string('x', 5 << 20));
        await Pachd.CreateRepoAsync(repo);
        string url = $"pfs://{old.Address}/data";

        Assert.Equal(
            ["/a changed", "/dir/b c two", "/dir/empty ", "/dir/sub/é[x]* three", $"/large {new string('x', 5 << 20)}"],
            await FetchAsync("all", $"{url}/master"));
        Assert.Equal(["/b c two", "/empty ", "/sub/é[x]* three"], await FetchAsync("part", $"{url}/{first.Id}/dir/"));
        Assert.Equal(["/t one"], await FetchAsync("file", $"{url}/{first.Id}/a", "/t"));
        Assert.Equal(["/t one"], await FetchAsync("single", $"{url}/{first.Id}/a", "/t", recursive: false));
        await RefusedAsync(FetchAsync("none", $"{url}/missing"), StatusCode.NotFound, "missing not found");
        await RefusedAsync(FetchAsync("none", $"{url}/master/none"), StatusCode.NotFound, "no node at \"/none\"");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Files_of_1_3_are_fetched_though_its_identifiers_have_a_slash(bool echoesNames)
    {
        await using OldCluster old = await OldCluster.StartAsync<StandIn1_3>(echoesNames);
        old.Add(new OldCommit("master/0", "master", null, 1)).With("/a", "one").With("/dir/b", "two").With("/7/c", "three");
        old.Add(new OldCommit("master/1", "master", "master/0", 2)).With("/a", "changed");
        await Pachd.CreateRepoAsync(repo);
        string url = $"pfs://{old.Address}/data/master";

        Assert.Equal(["/7/c three", "/a changed", "/dir/b two"], await FetchAsync("head", url));
        Assert.Equal(["/7/c three", "/a one", "/dir/b two"], await FetchAsync("first", $"{url}/0"));
        Assert.Equal(["/b two"], await FetchAsync("part", $"{url}/0/dir"));
        Assert.Equal(["/t one"], await FetchAsync("file", $"{url}/0/a", "/t"));
        Assert.Equal(["/t changed"], await FetchAsync("single", $"{url}/a", "/t", recursive: false));
        Assert.Equal(["/c three"], await FetchAsync("number", $"{url}/7"));
        await RefusedAsync(FetchAsync("none", $"{url}/0/none"), StatusCode.NotFound, "not found");
    }

    [Fact]
    public async Task A_list_of_1_5_may_be_longer_than_20_MiB()
    {
        await using OldCluster old = await OldCluster.StartAsync<StandIn1_5>();
        OldCommit commit = old.Add(new OldCommit(Id(1), "master", null, 1));
        for (int number = 0; number < 2_000; number++)
        {
            commit.With(string.Create(CultureInfo.InvariantCulture, $"/{number:D6}{new string('n', 12_000)}"), "");
        }
        await using PachClient patient = old.Connect();
        await using PachClient strict = old.Connect(20 << 20);

        RemoteCommit remote = await RemoteCommit.OpenAsync(patient, "data", "master", Token);
        Assert.Equal(2_000, await remote.FilesAsync(Token).CountAsync(Token));
        RemoteCommit refused = await RemoteCommit.OpenAsync(strict, "data", "master", Token);
        await Assert.ThrowsAsync<OperatorException>(() => refused.FilesAsync(Token).CountAsync(Token).AsTask());
    }

    [Fact]
    public async Task The_history_of_1_4_and_1_5_arrives_and_is_continued()
    {
        await using OldCluster old = await OldCluster.StartAsync<StandIn1_5>();
        old.Add(new OldCommit(Id(1), "master", null, 1)).With("/a", "one").With("/dir/b", "two").With("/dir/c", "").With("/same/x", "same");
        old.Add(new OldCommit(Id(2), "master", Id(1), 2)).With("/a", "one and more").Without("/dir");
        old.Add(new OldCommit(Id(3), "master", Id(2), 3));
        old.Add(new OldCommit(Id(4), "master", Id(3), 4)).Without("/a").With("/a/file", "below").With("/dir/", "");
        old.Add(new OldCommit(Id(5), "master", Id(4), 5) { IsOpen = true }).With("/open", "x");
        await using PachClient source = old.Connect();
        await using PachClient target = new(Pachd.GrpcAddress);
        await target.Repos.CreateAsync(repo, cancellationToken: Token);

        HistoryReplay replay = await HistoryReplay.PlanAsync(source, new CommitRef("data", "master"), target, new CommitRef(repo, "master"), Token);
        Assert.Equal((4, 0, Id(5)), (replay.Total, replay.Present, Assert.Single(replay.Open)));
        Assert.Equal(new Transfer(6, 27), await replay.RunAsync(cancellationToken: Token));

        foreach (OldCommit commit in old.Commits.SkipLast(1))
        {
            Wire.Pfs.CommitInfo copy = await target.Commits.InspectAsync(new CommitRef(repo, commit.Id), Token);
            Assert.Equal((commit.Parent ?? "", commit.Started, commit.Finished), (copy.ParentCommit?.Id ?? "", copy.Started, copy.Finished));
            Assert.Equal(Tree(commit), await TreeAsync(target, commit.Id));
        }
        Assert.Equal(["/a", "/a", "/a/file", "/dir/b", "/dir/c", "/same/x"], old.Reads.Order(StringComparer.Ordinal));

        old.Add(new OldCommit(Id(6), "master", Id(4), 6)).With("/same/x", "other");
        HistoryReplay next = await HistoryReplay.PlanAsync(source, new CommitRef("data", "master"), target, new CommitRef(repo, "master"), Token);
        Assert.Equal((5, 4), (next.Total, next.Present));
        Assert.Equal(new Transfer(1, 5), await next.RunAsync(cancellationToken: Token));
        Assert.Equal(Tree(old.Commits[^1]), await TreeAsync(target, "master"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_history_of_1_3_arrives_under_identifiers_that_follow_from_its_own(bool echoesNames)
    {
        await using OldCluster old = await OldCluster.StartAsync<StandIn1_3>(echoesNames);
        old.Add(new OldCommit("master/0", "master", null, 1)).With("/a", "one").With("/dir/b", "two").With("/dir/c", "").With("/same/x", "same");
        old.Add(new OldCommit("master/1", "master", "master/0", 2)).With("/a", "ONE").Without("/dir/b");
        old.Add(new OldCommit("master/2", "master", "master/1", 3) { IsCancelled = true }).With("/cancelled", "x");
        old.Add(new OldCommit("fork/0", "fork", "master/1", 4)).With("/fork", "f");
        old.Add(new OldCommit("master/3", "master", "master/2", 5)).Without("/cancelled").Without("/a").With("/a/file", "below");
        old.Add(new OldCommit("master/4", "master", "master/3", 6) { IsArchived = true }).With("/archived", "x");
        old.Add(new OldCommit("master/5", "master", "master/4", 7)).With("/new", "n");
        old.Add(new OldCommit("master/6", "master", "master/5", 8) { IsOpen = true }).With("/open", "x");
        await using PachClient source = old.Connect();
        await using PachClient target = new(Pachd.GrpcAddress);
        await target.Repos.CreateAsync(repo, cancellationToken: Token);
        OldCommit[] kept = [.. old.Commits.Where(commit => commit.Branch == "master" && !commit.IsOpen && !commit.IsCancelled && !commit.IsArchived)];

        HistoryReplay replay = await HistoryReplay.PlanAsync(source, new CommitRef("data", "master"), target, new CommitRef(repo, "master"), Token);
        Assert.Equal((4, 0, "master/6"), (replay.Total, replay.Present, Assert.Single(replay.Open)));
        Assert.Equal(["master/4", "master/2"], replay.Dropped);
        Assert.Equal(new Transfer(8, 20), await replay.RunAsync(cancellationToken: Token));

        Wire.Pfs.CommitInfo[] copies = await target.Commits.ListAsync(repo, "master", cancellationToken: Token).Reverse().ToArrayAsync(Token);
        Assert.Equal(kept.Length, copies.Length);
        foreach ((OldCommit commit, Wire.Pfs.CommitInfo copy) in kept.Zip(copies))
        {
            Assert.Matches("^[0-9a-f]{12}4[0-9a-f]{19}$", copy.Commit.Id);
            Assert.Equal((commit.Started, commit.Finished), (copy.Started, copy.Finished));
            Assert.Equal(Tree(commit), await TreeAsync(target, copy.Commit.Id));
        }
        Assert.Equal(["/a", "/a", "/a/file", "/archived", "/dir/b", "/dir/c", "/new", "/same/x"], old.Reads.Order(StringComparer.Ordinal));

        HistoryReplay fork = await HistoryReplay.PlanAsync(source, new CommitRef("data", "fork"), target, new CommitRef(repo, "fork"), Token);
        Assert.Equal((3, 2), (fork.Total, fork.Present));
        Assert.Equal(new Transfer(1, 1), await fork.RunAsync(cancellationToken: Token));
        Assert.Equal(Tree(old.Commits[3]), await TreeAsync(target, "fork"));

        HistoryReplay upTo = await HistoryReplay.PlanAsync(source, new CommitRef("data", "master/1"), target, new CommitRef(repo, "upto"), Token);
        Assert.Equal((2, 2), (upTo.Total, upTo.Present));
        await upTo.RunAsync(cancellationToken: Token);
        Assert.Equal(Tree(kept[1]), await TreeAsync(target, "upto"));

        old.Finish("master/6");
        HistoryReplay later = await HistoryReplay.PlanAsync(source, new CommitRef("data", "master"), target, new CommitRef(repo, "master"), Token);
        Assert.Equal((5, 4), (later.Total, later.Present));
        Assert.Equal(new Transfer(1, 1), await later.RunAsync(cancellationToken: Token));
        Assert.Equal(Tree(old.Commits[^1]), await TreeAsync(target, "master"));

        old.Clear();
        old.Add(new OldCommit("master/0", "master", null, 9)).With("/a", "another repo of this name");
        OperatorException refused = await Assert.ThrowsAsync<OperatorException>(
            () => HistoryReplay.PlanAsync(source, new CommitRef("data", "master"), target, new CommitRef(repo, "master"), Token));
        Assert.Equal("history-differs", refused.Id);
    }

    [Fact]
    public async Task A_target_that_cannot_keep_identifiers_is_told_from_one_that_can()
    {
        await using OldCluster old = await OldCluster.StartAsync<StandIn1_5>();
        old.Add(new OldCommit(Id(1), "master", null, 1)).With("/a", "one");
        await using PachClient source = old.Connect();
        OperatorException refused = await Assert.ThrowsAsync<OperatorException>(async () =>
        {
            await using OldCluster target = await OldCluster.StartAsync<StandInTarget>();
            await using PachClient client = target.Connect();
            HistoryReplay replay = await HistoryReplay.PlanAsync(source, new CommitRef("data", "master"), client, new CommitRef("data", "master"), Token);
            await replay.RunAsync(cancellationToken: Token);
        });
        Assert.Equal("target-too-old", refused.Id);
    }

    private static string Id(int number) => string.Create(CultureInfo.InvariantCulture, $"{number:x12}4{number:x19}");

    private static string[] Tree(OldCommit commit) =>
        [.. commit.Files.Where(file => !file.Key.EndsWith('/')).Select(file => $"{file.Key} {Encoding.UTF8.GetString(file.Value.Content)}")
            .Concat(Directories(commit)).Order(StringComparer.Ordinal)];

    private static IEnumerable<string> Directories(OldCommit commit) =>
        commit.Files.Keys.SelectMany(path => path.Select((letter, index) => letter == '/' && index > 0 ? path[..index] : "")).Where(path => path.Length > 0)
            .Distinct(StringComparer.Ordinal).Select(path => $"{path}/");

    private async Task<string[]> TreeAsync(PachClient client, string commit, bool onlyFiles = false, string below = "/")
    {
        CommitRef reference = new(repo, commit);
        List<string> entries = [];
        await foreach (Wire.Pfs.FileInfo file in client.Files.ListAsync(reference, below, recursive: true, Token))
        {
            string path = below == "/" ? file.File.Path : file.File.Path[below.Length..];
            if (file.FileType == Wire.Pfs.FileType.File)
            {
                await using Stream stream = await client.Files.OpenAsync(reference, file.File.Path, cancellationToken: Token);
                using StreamReader reader = new(stream);
                entries.Add($"{path} {await reader.ReadToEndAsync(Token)}");
            }
            else if (!onlyFiles)
            {
                entries.Add($"{path}/");
            }
        }
        return [.. entries.Order(StringComparer.Ordinal)];
    }

    private static async Task RefusedAsync(Task task, StatusCode status, string text)
    {
        PachException refused = await Assert.ThrowsAsync<PachException>(() => task);
        Assert.Equal(status, refused.Status);
        Assert.Contains(text, refused.Message, StringComparison.Ordinal);
    }

    // Lets pachd fetch a URL into a branch of its own.
    private async Task<string[]> FetchAsync(string branch, string url, string path = "/", bool recursive = true)
    {
        await using PachClient client = new(Pachd.GrpcAddress);
        CommitRef commit = await client.Commits.StartAsync(repo, branch, cancellationToken: Token);
        try
        {
            await client.Files.PutUrlAsync(commit, path, url, recursive, cancellationToken: Token);
            await client.Commits.FinishAsync(commit, Token);
        }
        catch (PachException)
        {
            await client.Commits.DeleteAsync(commit, Token);
            throw;
        }
        return await TreeAsync(client, commit.Id, onlyFiles: true);
    }
}
