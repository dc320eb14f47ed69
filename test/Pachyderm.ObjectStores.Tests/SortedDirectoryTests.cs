using System.Text;
using CsCheck;

namespace Pachyderm.ObjectStores.Tests;

public sealed class SortedDirectoryTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(50)]
    [InlineData(99)]
    [InlineData(100)]
    [InlineData(1000)]
    public void Every_entry_comes_once_in_order_whatever_the_window(int window)
    {
        using TemporaryDirectory directory = new();
        Random random = new(window);
        SortedSet<string> names = new(StringComparer.Ordinal);
        while (names.Count < 100)
        {
            names.Add(random.Next(1_000_000).ToString("x"));
        }

        foreach (string name in names)
        {
            File.WriteAllText(directory[name], name);
        }

        Assert.Equal<string>(names, new SortedDirectory(directory.Path, window).Read().Select(entry => entry.Name), StringComparer.Ordinal);
        Assert.Equal<string>(
            names.Where(name => name.StartsWith('a')),
            new SortedDirectory(directory.Path, window).Read("a").Select(entry => entry.Name),
            StringComparer.Ordinal);
    }

    [Fact]
    public void Links_are_told_from_what_they_point_to()
    {
        using TemporaryDirectory directory = new();
        Directory.CreateDirectory(directory["dir"]);
        File.WriteAllText(directory["file"], "12345");
        File.CreateSymbolicLink(directory["to-file"], directory["file"]);
        File.CreateSymbolicLink(directory["to-dir"], directory["dir"]);
        File.CreateSymbolicLink(directory["to-nowhere"], "/pach/object/nowhere");
        Assert.Equal(
            [
                new DirectoryEntry("dir", DirectoryEntryKind.Directory, 0),
                new DirectoryEntry("file", DirectoryEntryKind.File, 5),
                new DirectoryEntry("to-dir", DirectoryEntryKind.Link, 0),
                new DirectoryEntry("to-file", DirectoryEntryKind.Link, 0),
                new DirectoryEntry("to-nowhere", DirectoryEntryKind.Link, 0),
            ],
            new SortedDirectory(directory.Path).Read());
    }

    [Fact]
    public void A_directory_that_does_not_exist_has_no_entries() =>
        Assert.Empty(new SortedDirectory("/nonexistent/pachyderm").Read());

    [Fact]
    public void Strings_order_as_their_UTF8_bytes() =>
        Gen.Select(Texts, Texts).Sample((a, b) =>
            Math.Sign(Utf8Order.Instance.Compare(a, b))
            == Math.Sign(Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b))));

    private static readonly string[] Letters = ["a", "b", "/", "\u00e9", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010FFFF"];

    private static Gen<string> Texts => Gen.Int[0, Letters.Length - 1].Select(i => Letters[i]).Array[0, 4].Select(string.Concat);
}
