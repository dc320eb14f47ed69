using System.Globalization;

namespace Pachyderm.TestSupport;

/// <summary>
/// What a format stores, held against files in <c>test/PROJECT/Golden/NAME-NUMBER/</c>. They are never edited. Another shape takes another
/// number, for which PACHYDERM_WRITE_GOLDEN=1 writes the files that are missing (and fails, so that nobody runs with it for ever).
/// </summary>
/// <param name="project">The test project that keeps the files.</param>
/// <param name="name">Name of the format.</param>
/// <param name="number">Its number in this release.</param>
/// <param name="constant">Where the number stands in the code.</param>
public sealed class GoldenFormat(string project, string name, int number, string constant)
{
    private const string WriteVariable = "PACHYDERM_WRITE_GOLDEN";

    /// <summary>Fails unless this release writes what the file has.</summary>
    /// <param name="file">Name of the file.</param>
    /// <param name="written">What this release writes.</param>
    public void Holds(string file, ReadOnlySpan<byte> written)
    {
        string path = PathOf(number, file);
        if (!File.Exists(path))
        {
            if (Environment.GetEnvironmentVariable(WriteVariable) is not "1")
            {
                Assert.Fail($"{Shown(file)} is missing: run the test with {WriteVariable}=1, which writes it, and look at what it has.");
            }

            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, written);
            Assert.Fail($"{Shown(file)} is written. Look at it, and run the test again.");
        }

        byte[] golden = File.ReadAllBytes(path);
        if (!written.SequenceEqual(golden))
        {
            Assert.Fail(
                $"What is stored is no longer what {Shown(file)} has. Data in the field has that shape, so do not edit the file. Either take "
                + $"the change back, or give it the number {number + 1} ({constant}), a way there from {number} (a step in migration/, or a "
                + $"reader of both), and golden data of {number + 1}: CONTRIBUTING.md, \"Change what is stored\".\n"
                + $"stored now: {Show(file, written)}\nthe file:   {Show(file, golden)}");
        }
    }

    /// <summary>Fails unless the shape of what is stored is that of the file <c>shape.txt</c>.</summary>
    /// <param name="shape">The shape, as <c>JsonShape</c> describes it.</param>
    public void HasShape(string shape) => Holds("shape.txt", System.Text.Encoding.UTF8.GetBytes(shape));

    /// <summary>The file of each format up to this release's: all of them are read for ever.</summary>
    /// <param name="file">Name of the file.</param>
    /// <returns>In the order of the formats; at least one.</returns>
    public IEnumerable<byte[]> OfEveryFormat(string file) =>
        Enumerable.Range(1, number).Select(format => File.ReadAllBytes(PathOf(format, file)));

    /// <summary>The file of this release's format.</summary>
    /// <param name="file">Name of the file.</param>
    public byte[] OfThisFormat(string file) => File.ReadAllBytes(PathOf(number, file));

    private static string Show(string file, ReadOnlySpan<byte> bytes) =>
        file.EndsWith(".bin", StringComparison.Ordinal) ? Convert.ToHexStringLower(bytes) : System.Text.Encoding.UTF8.GetString(bytes);

    private string Shown(string file) => Path.GetRelativePath(RepositoryPaths.Root, PathOf(number, file));

    private string PathOf(int format, string file) => Path.Combine(
        RepositoryPaths.Root, "test", project, "Golden", string.Create(CultureInfo.InvariantCulture, $"{name}-{format}"), file);
}
