using System.Xml.Linq;

namespace Architecture.Tests;

/// <summary>Holds the references between projects against the list of rooms in ARCHITECTURE.md, which is in order: each room uses those below.</summary>
public class ArrowTests
{
    public static TheoryData<string> Projects => [.. FindProjects().Select(static project => project.Room)];

    [Fact]
    public void Every_room_is_in_the_list_and_nothing_else_is() => Assert.Equal(
        FindProjects().Select(static project => project.Room).Order(StringComparer.Ordinal), ListRooms().Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_room_uses_only_those_below_it(string room)
    {
        List<string> rooms = [.. ListRooms()];
        int own = rooms.IndexOf(room);
        Assert.All(ReferencesOf(room), reference => Assert.True(
            rooms.IndexOf(reference) > own, $"{room} uses {reference}, which is not below it in ARCHITECTURE.md"));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Messages_of_the_wire_stay_with_those_who_speak_it(string room)
    {
        if (room is not ("src/pachd" or "src/pachctl" or "src/Pachyderm.Client"))
        {
            Assert.DoesNotContain("src/Pachyderm.Wire", ReferencesOf(room), StringComparer.Ordinal);
        }
    }

    private static IEnumerable<string> ListRooms() => File.ReadLines(Path.Combine(Repository.Root, "ARCHITECTURE.md"))
        .Where(static line => line.StartsWith("src/", StringComparison.Ordinal) || line.StartsWith("migration/", StringComparison.Ordinal))
        .Select(static line => line.Split(' ')[0].TrimEnd('/'));

    private static IEnumerable<(string Room, string Project)> FindProjects() => Directory.EnumerateDirectories(Path.Combine(Repository.Root, "src"))
        .Append(Path.Combine(Repository.Root, "migration"))
        .SelectMany(static directory => Directory.EnumerateFiles(directory, "*.csproj"))
        .Select(static project => (Path.GetRelativePath(Repository.Root, Path.GetDirectoryName(project)!), project));

    private static IEnumerable<string> ReferencesOf(string room)
    {
        string project = FindProjects().Single(found => found.Room == room).Project;
        return XDocument.Load(project).Descendants("ProjectReference").Select(reference => Path.GetRelativePath(
            Repository.Root, Path.GetFullPath(Path.Combine(Path.GetDirectoryName(project)!, Path.GetDirectoryName((string)reference.Attribute("Include")!)!))));
    }
}
