using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pachyderm.Migration.Specs;

/// <summary>Rewrites pipeline specs of Pachyderm 1.3 in the form that 1.4.8 and 1.5 read.</summary>
/// <remarks>
/// The rules are those of the 1.3 to 1.4 upgrade guide; README.md next to this file lists them. What the new form cannot say is
/// reported as a finding for a person to decide, never guessed in silence. A spec in the 1.4 form comes out as it was.
/// </remarks>
public static class PipelineSpecConverter
{
    /// <summary>Converts every spec in a text.</summary>
    /// <param name="json">JSON objects one after another, with or without white space between them; at most 256 Ki characters.</param>
    /// <returns>One entry for each object, in order; none when the text is empty.</returns>
    /// <exception cref="MalformedPipelineSpecException">The text is anything else; the message names line and column.</exception>
    public static PipelineSpecConversion Convert(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return new PipelineSpecConversion([.. PipelineSpecReader.Read(json).Select(ConvertOne)]);
    }

    private static ConvertedPipelineSpec ConvertOne(JsonObject spec)
    {
        var draft = new SpecDraft(spec);
        var alreadyConverted = !OldSpecForm.Uses(spec);
        if (alreadyConverted)
        {
            draft.Note("$", "the spec is in the 1.4 form already; nothing was changed");
        }
        else
        {
            foreach (var field in SpecFields.Order)
            {
                draft.DropSecondSpelling(spec, "$", field);
            }

            SpecFieldRules.Apply(draft);
            SpecInputRules.Apply(draft);
            draft.Reorder(SpecFields.Order);
        }

        SpecChecks.Apply(draft);
        return new ConvertedPipelineSpec(draft.Name, draft.Spec, alreadyConverted, draft.Decisions, draft.Findings);
    }
}

/// <summary>Which fields exist on which side.</summary>
internal static class SpecFields
{
    /// <summary>The fields of a 1.4 or 1.5 spec, in the order in which a converted spec has them.</summary>
    public static ReadOnlySpan<string> Order => new[]
    {
        "pipeline", "description", "transform", "parallelism_spec", "resource_spec", "input", "inputs", "output_branch", "egress",
        "scale_down_threshold", "incremental", "cache_size", "enable_stats", "batch", "update", "reprocess",
    };

    /// <summary>The fields of a transform.</summary>
    public static ReadOnlySpan<string> OfTransform => new[]
    {
        "image", "cmd", "stdin", "env", "secrets", "image_pull_secrets", "accept_return_code", "debug",
    };

    /// <summary>Fields of a 1.3 spec that 1.4.8 refuses.</summary>
    public static ReadOnlySpan<string> OnlyOld => new[] { "output", "gc_policy", "resources", "no_archive" };
}

/// <summary>Tells a 1.3 spec from a 1.4 spec.</summary>
internal static class OldSpecForm
{
    /// <summary>Whether a spec says anything in a way that only 1.3 understood.</summary>
    public static bool Uses(JsonObject spec)
    {
        foreach (var name in SpecFields.OnlyOld)
        {
            if (SpecDraft.Spelling(spec, name) is not null)
            {
                return true;
            }
        }

        if (SpecDraft.Value(spec, "transform") is JsonObject transform && SpecDraft.Spelling(transform, "overwrite") is not null)
        {
            return true;
        }

        var inputs = SpecDraft.Value(spec, "inputs") as JsonArray;
        if (inputs is not { Count: > 0 })
        {
            // Both releases have "strategy"; without an input of the 1.4 form the rest of the spec is taken as old too.
            return SpecDraft.Value(spec, "input") is null
                && SpecDraft.Value(spec, "parallelism_spec") is JsonObject parallelism
                && SpecDraft.Spelling(parallelism, "strategy") is not null;
        }

        return inputs.All(static input => input is JsonObject) && inputs.Any(static input => IsOldInput((JsonObject)input!));
    }

    /// <summary>Whether an entry of <c>inputs</c> says what 1.3 said instead of a glob.</summary>
    public static bool IsOldInput(JsonObject input) =>
        SpecDraft.Value(input, "glob") is not JsonValue glob || glob.GetValueKind() != JsonValueKind.String
        || SpecDraft.Spelling(input, "method") is not null || SpecDraft.Spelling(input, "run_empty") is not null;
}
