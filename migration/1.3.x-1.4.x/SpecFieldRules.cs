using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pachyderm.Migration.Specs;

/// <summary>The rules for everything but the inputs.</summary>
internal static class SpecFieldRules
{
    private const string Nothing = "nothing";

    public static void Apply(SpecDraft draft)
    {
        DropOverwrite(draft);
        SettleParallelism(draft);
        Rename(draft, "resources", "resource_spec", "1.4.5 renamed the field; the values mean the same");
        Rename(draft, "output", "egress", "1.4 renamed the field; the URL means the same");
        if (draft.Take(draft.Spec, "$", "gc_policy", out var policy))
        {
            draft.Changed(policy.Path, policy.Shown, Nothing, "since 1.4 a pipeline's workers stay, so there are no job pods to collect");
        }

        if (draft.Take(draft.Spec, "$", "no_archive", out var archive))
        {
            draft.Changed(archive.Path, archive.Shown, Nothing, "1.4 has no such flag");
        }
    }

    private static void DropOverwrite(SpecDraft draft)
    {
        if (SpecDraft.Value(draft.Spec, "transform") is JsonObject transform
            && draft.Take(transform, "$.transform", "overwrite", out var overwrite))
        {
            draft.Changed(overwrite.Path, overwrite.Shown, Nothing, "1.4 has no such field");
        }
    }

    private static void Rename(SpecDraft draft, string from, string to, string why)
    {
        if (!draft.Take(draft.Spec, "$", from, out var taken))
        {
            return;
        }

        if (SpecDraft.Spelling(draft.Spec, to) is { } existing)
        {
            if (JsonNode.DeepEquals(draft.Spec[existing], taken.Value))
            {
                draft.Changed(taken.Path, taken.Shown, Nothing, $"{existing} says the same");
            }
            else
            {
                draft.Changed(taken.Path, taken.Shown, Nothing, $"{existing} is given too, and is what 1.4 reads");
                draft.Decide(taken.Path, $"{from} and {existing} differ; {existing} was kept: check that it is the right one");
            }

            return;
        }

        draft.Changed(taken.Path, taken.Shown, to, why);
        draft.Spec.Add(to, taken.Value);
    }

    private static void SettleParallelism(SpecDraft draft)
    {
        if (SpecDraft.Value(draft.Spec, "parallelism_spec") is not JsonObject parallelism)
        {
            return;
        }

        var path = JsonText.Member("$", SpecDraft.Spelling(draft.Spec, "parallelism_spec")!);
        switch (SpecDraft.Value(parallelism, "strategy"))
        {
            case null:
                draft.Take(parallelism, path, "strategy", out _);
                SettleWithoutStrategy(draft, parallelism, path);
                break;
            case var strategy when IsEnum(strategy, "CONSTANT", "0"):
                draft.Take(parallelism, path, "strategy", out var constant);
                draft.Changed(
                    constant.Path,
                    constant.Shown,
                    Nothing,
                    "1.5 knows the strategy from the field that is set, and refuses the name");
                DropOther(draft, parallelism, path, "coefficient", "strategy CONSTANT ignored it, and 1.5 refuses both");
                TellWorkersPerNode(draft, parallelism, path);
                break;
            case var strategy when IsEnum(strategy, "COEFFICIENT", "1"):
                draft.Take(parallelism, path, "strategy", out var coefficient);
                draft.Changed(
                    coefficient.Path,
                    coefficient.Shown,
                    Nothing,
                    "1.5 knows the strategy from the field that is set, and refuses the name");
                DropOther(draft, parallelism, path, "constant", "strategy COEFFICIENT ignored it, and 1.5 refuses both");
                SettleCoefficient(draft, parallelism, path);
                break;
            default:
                draft.Decide(path, "the strategy is neither CONSTANT nor COEFFICIENT; set constant or coefficient, and remove strategy");
                break;
        }

        if (parallelism.Count == 0)
        {
            draft.Spec.Remove(SpecDraft.Spelling(draft.Spec, "parallelism_spec")!);
        }
    }

    private static void SettleWithoutStrategy(SpecDraft draft, JsonObject parallelism, string path)
    {
        var constant = !IsZero(SpecDraft.Value(parallelism, "constant"));
        var coefficient = !IsZero(SpecDraft.Value(parallelism, "coefficient"));
        if (constant)
        {
            DropOther(draft, parallelism, path, "coefficient", "without a strategy the constant counts, and 1.5 refuses both");
        }
        else if (coefficient)
        {
            draft.Decide(
                path,
                "coefficient without strategy COEFFICIENT was ignored before and counts in 1.5; remove it for one worker a node");
        }
    }

    private static void SettleCoefficient(SpecDraft draft, JsonObject parallelism, string path)
    {
        if (IsZero(SpecDraft.Value(parallelism, "coefficient")))
        {
            draft.Decide(
                path,
                "strategy COEFFICIENT without a coefficient is an error in 1.4; set coefficient or constant, or leave both out for "
                + "one worker a node");
        }
        else
        {
            draft.Decide(
                path,
                "a 1.4 server reads coefficient only beside \"strategy\": \"COEFFICIENT\", which 1.5 refuses; add it if the spec goes "
                + "to a 1.4 server");
        }
    }

    private static void TellWorkersPerNode(SpecDraft draft, JsonObject parallelism, string path)
    {
        if (IsZero(SpecDraft.Value(parallelism, "constant")))
        {
            draft.Note(path, "constant is 0 or absent, which gives one worker for each node of the cluster, as before");
        }
    }

    private static void DropOther(SpecDraft draft, JsonObject parallelism, string path, string name, string why)
    {
        if (draft.Take(parallelism, path, name, out var dropped))
        {
            draft.Changed(dropped.Path, dropped.Shown, Nothing, why);
        }
    }

    // JSON of protocol buffers gives an enum by name or by number.
    private static bool IsEnum(JsonNode node, string name, string number) =>
        string.Equals(SpecDraft.Text(node), name, StringComparison.Ordinal)
        || (node.GetValueKind() == JsonValueKind.Number && string.Equals(node.ToJsonString(), number, StringComparison.Ordinal));

    // JSON of protocol buffers gives a 64-bit integer as a number or as a string.
    private static bool IsZero(JsonNode? node) => node switch
    {
        null => true,
        JsonValue value when value.GetValueKind() is JsonValueKind.Number or JsonValueKind.String =>
            (SpecDraft.Text(value) ?? value.ToJsonString()).All(static c => c is '0' or '.'),
        _ => false,
    };
}
