using Pachyderm.Metadata;
using Pachyderm.Pps;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Triggers;

namespace Pachyderm.Scheduling;

/// <summary>What the repos that a pipeline reads come from in the end.</summary>
/// <param name="Repos">The repos, each once.</param>
/// <param name="Roots">Their root repos.</param>
/// <param name="Required">
/// For each repo the roots that every commit of it comes from: all of them for the output of a pipeline, whose older commits may be from before
/// it read what it reads now; none for other repos, to which users commit as they like.
/// </param>
internal sealed record RepoLineage(ValueList<string> Repos, ValueList<string> Roots, ValueList<ValueList<string>> Required)
{
    /// <summary>The present state. A pipeline tells better than its repo: 1.5.3 leaves the provenance of the repo when it updates one.</summary>
    public static RepoLineage Of(IMetadataReader reader, IReadOnlyList<string> repos)
    {
        PpsReader records = new(reader);
        Dictionary<string, IReadOnlyList<string>?> read = new(StringComparer.Ordinal);
        IReadOnlyList<string>? ReadBy(string pipeline)
        {
            if (!read.TryGetValue(pipeline, out IReadOnlyList<string>? found))
            {
                read.Add(pipeline, found = records.FindPipeline(new PipelineName(pipeline))?.Pipeline.Input.Repos());
            }
            return found;
        }
        ValueList<string> RootsOf(IEnumerable<string> sources) =>
            CommitSetFinder.FindRoots(sources, repo => ReadBy(repo) ?? reader.FindRepo(repo)?.Provenance).ToValueList();
        return new RepoLineage(
            repos.ToValueList(), RootsOf(repos), repos.Select(repo => ReadBy(repo) is null ? [] : RootsOf([repo])).ToValueList());
    }

    /// <summary>Finds the commits that are processed together; it knows none yet.</summary>
    public CommitSetFinder Finder() => new(Repos, Roots, Required);
}
