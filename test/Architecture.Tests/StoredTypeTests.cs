using System.Text.RegularExpressions;

namespace Architecture.Tests;

/// <summary>Whatever is kept as JSON has its shape in a golden file, so that it does not change without a new format number.</summary>
public partial class StoredTypeTests
{
    // What is only printed for people and scripts, and never read again.
    private static readonly string[] Reports = ["MigrationReport", "UpgradeReport"];

    [Fact]
    public void Every_type_that_is_kept_as_json_has_its_shape_in_a_golden_file()
    {
        HashSet<string> pinned = new(
            Directory.EnumerateFiles(Path.Combine(Repository.Root, "test"), "shape.txt", SearchOption.AllDirectories).SelectMany(File.ReadLines),
            StringComparer.Ordinal);
        string[] kept =
        [
            .. new[] { "src", "migration" }
                .SelectMany(static folder => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories))
                .Where(static file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
                .SelectMany(static file => Serializable().Matches(File.ReadAllText(file)))
                .Select(static match => match.Groups["type"].Value)
                .Except(Reports, StringComparer.Ordinal),
        ];
        Assert.NotEmpty(kept);
        Assert.All(kept, type => Assert.True(
            pinned.Contains(type),
            $"{type} is kept as JSON and is in no Golden/*/shape.txt: see \"Change what is stored\" in CONTRIBUTING.md, and doc/formats.md"));
    }

    [GeneratedRegex(@"\[JsonSerializable\(typeof\((?<type>\w+)\)", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Serializable();
}
