using System.Text;
using System.Text.Json.Nodes;

namespace Pachyderm.Migration.Specs;

/// <summary>What became of all specs in one text.</summary>
/// <param name="Specs">One entry for each JSON object of the text, in order; empty when the text held none.</param>
public sealed record PipelineSpecConversion(IReadOnlyList<ConvertedPipelineSpec> Specs)
{
    /// <summary>Whether a person has to decide something before the specs are used.</summary>
    public bool NeedsDecisions => Specs.Any(static spec => spec.NeedsDecisions);

    /// <summary>The converted specs as <c>pachctl create-pipeline -f</c> reads them: indented JSON objects one after another.</summary>
    /// <returns>Text with LF line ends, the last line ended too; empty when there is no spec.</returns>
    public string ToJson()
    {
        var text = new StringBuilder();
        foreach (var spec in Specs)
        {
            text.Append(JsonText.Indented(spec.Spec)).Append('\n');
        }

        return text.ToString();
    }
}

/// <summary>One pipeline spec after conversion.</summary>
/// <param name="Name">The pipeline's name, or null when the spec has none.</param>
/// <param name="Spec">The spec in the 1.4 form, in a fixed order of its fields.</param>
/// <param name="AlreadyConverted">True when the spec was in the 1.4 form; then <paramref name="Spec"/> is what was read.</param>
/// <param name="Decisions">Every change that was made, in the order of the rules.</param>
/// <param name="Findings">What a person should know or decide.</param>
public sealed record ConvertedPipelineSpec(
    string? Name,
    JsonObject Spec,
    bool AlreadyConverted,
    IReadOnlyList<SpecDecision> Decisions,
    IReadOnlyList<SpecFinding> Findings)
{
    /// <summary>Whether a person has to decide something before the spec is used.</summary>
    public bool NeedsDecisions => Findings.Any(static finding => finding.Severity == SpecFindingSeverity.Decide);
}
