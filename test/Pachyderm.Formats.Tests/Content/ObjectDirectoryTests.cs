using System.Security.Cryptography;
using System.Text;
using Pachyderm.Formats.Content;

namespace Pachyderm.Formats.Tests.Content;

public sealed class ObjectDirectoryTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("pachyderm-objects-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(50)]
    [InlineData(99)]
    [InlineData(100)]
    [InlineData(1_000)]
    public void Objects_are_listed_once_and_in_order_however_few_are_held_at_a_time(int window)
    {
        string[] names = [.. Enumerable.Range(0, 100).Select(static i => Name(i))];
        Write(names);

        Assert.Equal(Expected(names), new ObjectDirectory(folder, window).Read());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(10)]
    [InlineData(39)]
    [InlineData(40)]
    public void Names_that_begin_alike_are_listed_once_and_in_order_too(int window)
    {
        string[] names = [.. Enumerable.Range(0, 40).Select(static i => (i % 2 == 0 ? "0000000" : "fffffff") + Name(i)[7..])];
        Write(names);

        Assert.Equal(Expected(names), new ObjectDirectory(folder, window).Read());
    }

    [Fact]
    public void Neither_directories_nor_links_nor_files_of_other_names_are_objects()
    {
        Write([Name(1), "upload", Name(2)[..127], Name(3).ToUpperInvariant(), Name(4) + "0"]);
        Directory.CreateDirectory(Path.Combine(folder, Name(5)));
        File.CreateSymbolicLink(Path.Combine(folder, Name(6)), Path.Combine(folder, Name(1)));

        Assert.Equal(Expected([Name(1)]), new ObjectDirectory(folder).Read());
    }

    [Fact]
    public void A_directory_that_is_not_there_has_no_objects()
    {
        Assert.Empty(new ObjectDirectory(Path.Combine(folder, "object")).Read());
    }

    private static string Name(int number) => Convert.ToHexStringLower(SHA512.HashData(BitConverter.GetBytes(number)));

    private static int LengthOf(string name) => Encoding.ASCII.GetBytes(name).Sum(static digit => digit) % 100;

    private void Write(IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            File.WriteAllBytes(Path.Combine(folder, name), new byte[LengthOf(name)]);
        }
    }

    private static IEnumerable<(string Hash, long SizeBytes)> Expected(IEnumerable<string> names) =>
        names.Order(StringComparer.Ordinal).Select(static name => (name, (long)LengthOf(name)));
}
