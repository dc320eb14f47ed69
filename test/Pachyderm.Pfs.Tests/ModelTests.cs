using System.Globalization;
using CsCheck;
using static Pachyderm.Pfs.Tests.TestFileSystem;

namespace Pachyderm.Pfs.Tests;

/// <summary>Random work on repos, branches, commits and files, beside a model of a few dictionaries.</summary>
public sealed class ModelTests
{
    private static readonly string[] Paths = ["a", "b", "c", "d/x", "d/y", "d/e/x", "d/e/y", "f/x", "f/g/h/i", "long-name", "z/1", "z/2"];

    private static readonly Gen<Step> Steps = Gen.Select(Gen.Int[0, 9], Gen.Int[0, 3], Gen.Int[0, 11], Gen.Int[0, 999], (kind, branch, path, value) =>
        new Step(kind, $"b{branch}", Paths[path], value.ToString(CultureInfo.InvariantCulture)));

    [Fact]
    public Task Commits_branches_and_files_are_as_in_the_model() => Steps.Array[1, 60].SampleAsync(
        async steps =>
        {
            await using TestFileSystem pfs = await OpenAsync();
            await pfs.CreateRepoAsync("data");
            Model model = new();
            foreach (Step step in steps)
            {
                await RunAsync(pfs, model, step);
            }
            await CheckAsync(pfs, model);
            await pfs.Maintenance.CollectGarbageAsync(progress: null, Token);
            await CheckAsync(pfs, model);
            await foreach (CheckEvent check in pfs.Maintenance.CheckAsync(fix: false, readData: true, Token))
            {
                Assert.True(check.Finding is null, check.Finding?.ToString());
            }
        },
        iter: 60, threads: 2);

    private static async Task RunAsync(TestFileSystem pfs, Model model, Step step)
    {
        CommitName? head = model.Branches.TryGetValue(step.Branch, out CommitName found) ? found : null;
        bool isOpen = head is { } commit && model.Commits[commit].IsOpen;
        PutOptions options = new() { Overwrite = step.Kind == 3 };
        switch (step.Kind)
        {
            case 0 when isOpen:
                await RefusedAsync(() => pfs.StartAsync("data", step.Branch), PfsErrorKind.FailedPrecondition, "has not been finished");
                break;
            case 0 or 1 when !isOpen:
                CommitName started = await pfs.StartAsync("data", step.Branch);
                model.Commits.Add(started, new ModelCommit(head, head is { } parent ? new(model.Commits[parent].Files) : []));
                model.Branches[step.Branch] = started;
                break;
            case 2 or 3 or 4 when isOpen:
                await pfs.PutAsync(head!.Value, step.Path, step.Value, options);
                SortedDictionary<string, string> files = model.Commits[head.Value].Files;
                files["/" + step.Path] = options.Overwrite ? step.Value : files.GetValueOrDefault("/" + step.Path, "") + step.Value;
                break;
            case 5 when isOpen:
                string deleted = step.Value.Length == 3 ? step.Path.Split('/')[0] : step.Path;
                await pfs.DeleteAsync(head!.Value, deleted);
                SortedDictionary<string, string> left = model.Commits[head.Value].Files;
                foreach (string path in left.Keys.Where(path => path == "/" + deleted || path.StartsWith($"/{deleted}/", StringComparison.Ordinal)).ToArray())
                {
                    left.Remove(path);
                }
                break;
            case 6 when isOpen:
                await pfs.FinishAsync(head!.Value);
                model.Commits[head.Value].IsOpen = false;
                break;
            case 7 when isOpen && step.Value.Length == 1:
                await pfs.Files.Commits.DeleteAsync(new CommitReference(head!.Value), Token);
                model.Delete(head.Value);
                break;
            case 8 when head is { } source:
                string copy = $"b{step.Value.Length}";
                await pfs.Files.Branches.SetAsync(new CommitReference(new RepoName("data"), step.Branch), new BranchName(copy), Token);
                model.Branches[copy] = source;
                break;
            case 9 when head is { } read:
                Assert.Equal(model.Commits[read].Files, await pfs.ReadAllAsync(read));
                break;
            case 2 or 3 or 4 when head is { } closed:
                await RefusedAsync(() => pfs.PutAsync(closed, step.Path, step.Value), PfsErrorKind.FailedPrecondition, "is not open");
                break;
            default:
                break;
        }
    }

    private static async Task CheckAsync(TestFileSystem pfs, Model model)
    {
        Assert.Equal(
            model.Branches.Select(branch => (branch.Key, branch.Value)).OrderBy(branch => branch.Key, StringComparer.Ordinal),
            (await pfs.Files.Branches.ListAsync(new RepoName("data"), Token)).Select(branch => (branch.Name.Value, branch.Head))
                .OrderBy(branch => branch.Value, StringComparer.Ordinal));
        Assert.Equal(
            model.Commits.Keys.Select(commit => commit.Id.Value).Order(StringComparer.Ordinal),
            await pfs.Files.CommitList.ListAsync(new RepoName("data"), null, null, 0, Token).Select(commit => commit.Name.Id.Value)
                .Order(StringComparer.Ordinal).ToListAsync(Token));
        long growth = 0;
        foreach ((CommitName name, ModelCommit commit) in model.Commits)
        {
            CommitInfo info = await pfs.InspectAsync(name);
            Assert.Equal((commit.Parent?.Id, commit.IsOpen), (info.Parent, info.IsOpen));
            Assert.Equal(commit.IsOpen ? 0 : commit.Files.Sum(file => file.Value.Length), info.SizeBytes);
            Assert.Equal(commit.Files, await pfs.ReadAllAsync(name));
            SortedDictionary<string, string> before = commit.Parent is { } parent ? model.Commits[parent].Files : [];
            growth += commit.IsOpen ? 0 : commit.Files.Where(file => before.GetValueOrDefault(file.Key) != file.Value).Sum(file => file.Value.Length);
        }
        Assert.Equal(growth, (await pfs.Files.Repos.InspectAsync(new RepoName("data"), Token)).SizeBytes);
    }

    private sealed record Step(int Kind, string Branch, string Path, string Value);

    private sealed class ModelCommit(CommitName? parent, SortedDictionary<string, string> files)
    {
        public CommitName? Parent { get; } = parent;

        public SortedDictionary<string, string> Files { get; } = new(files, StringComparer.Ordinal);

        public bool IsOpen { get; set; } = true;
    }

    private sealed class Model
    {
        public Dictionary<CommitName, ModelCommit> Commits { get; } = [];

        public Dictionary<string, CommitName> Branches { get; } = new(StringComparer.Ordinal);

        public void Delete(CommitName commit)
        {
            CommitName? parent = Commits[commit].Parent;
            Commits.Remove(commit);
            foreach (string branch in Branches.Where(branch => branch.Value == commit).Select(branch => branch.Key).ToArray())
            {
                if (parent is { } before)
                {
                    Branches[branch] = before;
                }
                else
                {
                    Branches.Remove(branch);
                }
            }
        }
    }
}
