using System.Text.Json.Nodes;
using Pachyderm.Migration.Specs;

namespace Pachyderm.Migration.SpecConversion.Tests;

/// <summary>Short ways to say what a test converts and expects.</summary>
internal static class Specs
{
    public static string RepositoryRoot { get; } = FindRoot();

    public static ConvertedPipelineSpec ConvertOne(string json) => Assert.Single(PipelineSpecConverter.Convert(json).Specs);

    /// <summary>Converts a spec that is complete but for the fields given, which are JSON text such as <c>"output": {}</c>.</summary>
    public static ConvertedPipelineSpec ConvertWith(string fields) =>
        ConvertOne($$"""{"pipeline":{"name":"p"},"transform":{"cmd":["true"]},{{fields}}}""");

    /// <summary>Converts a spec of the 1.3 form, which needs no attention itself, with further fields given as JSON text.</summary>
    public static ConvertedPipelineSpec ConvertOldWith(string fields) =>
        ConvertWith($$"""  "inputs":[{"repo":{"name":"in"},"method":"global"}],{{fields}}""");

    /// <summary>Converts a spec with one input of repo "in" and the input's further fields given as JSON text.</summary>
    public static ConvertedPipelineSpec ConvertInput(string fields) => ConvertWith($$"""  "inputs":[{"repo":{"name":"in"},{{fields}}}]""");

    public static JsonObject Atom(this ConvertedPipelineSpec spec) => spec.Spec["input"]!["atom"]!.AsObject();

    public static void AssertJson(string expected, JsonNode? actual) =>
        Assert.True(
            JsonNode.DeepEquals(JsonNode.Parse(expected), actual),
            $"expected {expected}, found {actual?.ToJsonString() ?? "nothing"}");

    public static SpecDecision AssertChanged(this ConvertedPipelineSpec spec, string path) =>
        Assert.Single(spec.Decisions, decision => string.Equals(decision.Path, path, StringComparison.Ordinal));

    public static void AssertFinding(this ConvertedPipelineSpec spec, SpecFindingSeverity severity, string path, string part) =>
        Assert.Single(
            spec.Findings,
            finding => finding.Severity == severity
                && string.Equals(finding.Path, path, StringComparison.Ordinal)
                && finding.Message.Contains(part, StringComparison.Ordinal));

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Pachyderm.slnx")))
        {
            directory = directory.Parent ?? throw new InvalidOperationException("the tests run outside a checkout");
        }

        return directory.FullName;
    }
}
