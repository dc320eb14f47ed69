using System.Globalization;
using System.Text;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Specs;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pps.Tests;

/// <summary>Short ways to say what tests begin with.</summary>
internal static class Given
{
    public static readonly DateTimeOffset Now = new(2017, 8, 17, 23, 11, 40, TimeSpan.Zero);

    public static InputSpec Atom(string repo, string glob = "/*", string name = "", string branch = "", string commit = "") =>
        new() { Atom = new AtomInput(name, repo, branch, commit, glob) };

    public static InputSpec Cross(params InputSpec[] inputs) => new() { Cross = inputs.ToValueList() };

    public static InputSpec Union(params InputSpec[] inputs) => new() { Union = inputs.ToValueList() };

    public static InputSpec Cron(string name, string spec = "@daily", string repo = "") =>
        new() { Cron = new CronInput(name, repo, "", spec, null) };

    public static PipelineSpec Spec(InputSpec? input, string name = "edges") =>
        new() { Name = name, Transform = new Transform { Cmd = ["sh"] }, Input = input };

    public static ChunkId Hash(string content) => ChunkId.Of(Encoding.UTF8.GetBytes(content));

    public static DatumFile File(string path, string content = "x") =>
        new(TreePath.Clean(path)!.Value, Hash(content), content.Length, IsDirectory: false);

    public static DatumPart Part(string input, string path, string content = "x", string repo = "r") =>
        new(new DatumInput(input, new CommitRef(repo, "c"), "master", "/*", Lazy: false), File(path, content));

    public static FakeRepos Files(string repo, params (string Path, string Content)[] files) => new FakeRepos().With(repo, files);

    public static FakeRepos Numbered(this FakeRepos repos, string repo, int count) =>
        repos.With(repo, [.. Enumerable.Range(0, count).Select(static i => ($"/f{i.ToString("D7", CultureInfo.InvariantCulture)}", $"{i}"))]);
}

/// <summary>Repos whose commits hold given files; a glob is the name of a commit's file or <c>/*</c>.</summary>
internal sealed class FakeRepos : IDatumSource
{
    private readonly Dictionary<CommitRef, DatumFile[]> files = [];

    public int Globs { get; private set; }

    public FakeRepos With(string repo, (string Path, string Content)[] content, string commit = "c")
    {
        files[new CommitRef(repo, commit)] =
            [.. content.Select(static file => Given.File(file.Path, file.Content)).OrderBy(static file => file.Path)];
        return this;
    }

    public async IAsyncEnumerable<DatumFile> GlobAsync(
        CommitRef commit, string glob, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Globs++;
        await Task.CompletedTask;
        foreach (DatumFile file in files[commit].Where(file => glob == "/*" || file.Path == TreePath.Clean(glob)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return file;
        }
    }
}

/// <summary>Which repos and commits exist.</summary>
internal sealed class Catalog(params string[] repos) : IRepoCatalog
{
    private readonly Dictionary<string, string[]> provenance = repos.ToDictionary(repo => repo, _ => Array.Empty<string>(), StringComparer.Ordinal);

    public HashSet<CommitRef> Commits { get; } = [];

    public Catalog With(string repo, params string[] from)
    {
        provenance[repo] = from;
        return this;
    }

    public IReadOnlyCollection<string>? FindProvenance(string repo) => provenance.GetValueOrDefault(repo);

    public bool HasCommit(CommitRef commit) => Commits.Contains(commit);
}
