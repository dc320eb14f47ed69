using Pachyderm.Migration.Specs;

namespace Pachyderm.Migration.SpecConversion.Tests;

/// <summary>Compares whole conversions with the files of migration/1.3.x-1.4.x/golden.</summary>
public sealed class GoldenSpecTests
{
    private static string Folder => Path.Combine(Specs.RepositoryRoot, "migration", "1.3.x-1.4.x", "golden");

    public static TheoryData<string> Names() =>
        [.. Directory.GetFiles(Folder, "*.in.json")
            .Select(file => Path.GetFileName(file)[..^".in.json".Length])
            .Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_golden_spec_becomes_what_its_output_file_says(string name) =>
        Assert.Equal(await Read(name + ".out.json"), PipelineSpecConverter.Convert(await Read(name + ".in.json")).ToJson());

    [Theory]
    [MemberData(nameof(Names))]
    public async Task The_report_on_a_golden_spec_is_its_report_file(string name) =>
        Assert.Equal(
            await Read(name + ".report.txt"),
            PipelineSpecReport.Format(PipelineSpecConverter.Convert(await Read(name + ".in.json"))));

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_converted_golden_spec_is_left_as_it_is_by_a_second_conversion(string name)
    {
        var once = await Read(name + ".out.json");
        var twice = PipelineSpecConverter.Convert(once);
        Assert.Equal(once, twice.ToJson());
        Assert.All(twice.Specs, spec =>
        {
            Assert.True(spec.AlreadyConverted);
            Assert.Empty(spec.Decisions);
            spec.AssertFinding(SpecFindingSeverity.Note, "$", "1.4 form already");
        });
    }

    [Fact]
    public void Every_golden_input_has_its_output_and_report()
    {
        var files = Directory.GetFiles(Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal);
        var expected = Names().SelectMany(row => new[] { ".in.json", ".out.json", ".report.txt" }.Select(end => row.Data + end));
        Assert.Equal(expected.Order(StringComparer.Ordinal), files);
    }

    private static Task<string> Read(string file) =>
        File.ReadAllTextAsync(Path.Combine(Folder, file), TestContext.Current.CancellationToken);
}
