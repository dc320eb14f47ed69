using System.Globalization;
using System.Text;

namespace Pachyderm.Migration.Specs;

/// <summary>Tells a person what a conversion did, one line for each decision and each finding.</summary>
public static class PipelineSpecReport
{
    /// <summary>Formats the report of a conversion.</summary>
    /// <param name="conversion">What <see cref="PipelineSpecConverter.Convert"/> returned.</param>
    /// <returns>Lines ended by LF; the last one counts pipelines, changes and what is left to decide.</returns>
    public static string Format(PipelineSpecConversion conversion)
    {
        ArgumentNullException.ThrowIfNull(conversion);
        var text = new StringBuilder();
        for (var i = 0; i < conversion.Specs.Count; i++)
        {
            var spec = conversion.Specs[i];
            var name = spec.Name is null ? "without a name" : JsonText.Quote(spec.Name);
            Line(text, $"pipeline {name} ({i + 1} of {conversion.Specs.Count})");
            foreach (var decision in spec.Decisions)
            {
                Line(text, $"  changed  {decision.Path}: {decision.Was} -> {decision.Became} ({decision.Why})");
            }

            foreach (var finding in spec.Findings)
            {
                Line(text, $"  {Word(finding.Severity),-7}  {finding.Path}: {finding.Message}");
            }
        }

        var changes = conversion.Specs.Sum(static spec => spec.Decisions.Count);
        var open = conversion.Specs
            .SelectMany(static spec => spec.Findings)
            .Count(static finding => finding.Severity == SpecFindingSeverity.Decide);
        Line(text, $"pipelines: {conversion.Specs.Count}, changes: {changes}, to decide: {open}");
        return text.ToString();
    }

    private static void Line(StringBuilder text, FormattableString line) =>
        text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private static string Word(SpecFindingSeverity severity) => severity switch
    {
        SpecFindingSeverity.Note => "note",
        SpecFindingSeverity.Warning => "warning",
        _ => "decide",
    };
}
