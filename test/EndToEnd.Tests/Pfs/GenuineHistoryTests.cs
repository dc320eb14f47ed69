using System.Security.Cryptography;
using System.Text.Json;
using Pachyderm.Client;
using Pachyderm.EndToEnd.Tests.Support;
using Pachyderm.Tests;
using Pachyderm.Wire.Pfs;
using FileInfo = Pachyderm.Wire.Pfs.FileInfo;

namespace Pachyderm.EndToEnd.Tests.Pfs;

/// <summary>Histories that real servers of 1.4 and 1.5 have made, copied from a pachd that has imported them.</summary>
public sealed class GenuineHistoryTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Sets.Small15)]
    [InlineData(Sets.Dirty)]
    public async Task Every_branch_of_a_genuine_cluster_arrives_with_the_files_that_its_own_client_reported(string set)
    {
        using Workspace workspace = new(set, withStorage: true);
        string[] accept = [.. ((string[])["registered-master", "registered-worker", "running-job", "open-commit"]).SelectMany(static reason => (string[])["--accept", reason])];
        (await PachctlProcess.RunAsync(
            ["migrate", "--snapshot", workspace.Source, "--storage", workspace.Storage, "--data", workspace["data"], .. accept])).MustExitWith(0);
        await using PachdProcess old = await PachdProcess.StartAsync(workspace["data"]);
        await using PachdProcess server = await PachdProcess.StartAsync(workspace["target"]);
        await using PachClient source = new(old.Address);
        await using PachClient target = new(server.Address);
        using JsonDocument expected = FixtureContent.Expected(set);
        int compared = 0;
        foreach (JsonElement repo in expected.RootElement.GetProperty("repos_in_list_order").EnumerateArray())
        {
            string name = repo.GetProperty("name").GetString()!;
            JsonElement listed = repo.GetProperty("commits");
            Dictionary<string, JsonElement> commits = (listed.ValueKind == JsonValueKind.Null ? [] : listed.EnumerateArray().ToArray()).ToDictionary(
                static commit => commit.GetProperty("id").GetString()!, StringComparer.Ordinal);
            await target.Repos.CreateAsync(name, cancellationToken: Cancel);
            foreach (BranchInfo branch in await source.Branches.ListAsync(name, Cancel))
            {
                HistoryReplay replay = await HistoryReplay.PlanAsync(source, new CommitRef(name, branch.Name), target, new CommitRef(name, branch.Name), Cancel);
                await replay.RunAsync(cancellationToken: Cancel);
                Assert.Equal(replay.Total, (await HistoryReplay.PlanAsync(source, new CommitRef(name, branch.Name), target, new CommitRef(name, branch.Name), Cancel)).Present);
            }

            await foreach (CommitInfo copy in target.Commits.ListAsync(name, cancellationToken: Cancel))
            {
                Assert.Equal(Files(commits[copy.Commit.Id]), await FilesAsync(target, CommitRef.From(copy.Commit)));
                compared++;
            }
        }

        Assert.InRange(compared, 40, int.MaxValue);
    }

    // The root is among them, and paths are relative to it.
    private static string[] Files(JsonElement commit) =>
    [
        .. commit.GetProperty("files").EnumerateArray()
            .Where(static file => file.GetProperty("path").GetString() is not "")
            .Select(static file => $"/{file.GetProperty("path").GetString()}{(file.GetProperty("type").GetString() == "FILE" ? $" {file.GetProperty("sha256").GetString()}" : "/")}")
            .Order(StringComparer.Ordinal),
    ];

    private static async Task<string[]> FilesAsync(PachClient client, CommitRef commit)
    {
        List<string> files = [];
        await foreach (FileInfo file in client.Files.ListAsync(commit, "/", recursive: true, Cancel))
        {
            if (file.FileType == FileType.Dir)
            {
                files.Add($"{file.File.Path}/");
                continue;
            }

            await using Stream content = await client.Files.OpenAsync(commit, file.File.Path, cancellationToken: Cancel);
            files.Add($"{file.File.Path} {Convert.ToHexStringLower(await SHA256.HashDataAsync(content, Cancel))}");
        }

        return [.. files.Order(StringComparer.Ordinal)];
    }
}
