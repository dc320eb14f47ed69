using Pachyderm.Errors;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Tests.Packs;

namespace Pachyderm.Storage.Tests.Adoption;

public sealed class AdoptionFileTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    private string FilePath => Path.Combine(_folder.Root, AdoptionFile.FileName);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Sources_are_added_changed_and_removed()
    {
        Assert.Empty(AdoptionFile.Read(_folder.Root));
        AdoptionFile.Set(_folder.Root, new AdoptionPlace("one", "/srv/one"));
        AdoptionFile.Set(_folder.Root, new AdoptionPlace("two", "/srv/two"));
        AdoptionFile.Set(_folder.Root, new AdoptionPlace("one", "/mnt/one") { Released = true });
        Assert.Equal(
            [new AdoptionPlace("one", "/mnt/one") { Released = true }, new AdoptionPlace("two", "/srv/two")],
            AdoptionFile.Read(_folder.Root));
        AdoptionSource source = AdoptionFile.Open(_folder.Root)[0];
        Assert.Equal(("one", true, "directory /mnt/one"), (source.Name, source.Released, source.Objects.Location));
        AdoptionFile.Remove(_folder.Root, "one");
        AdoptionFile.Remove(_folder.Root, "none");
        Assert.Equal([new AdoptionPlace("two", "/srv/two")], AdoptionFile.Read(_folder.Root));
    }

    [Fact]
    public void The_file_has_its_golden_text()
    {
        AdoptionFile.Set(_folder.Root, new AdoptionPlace("cluster", "/pach"));
        Assert.Equal(
            """
            {
              "version": 1,
              "min_reader": 1,
              "sources": [
                {
                  "name": "cluster",
                  "path": "/pach",
                  "released": false
                }
              ]
            }

            """, File.ReadAllText(FilePath));
    }

    [Fact]
    public void A_path_that_is_not_absolute_is_below_the_data_directory()
    {
        File.WriteAllText(FilePath, """{"version":1,"min_reader":1,"sources":[{"name":"near","path":"old/pach"}]}""");
        Assert.Equal([new AdoptionPlace("near", Path.Combine(_folder.Root, "old", "pach"))], AdoptionFile.Read(_folder.Root));
    }

    [Fact]
    public void A_file_of_a_later_release_is_refused() =>
        Assert.Equal("adopted-file-unknown", Refusal("""{"version":2,"min_reader":2,"sources":{}}""").Id);

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"min_reader":"x"}""")]
    [InlineData("""{"min_reader":1,"sources":[{"name":"a"}]}""")]
    [InlineData("""{"min_reader":1,"sources":[{"name":"a","path":null}]}""")]
    [InlineData("""{"min_reader":1,"sources":[{"name":"a","path":"\u0000"}]}""")]
    [InlineData("""{"min_reader":1,"sources":[{"name":"A/B","path":"/a"}]}""")]
    [InlineData("""{"min_reader":1,"sources":[{"name":"a","path":"/a"},{"name":"a","path":"/b"}]}""")]
    [InlineData("""{"min_reader":1,"sources":[{"name":"a","path":"/a","released":3}]}""")]
    public void A_damaged_file_is_told_and_not_taken_for_an_empty_one(string text) =>
        Assert.Equal("adopted-file-damaged", Assert.IsType<CorruptionException>(Refusal(text)).Id);

    private OperatorException Refusal(string text)
    {
        File.WriteAllText(FilePath, text);
        return Assert.ThrowsAny<OperatorException>(() => AdoptionFile.Read(_folder.Root));
    }
}
