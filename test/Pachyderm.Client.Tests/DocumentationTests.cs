using System.Text.RegularExpressions;
using Pachyderm.TestSupport;

namespace Pachyderm.Client.Tests;

/// <summary>The page about the client shows code that compiles.</summary>
public partial class DocumentationTests
{
    [Fact]
    public async Task Every_example_of_the_page_is_one_that_was_compiled_and_the_other_way_round()
    {
        string source = await System.IO.File.ReadAllTextAsync(
            Path.Combine(RepositoryPaths.Root, "test", "Pachyderm.Client.Tests", "Examples.cs"), TestContext.Current.CancellationToken);
        string page = await System.IO.File.ReadAllTextAsync(Path.Combine(RepositoryPaths.Root, "doc", "client.md"), TestContext.Current.CancellationToken);

        string[] compiled = [.. Region().Matches(source).Select(match => Normalize(match.Groups["code"].Value))];
        string[] shown = [.. Block().Matches(page).Select(match => Plain(match.Groups["code"].Value))];

        Assert.Equal(compiled, shown);
        Assert.NotEmpty(shown);
    }

    // The bodies of methods are indented by eight, blank lines are not.
    private static string Normalize(string code) =>
        string.Join('\n', code.Split('\n').Select(line => line.StartsWith("        ", StringComparison.Ordinal) ? line[8..] : line)).TrimEnd();

    private static string Plain(string code) => code.TrimEnd();

    [GeneratedRegex(@"#region \S+\n(?<code>.*?)\n\s*#endregion", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Region();

    [GeneratedRegex(@"```csharp\n(?<code>.*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Block();
}
