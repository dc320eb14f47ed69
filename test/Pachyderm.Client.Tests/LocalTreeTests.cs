using System.Diagnostics;
using Pachyderm.Errors;

namespace Pachyderm.Client.Tests;

public class LocalTreeTests
{
    [Fact]
    public void Files_and_links_to_files_are_found_while_links_to_directories_are_not_followed()
    {
        using Scratch scratch = new();
        Directory.CreateDirectory(scratch["d/sub"]);
        Directory.CreateDirectory(scratch["d/empty"]);
        File.WriteAllText(scratch["d/a"], "");
        File.WriteAllText(scratch["d/.hidden"], "");
        File.WriteAllText(scratch["d/sub/b,c d"], "");
        File.CreateSymbolicLink(scratch["d/link"], scratch["d/a"]);
        Directory.CreateSymbolicLink(scratch["d/loop"], scratch["d"]);

        string[] found = [.. LocalTree.Walk(scratch["d"], "/to").Select(file => file.Path).Order(StringComparer.Ordinal)];

        Assert.Equal("/to/.hidden|/to/a|/to/link|/to/sub/b,c d", string.Join('|', found));
        Assert.Equal(found, [.. LocalTree.Walk(scratch["d"] + "/", "/to/").Select(file => file.Path).Order(StringComparer.Ordinal)], StringComparer.Ordinal);
    }

    [Fact]
    public void A_name_that_is_not_utf8_is_refused_with_the_name()
    {
        using Scratch scratch = new();
        using var touch = Process.Start("sh", ["-c", $"touch \"$(printf '{scratch.Path}/bad\\377name')\""]);
        touch.WaitForExit();

        OperatorException exception = Assert.Throws<OperatorException>(() => LocalTree.Walk(scratch.Path, "/").ToList());

        Assert.Equal("name-not-utf8", exception.Id);
        Assert.Contains("bad", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_with_a_genuine_replacement_character_is_taken()
    {
        using Scratch scratch = new();
        File.WriteAllText(scratch["good\uFFFDname"], "");

        Assert.Equal("/good\uFFFDname", Assert.Single(LocalTree.Walk(scratch.Path, "/")).Path);
    }

    [Fact]
    public void A_directory_that_is_missing_is_told()
    {
        OperatorException exception = Assert.Throws<OperatorException>(() => LocalTree.Walk("/nonexistent/dir", "/").ToList());

        Assert.Equal("/nonexistent/dir: it does not exist; name an existing file", exception.Message);
    }
}
