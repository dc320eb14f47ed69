using System.Text.Json.Nodes;

namespace Pachyderm.Migration.Specs;

/// <summary>What a person should know about a spec in the 1.4 form, however it came to be in it.</summary>
internal static class SpecChecks
{
    public static void Apply(SpecDraft draft)
    {
        CheckName(draft);
        CheckUnknownFields(draft, draft.Spec, "$", SpecFields.Order);
        CheckTransform(draft);
        CheckParallelism(draft);
        CheckInput(draft);
    }

    private static void CheckName(SpecDraft draft)
    {
        var name = draft.Name;
        if (string.IsNullOrEmpty(name))
        {
            draft.Decide("$.pipeline.name", "the pipeline has no name; set it");
        }
        else if (name is "out" or "prev")
        {
            draft.Decide(
                "$.pipeline.name",
                $"the output repo would be named {JsonText.Quote(name)}, a name that 1.3 kept for itself; choose another");
        }
    }

    private static void CheckUnknownFields(SpecDraft draft, JsonObject owner, string path, ReadOnlySpan<string> known)
    {
        foreach (var (name, _) in owner)
        {
            if (!SpecDraft.IsOneOf(name, known))
            {
                draft.Warn(
                    JsonText.Member(path, name),
                    "the field is unknown; it was kept, but 1.4 and 1.5 refuse a spec with a field that they do not know");
            }
        }
    }

    private static void CheckTransform(SpecDraft draft)
    {
        if (SpecDraft.Value(draft.Spec, "transform") is not JsonObject transform)
        {
            draft.Decide("$.transform", "the spec has no transform; set its image and cmd");
            return;
        }

        CheckUnknownFields(draft, transform, "$.transform", SpecFields.OfTransform);
        foreach (var name in new[] { "cmd", "stdin" })
        {
            if (SpecDraft.Value(transform, name) is JsonArray lines
                && lines.Any(static line => SpecDraft.Text(line)?.Contains("/pfs/prev", StringComparison.Ordinal) == true))
            {
                draft.Decide(
                    $"$.transform.{name}",
                    "the code reads /pfs/prev, its previous output in 1.3, which is gone; with \"incremental\": true (1.4.8 and later) "
                    + "/pfs/out starts with that output");
            }
        }
    }

    private static void CheckParallelism(SpecDraft draft)
    {
        if (SpecDraft.Value(draft.Spec, "parallelism_spec") is JsonObject parallelism)
        {
            var path = JsonText.Member("$", SpecDraft.Spelling(draft.Spec, "parallelism_spec")!);
            CheckUnknownFields(draft, parallelism, path, new[] { "constant", "coefficient", "strategy" });
            if (SpecDraft.Spelling(parallelism, "strategy") is { } strategy)
            {
                draft.Warn(
                    JsonText.Member(path, strategy),
                    "1.4 reads strategy, 1.5 refuses it; remove it for 1.5, and the one of constant and coefficient that it does not "
                    + "choose");
            }
        }
    }

    private static void CheckInput(SpecDraft draft)
    {
        var inputs = SpecDraft.Value(draft.Spec, "inputs");
        switch (SpecDraft.Value(draft.Spec, "input"))
        {
            case null when inputs is JsonArray { Count: > 0 }:
                draft.Note("$.inputs", "inputs still works in 1.5 but is deprecated there; the same inputs as input.cross mean the same");
                break;
            case null:
                draft.Decide("$.input", "the spec has no input, and since 1.4 a pipeline needs at least one; set input");
                break;
            case JsonObject input:
                CheckAtoms(draft, input);
                break;
        }
    }

    // Walks the tree of crosses and unions; its depth is bounded by the reader.
    private static void CheckAtoms(SpecDraft draft, JsonObject input)
    {
        if (SpecDraft.Value(input, "atom") is JsonObject atom)
        {
            var repo = SpecDraft.Text(SpecDraft.Value(atom, "repo"));
            var name = SpecDraft.Text(SpecDraft.Value(atom, "name"));
            if ((string.IsNullOrEmpty(name) ? repo : name) is "out")
            {
                draft.Decide("$.input", "an input cannot be named \"out\", because /pfs/out takes the job's output; set another name");
            }
            else if (repo is "prev")
            {
                draft.Decide(
                    "$.input",
                    "the repo is named \"prev\", a name that 1.3 kept for the previous output; check that the code means the repo");
            }
        }

        foreach (var name in new[] { "cross", "union" })
        {
            if (SpecDraft.Value(input, name) is JsonArray children)
            {
                foreach (var child in children.OfType<JsonObject>())
                {
                    CheckAtoms(draft, child);
                }
            }
        }
    }
}
