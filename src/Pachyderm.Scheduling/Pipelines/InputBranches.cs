using Pachyderm.Pps;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Scheduling;

/// <summary>Which branches a pipeline reads: one of each repo.</summary>
internal static class InputBranches
{
    /// <summary>The branch of each repo.</summary>
    /// <exception cref="PpsException">Two branches of a repo are read.</exception>
    public static IReadOnlyDictionary<string, string> Of(Input input)
    {
        Dictionary<string, string> branches = new(StringComparer.Ordinal);
        foreach (Input leaf in input.Leaves())
        {
            (string repo, string branch) = leaf is AtomInput atom
                ? (atom.Repo, atom.Branch)
                : (((CronInput)leaf).Repo, CronInput.TickBranch);
            if (!branches.TryAdd(repo, branch) && branches[repo] != branch)
            {
                throw new PpsException(
                    PpsErrorKind.InvalidArgument, "cannot use the same repo in multiple inputs with different branches");
            }
        }
        return branches;
    }
}
