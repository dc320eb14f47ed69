using Pachyderm.Errors;
using Pachyderm.Migration.Releases;

namespace Pachyderm.EndToEnd.Tests;

/// <summary>The way from every release to every other.</summary>
public class PathTests
{
    private static readonly ReleaseVersion[] Releases = [.. MigrationPath.KnownReleases];

    [Fact]
    public void The_releases_are_those_that_there_were()
    {
        Assert.Equal(new ReleaseVersion(1, 2, 0), Releases[0]);
        Assert.Equal(new ReleaseVersion(1, 5, 3), Releases[^1]);
        Assert.Equal(5 + 21 + 9 + 4, Releases.Length);
        Assert.Equal(Releases.Order(), Releases);
    }

    [Fact]
    public void From_every_release_to_every_later_one_the_legs_join_up_and_say_what_is_to_be_done()
    {
        foreach (ReleaseVersion from in Releases)
        {
            foreach (ReleaseVersion to in Releases.Where(release => release >= from))
            {
                MigrationPath path = MigrationPath.Find(from, to);

                ReleaseVersion here = from;
                foreach (MigrationLeg leg in path.Legs)
                {
                    Assert.Equal(here, leg.From);
                    Assert.True(leg.To > leg.From, $"{from} to {to}: {leg}");
                    Assert.Equal(leg.Kind == MigrationLegKind.NothingChanges, leg.Folder.Length == 0);
                    here = leg.To;
                }

                Assert.Equal(to, here);
                Assert.Equal(path.IsAutomatic, !path.Legs.Any(leg => leg.Kind == MigrationLegKind.Guide));
                Assert.True(from.Minor < 4 || path.IsAutomatic, path.ToString());
                Assert.True(path.Legs.Count(leg => leg.Kind == MigrationLegKind.Step) <= 1, path.ToString());
                Assert.Equal(from == to, path.Legs.Count == 0);
            }
        }
    }

    [Fact]
    public void Every_release_of_1_4_reaches_every_release_of_1_5_in_one_step()
    {
        foreach (ReleaseVersion from in Releases.Where(release => release.Minor == 4))
        {
            foreach (ReleaseVersion to in Releases.Where(release => release.Minor == 5))
            {
                MigrationLeg leg = Assert.Single(MigrationPath.Find(from, to).Legs);
                Assert.Equal((MigrationLegKind.Step, "1.4.x-1.5.x"), (leg.Kind, leg.Folder));
            }
        }
    }

    [Theory]
    [InlineData("1.2.2", "1.2.3", "1.2.2-1.2.3")]
    [InlineData("1.2.2", "1.3.8", "1.2.2-1.2.3,1.2.4-1.3.0,1.3.4-1.3.7,1.3.7-1.3.8")]
    [InlineData("1.2.4", "1.3.0", "1.2.4-1.3.0")]
    [InlineData("1.3.4", "1.3.8", "1.3.4-1.3.7,1.3.7-1.3.8")]
    [InlineData("1.3.20", "1.5.3", "1.3.x-1.4.x,1.4.x-1.5.x")]
    [InlineData("1.2.2", "1.5.3", "1.2.2-1.2.3,1.2.4-1.3.0,1.3.4-1.3.7,1.3.7-1.3.8,1.3.x-1.4.x,1.4.x-1.5.x")]
    [InlineData("1.4.0", "1.4.8", "")]
    [InlineData("1.5.0", "1.5.3", "1.5.x-1.5.x")]
    [InlineData("1.5.3", "1.5.3", "")]
    public void A_way_goes_through_the_folders_of_its_legs(string from, string to, string folders)
    {
        MigrationPath path = MigrationPath.Find(Parse(from), Parse(to));

        Assert.Equal(folders, string.Join(',', path.Legs.Where(leg => leg.Folder.Length > 0).Select(leg => leg.Folder)));
    }

    [Fact]
    public void No_way_leads_back()
    {
        foreach (ReleaseVersion from in Releases)
        {
            foreach (ReleaseVersion to in Releases.Where(release => release < from))
            {
                Assert.Equal("downgrade", Assert.Throws<OperatorException>(() => MigrationPath.Find(from, to)).Id);
            }
        }
    }

    [Theory]
    [InlineData("1.1.9")]
    [InlineData("1.2.5")]
    [InlineData("1.3.21")]
    [InlineData("1.4.9")]
    [InlineData("1.5.4")]
    [InlineData("1.6.0")]
    [InlineData("2.0.0")]
    public void A_release_that_never_was_is_refused(string version)
    {
        Assert.Equal("unknown-release", Assert.Throws<OperatorException>(() => MigrationPath.Find(Parse(version), Parse("1.5.3"))).Id);
        Assert.Equal("unknown-release", Assert.Throws<OperatorException>(() => MigrationPath.Find(Parse("1.2.0"), Parse(version))).Id);
    }

    [Theory]
    [InlineData("1.4.8-RC1", "1.5.0")]
    [InlineData("1.4.8", "1.5.0-rc.2")]
    [InlineData("v1.4.8", "v1.5.0")]
    public void A_suffix_does_not_matter(string from, string to)
    {
        MigrationLeg leg = Assert.Single(MigrationPath.Find(Parse(from), Parse(to)).Legs);

        Assert.Equal("1.4.x-1.5.x", leg.Folder);
    }

    private static ReleaseVersion Parse(string text) =>
        ReleaseVersion.TryParse(text, out ReleaseVersion version) ? version : throw new ArgumentException(text, nameof(text));
}
