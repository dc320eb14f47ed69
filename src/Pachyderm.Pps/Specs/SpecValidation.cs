using Pachyderm.Pps.Schedules;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pps.Specs;

/// <summary>
/// The rules of spec/pps.md section 2, in its order: the first rule that fails gives the message. Where upstream crashes, because the input
/// or the transform is missing, there is an error too.
/// </summary>
public static class SpecValidation
{
    private const string SharedProvenance = "can't create an incremental pipeline with inputs that share provenance";

    /// <summary>Checks a spec whose defaults have been filled (<see cref="SpecDefaults.Complete"/>).</summary>
    /// <param name="spec">The spec.</param>
    /// <param name="repos">What exists. The repos of crons need not exist: they are created with the pipeline.</param>
    /// <returns>The input.</returns>
    /// <exception cref="PpsException">A rule fails.</exception>
    public static Input Check(PipelineSpec spec, IRepoCatalog repos)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(repos);
        Input input = CheckInput(spec.Input, repos, ofJob: false);
        CheckTransform(spec.Transform);
        CheckParallelism(spec.Parallelism);
        if (spec.OutputBranch.Length == 0)
        {
            throw PpsException.Invalid("pipeline needs to specify an output branch");
        }
        if (!Quantity.TryParse(spec.CacheSize, out _, out string? problem))
        {
            throw PpsException.Invalid($"could not parse cacheSize '{spec.CacheSize}': {problem}");
        }
        if (spec.Incremental)
        {
            CheckIncremental(input, repos);
        }
        CheckName(spec.Name);
        CheckNoCycle(spec.Name, input, repos);
        return input;
    }

    /// <summary>Checks the input of a job.</summary>
    /// <returns>The input.</returns>
    /// <exception cref="PpsException">A rule fails.</exception>
    public static Input CheckJobInput(InputSpec? input, IRepoCatalog repos)
    {
        ArgumentNullException.ThrowIfNull(repos);
        return CheckInput(input, repos, ofJob: true);
    }

    private static Input CheckInput(InputSpec? input, IRepoCatalog repos, bool ofJob)
    {
        if (input is null)
        {
            throw PpsException.Invalid("no input set");
        }
        CheckNames(input, []);
        Dictionary<string, string> branches = new(StringComparer.Ordinal);
        foreach (InputSpec node in input.Visit())
        {
            if (node.Atom is { } atom)
            {
                CheckAtom(atom, branches, repos, ofJob);
            }
            if (node.Kinds > 1)
            {
                throw PpsException.Invalid("multiple input types set");
            }
            if (node.Cron is { } cron)
            {
                CheckCron(cron, repos, ofJob);
            }
            if (node.Kinds == 0)
            {
                throw PpsException.Invalid("no input set");
            }
        }
        return input.ToInput();
    }

    // The children of a union may share names, for a datum has files of one of them only; what is crossed with the union clashes with each.
    private static void CheckNames(InputSpec input, HashSet<string> names)
    {
        string? own = input.Atom?.Name ?? input.Cron?.Name;
        if (own is not null && own.Length > 0 && !names.Add(own))
        {
            throw PpsException.Invalid($"name {own} was used more than once");
        }
        HashSet<string> ofUnion = new(names, StringComparer.Ordinal);
        foreach (InputSpec child in input.Union)
        {
            HashSet<string> ofChild = new(names, StringComparer.Ordinal);
            CheckNames(child, ofChild);
            ofUnion.UnionWith(ofChild);
        }
        names.UnionWith(ofUnion);
        foreach (InputSpec child in input.Cross)
        {
            CheckNames(child, names);
        }
    }

    private static void CheckAtom(AtomInput atom, Dictionary<string, string> branches, IRepoCatalog repos, bool ofJob)
    {
        CheckInputName(atom.Name);
        string? missing =
            atom.Repo.Length == 0 ? "repo"
            : atom.Branch.Length == 0 && !ofJob ? "branch"
            : atom.Commit.Length == 0 && ofJob ? "commit"
            : atom.Glob.Length == 0 ? "glob"
            : null;
        if (missing is not null)
        {
            throw PpsException.Invalid($"input must specify a {missing}");
        }
        if (!GlobPattern.TryParse(atom.Glob, out _, out string? problem))
        {
            throw PpsException.Invalid(problem);
        }
        if (!branches.TryAdd(atom.Repo, atom.Branch) && branches[atom.Repo] != atom.Branch)
        {
            throw PpsException.Invalid("cannot use the same repo in multiple inputs with different branches");
        }
        CheckExists(new CommitRef(atom.Repo, atom.Commit), repos, ofJob);
    }

    private static void CheckCron(CronInput cron, IRepoCatalog repos, bool ofJob)
    {
        CheckInputName(cron.Name);
        if (!CronSchedule.TryParse(cron.Spec, out _, out string? problem))
        {
            throw PpsException.Invalid($"could not parse cron spec '{cron.Spec}': {problem}");
        }
        if (!ofJob)
        {
            return;
        }
        if (cron.Commit.Length == 0)
        {
            throw PpsException.Invalid("input must specify a commit");
        }
        CheckExists(new CommitRef(cron.Repo, cron.Commit), repos, ofJob);
    }

    // A name becomes a directory below /pfs, so it must not lead anywhere else.
    private static void CheckInputName(string name)
    {
        if (name.Length == 0)
        {
            throw PpsException.Invalid("input must specify a name");
        }
        if (name == "out")
        {
            throw PpsException.Invalid("input cannot be named \"out\", as pachyderm already creates /pfs/out to collect job output");
        }
        if (name is "." or ".." || name.AsSpan().ContainsAny('/', '\0'))
        {
            throw PpsException.Invalid($"input name \"{name}\" must be a plain file name, for it names a directory below /pfs");
        }
    }

    private static void CheckExists(CommitRef source, IRepoCatalog repos, bool ofJob)
    {
        if (repos.FindProvenance(source.Repo) is null)
        {
            throw new PpsException(PpsErrorKind.NotFound, $"repo {source.Repo} not found");
        }
        if (ofJob && !repos.HasCommit(source))
        {
            throw new PpsException(PpsErrorKind.NotFound, $"commit {source} not found");
        }
    }

    private static void CheckTransform(Transform? transform)
    {
        if (transform is null)
        {
            throw PpsException.Invalid("no transform set");
        }
        if (transform.Cmd.Count == 0)
        {
            throw PpsException.Invalid("no cmd set");
        }
    }

    // A negative constant cannot be told: the contract has it unsigned, and what reads JSON refuses it.
    private static void CheckParallelism(ParallelismSpec? parallelism)
    {
        if (parallelism is null)
        {
            return;
        }
        if (parallelism.Constant != 0 && parallelism.Coefficient != 0)
        {
            throw PpsException.Invalid(
                "contradictory parallelism strategies: must set at most one of ParallelismSpec.Constant and ParallelismSpec.Coefficient");
        }
        if (parallelism.Coefficient < 0 || !double.IsFinite(parallelism.Coefficient))
        {
            throw PpsException.Invalid("ParallelismSpec.Coefficient must be > 0");
        }
    }

    private static void CheckIncremental(Input input, IRepoCatalog repos)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (CommitRef source in input.Leaves().Select(static leaf => leaf.Source()!.Value))
        {
            IReadOnlyCollection<string> provenance = repos.FindProvenance(source.Repo) ?? [];
            if (!provenance.Append(source.Repo).All(seen.Add))
            {
                throw PpsException.Invalid(SharedProvenance);
            }
        }
    }

    // Upstream finds a bad name only when it creates the repo, and leaves a broken pipeline behind.
    private static void CheckName(string name)
    {
        if (name.Length == 0 || !name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
        {
            throw PpsException.Invalid($"repo name ({name}) invalid: only alphanumeric characters, underscores, and dashes are allowed");
        }
    }

    // Possible in an update only: before, the pipeline's repo does not exist.
    private static void CheckNoCycle(string name, Input input, IRepoCatalog repos)
    {
        bool ComesFromIt(string repo) => repo == name || repos.FindProvenance(repo)?.Contains(name, StringComparer.Ordinal) == true;
        if (input.Repos().FirstOrDefault(ComesFromIt) is { } own)
        {
            throw PpsException.Invalid($"pipeline {name} cannot read repo {own}, which comes from {name} itself");
        }
    }
}
