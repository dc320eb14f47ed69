using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pachyderm.Migration.Specs;

/// <summary>The rules for <c>inputs</c>, which become the one <c>input</c> of 1.4.8: an atom, or a cross of atoms.</summary>
internal static class SpecInputRules
{
    private const string Nothing = "nothing";

    public static void Apply(SpecDraft draft)
    {
        if (SpecDraft.Value(draft.Spec, "inputs") is not JsonArray { Count: > 0 } inputs)
        {
            return;
        }

        var path = JsonText.Member("$", SpecDraft.Spelling(draft.Spec, "inputs")!);
        if (SpecDraft.Value(draft.Spec, "input") is not null)
        {
            draft.Decide(path, "input and inputs are both given, which every server refuses; inputs was left as it is: remove one of them");
            return;
        }

        if (!inputs.All(static input => input is JsonObject))
        {
            draft.Decide(path, "every input must be an object; inputs was left as it is");
            return;
        }

        draft.Take(draft.Spec, "$", "inputs", out _);
        // An input of null would stand in the way of the one that is made here.
        draft.Take(draft.Spec, "$", "input", out _);
        var atoms = new JsonArray();
        for (var i = 0; i < inputs.Count; i++)
        {
            atoms.Add(new JsonObject { ["atom"] = new AtomMaker(draft, (JsonObject)inputs[i]!, $"{path}[{i}]").Make() });
        }

        TellOfClashes(draft, atoms, path);
        if (atoms.Count == 1)
        {
            var single = (JsonObject)atoms[0]!;
            atoms.Clear();
            draft.Spec.Add("input", single);
            draft.Changed(path, "1 entry", "input.atom", "1.4.8 and 1.5 read input; inputs is deprecated in 1.5 and gone after it");
        }
        else
        {
            draft.Changed(
                path,
                $"{atoms.Count} entries",
                "input.cross",
                "several inputs meant every combination of their data, which 1.4.8 calls a cross");
            draft.Spec.Add("input", new JsonObject { ["cross"] = atoms });
        }
    }

    private static void TellOfClashes(SpecDraft draft, JsonArray atoms, string path)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var branches = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < atoms.Count; i++)
        {
            var repo = SpecDraft.Text(atoms[i]!["atom"]!["repo"]) ?? "";
            var branch = SpecDraft.Text(atoms[i]!["atom"]!["branch"]) ?? "";
            if (!branches.TryAdd(repo, branch) && !string.Equals(branches[repo], branch, StringComparison.Ordinal))
            {
                draft.Decide(
                    $"{path}[{i}]",
                    $"branch {JsonText.Quote(branch)} of a repo that is already an input with branch {JsonText.Quote(branches[repo])}, "
                    + "which 1.4 and 1.5 refuse");
            }

            if (SpecDraft.Text(atoms[i]!["atom"]!["name"]) is { Length: > 0 } name && !names.Add(name))
            {
                draft.Decide(
                    $"{path}[{i}]",
                    $"the name {JsonText.Quote(name)} is used more than once; give one of them another name, and its path in the code");
            }
        }
    }

    /// <summary>Makes one atom from one entry of <c>inputs</c>.</summary>
    private sealed class AtomMaker(SpecDraft draft, JsonObject input, string path)
    {
        private readonly JsonObject _atom = [];

        public JsonObject Make()
        {
            var repo = TakeRepo();
            TakeName(repo);
            if (repo.Length > 0)
            {
                _atom["repo"] = repo;
            }

            var branchOfStart = TakeFrom(repo, out var start);
            TakeBranch(branchOfStart);
            TakeGlob();
            if (draft.Take(input, path, "lazy", out var lazy))
            {
                _atom["lazy"] = lazy.Value;
            }

            if (start is not null)
            {
                _atom["from_commit"] = start;
            }

            TakeRunEmpty();
            KeepTheRest();
            return _atom;
        }

        private string TakeRepo()
        {
            draft.Take(input, path, "repo", out var taken);
            var name = RepoName(taken.Value);
            if (string.IsNullOrEmpty(name))
            {
                draft.Decide(taken.Path ?? path, "the input names no repo; set repo");
            }

            return name ?? "";
        }

        private static string? RepoName(JsonNode? repo) =>
            repo is JsonObject named ? SpecDraft.Text(SpecDraft.Value(named, "name")) : SpecDraft.Text(repo);

        private void TakeName(string repo)
        {
            draft.Take(input, path, "name", out var taken);
            if (SpecDraft.Text(taken.Value) is { Length: > 0 } name)
            {
                _atom["name"] = name;
                return;
            }

            if (repo.Length == 0)
            {
                return;
            }

            _atom["name"] = repo;
            draft.Changed(
                JsonText.Member(path, "name"),
                Nothing,
                JsonText.Quote(repo),
                "the files stay where the code looks for them, below /pfs/ and the repo's name");
        }

        // A start is a commit of the old cluster. One named branch/number does not exist in 1.4; its branch tells which one was meant.
        private string? TakeFrom(string repo, out string? start)
        {
            start = null;
            if (!draft.Take(input, path, "from", out var taken) || taken.Value is null)
            {
                return null;
            }

            var commit = taken.Value as JsonObject;
            var id = commit is null ? SpecDraft.Text(taken.Value) : SpecDraft.Text(SpecDraft.Value(commit, "id"));
            if (commit is not null
                && SpecDraft.Value(commit, "repo") is { } owner
                && !string.Equals(RepoName(owner), repo, StringComparison.Ordinal))
            {
                draft.Decide(taken.Path, "the first commit is one of another repo; it must be one of the input's repo");
            }

            if (string.IsNullOrEmpty(id))
            {
                draft.Changed(taken.Path, taken.Shown, Nothing, "it names no commit");
                return null;
            }

            var slash = id.LastIndexOf('/');
            if (slash < 0)
            {
                draft.Changed(
                    taken.Path,
                    taken.Shown,
                    $"from_commit {JsonText.Quote(id)}",
                    "an atom names only the commit; its repo is the atom's");
                start = id;
                return null;
            }

            draft.Changed(taken.Path, taken.Shown, Nothing, "1.4 gives the copied commits new IDs, so this one names nothing there");
            draft.Decide(
                taken.Path,
                $"jobs started after commit {JsonText.Quote(id)}; set from_commit to the ID that its copy has, or let all commits be "
                + "processed");
            return id[..slash];
        }

        private void TakeBranch(string? branchOfStart)
        {
            draft.Take(input, path, "branch", out var taken);
            if (SpecDraft.Text(taken.Value) is { Length: > 0 } branch)
            {
                _atom["branch"] = branch;
                return;
            }

            if (string.IsNullOrEmpty(branchOfStart))
            {
                _atom["branch"] = "master";
                draft.Changed(
                    JsonText.Member(path, "branch"),
                    Nothing,
                    "\"master\"",
                    "since 1.4 an input is one branch, and master is the default; copy the data to it or name another");
                return;
            }

            _atom["branch"] = branchOfStart;
            draft.Changed(
                JsonText.Member(path, "branch"),
                Nothing,
                JsonText.Quote(branchOfStart),
                "since 1.4 an input is one branch; this is the one of the commit that jobs started after");
        }

        private void TakeGlob()
        {
            draft.Take(input, path, "glob", out var glob);
            var hasMethod = draft.Take(input, path, "method", out var method);
            if (SpecDraft.Text(glob.Value) is { Length: > 0 } pattern)
            {
                _atom["glob"] = pattern;
                if (hasMethod)
                {
                    draft.Changed(method.Path, method.Shown, Nothing, "a glob is given, and it says how the data is divided");
                }

                return;
            }

            var methodPath = hasMethod ? method.Path : JsonText.Member(path, "method");
            var result = SpecMethodRules.ToGlob(draft, methodPath, method.Value);
            if (result is null)
            {
                draft.Changed(methodPath, method.Shown, Nothing, "it is no method of 1.3");
                return;
            }

            _atom["glob"] = result;
            draft.Changed(
                methodPath,
                method.Value is null ? "nothing, which is \"map\"" : method.Shown,
                $"glob {JsonText.Quote(result)}",
                "a glob says how the data is divided into datums");
        }

        private void TakeRunEmpty()
        {
            if (!draft.Take(input, path, "run_empty", out var taken))
            {
                return;
            }

            draft.Changed(taken.Path, taken.Shown, Nothing, "1.4 has no such choice");
            if (taken.Value is not null && taken.Value.GetValueKind() != JsonValueKind.False)
            {
                draft.Decide(
                    taken.Path,
                    "the code ran even when the input was empty; since 1.4 no datum means that it does not run, and the job succeeds "
                    + "with empty output");
            }
        }

        private void KeepTheRest()
        {
            while (input.Count > 0)
            {
                var name = input.GetAt(0).Key;
                draft.Take(input, path, name, out var unknown);
                if (_atom.TryAdd(name, unknown.Value))
                {
                    draft.Warn(
                        unknown.Path,
                        "the field is unknown; it was kept, but 1.4 and 1.5 refuse a spec with a field that they do not know");
                }
                else
                {
                    draft.Changed(unknown.Path, unknown.Shown, Nothing, "the atom has a field of that name already");
                    draft.Decide(unknown.Path, "the field is unknown in 1.3, and its name is taken in 1.4; check what it was meant to say");
                }
            }
        }
    }
}
