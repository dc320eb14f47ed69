using Pachyderm.Errors;
using Pachyderm.Migration.Releases;
using Pachyderm.Migration.Steps;
using Pachyderm.TestSupport;

namespace Pachyderm.Migration.Tests.Releases;

public sealed class MigrationPathTests
{
    private static readonly ReleaseVersion[] Releases = [.. MigrationPath.KnownReleases];

    [Fact]
    public void Every_release_from_1_2_0_to_1_5_3_is_known_in_order()
    {
        Assert.Equal(new ReleaseVersion(1, 2, 0), Releases[0]);
        Assert.Equal(new ReleaseVersion(1, 5, 3), Releases[^1]);
        Assert.Equal(Releases[^1], MigrationPath.Newest);
        Assert.All(Releases.Zip(Releases.Skip(1)), pair => Assert.True(pair.First < pair.Second));
        Assert.Equal(5 + 21 + 9 + 4, Releases.Length);
    }

    [Fact]
    public void Every_path_forward_begins_and_ends_right_and_its_legs_connect()
    {
        foreach (ReleaseVersion from in Releases)
        {
            foreach (ReleaseVersion to in Releases.Where(to => to > from))
            {
                IReadOnlyList<MigrationLeg> legs = MigrationPath.Find(from, to).Legs;

                Assert.NotEmpty(legs);
                Assert.Equal(from, legs[0].From);
                Assert.Equal(to, legs[^1].To);
                Assert.All(legs.Zip(legs.Skip(1)), pair => Assert.Equal(pair.First.To, pair.Second.From));
                Assert.All(legs, leg => Assert.True(leg.From < leg.To, leg.ToString()));
                Assert.All(legs, leg => Assert.Equal(leg.Kind == MigrationLegKind.NothingChanges, leg.Folder.Length == 0));
            }
        }
    }

    [Fact]
    public void A_path_is_automatic_exactly_if_it_begins_with_1_4_or_later_or_if_nothing_stored_changes()
    {
        foreach (ReleaseVersion from in Releases)
        {
            foreach (ReleaseVersion to in Releases.Where(to => to >= from))
            {
                MigrationPath path = MigrationPath.Find(from, to);

                bool expected = from.Minor >= 4 || path.Legs.All(leg => leg.Kind == MigrationLegKind.NothingChanges);
                Assert.Equal(expected, path.IsAutomatic);
            }
        }
    }

    [Fact]
    public void From_any_1_4_to_any_1_5_and_within_1_5_one_step_does_it()
    {
        foreach (ReleaseVersion from in Releases.Where(release => release.Minor >= 4))
        {
            foreach (ReleaseVersion to in Releases.Where(to => to > from && to.Minor == 5))
            {
                MigrationLeg leg = Assert.Single(MigrationPath.Find(from, to).Legs);

                Assert.Equal(MigrationLegKind.Step, leg.Kind);
                Assert.Equal(from.Minor == 4 ? "1.4.x-1.5.x" : "1.5.x-1.5.x", leg.Folder);
            }
        }
    }

    [Fact]
    public void A_release_needs_no_path_to_itself() =>
        Assert.All(Releases, release => Assert.Equal("nothing to do", MigrationPath.Find(release, release).ToString()));

    [Fact]
    public void Every_way_back_is_refused()
    {
        foreach (ReleaseVersion from in Releases)
        {
            foreach (ReleaseVersion to in Releases.Where(to => to < from))
            {
                Assert.Equal("downgrade", Assert.Throws<OperatorException>(() => MigrationPath.Find(from, to)).Id);
            }
        }
    }

    [Theory]
    [InlineData("1.4.8-RC1", "1.5.0")]
    [InlineData("1.4.8", "1.5.0-RC2")]
    [InlineData("1.4.8-RC1", "1.5.0-beta-1")]
    public void Suffixes_do_not_matter(string from, string to)
    {
        Assert.True(ReleaseVersion.TryParse(from, out ReleaseVersion source));
        Assert.True(ReleaseVersion.TryParse(to, out ReleaseVersion destination));
        MigrationLeg leg = Assert.Single(MigrationPath.Find(source, destination).Legs);

        Assert.Equal("1.4.x-1.5.x", leg.Folder);
        Assert.Equal((source.Plain, destination.Plain), (leg.From.Plain, leg.To.Plain));
    }

    [Theory]
    [InlineData("1.4.8-RC1", "1.4.8")]
    [InlineData("1.5.3", "1.5.3-RC1")]
    public void A_suffix_alone_is_nothing_to_do(string from, string to)
    {
        Assert.True(ReleaseVersion.TryParse(from, out ReleaseVersion source));
        Assert.True(ReleaseVersion.TryParse(to, out ReleaseVersion destination));

        Assert.Empty(MigrationPath.Find(source, destination).Legs);
    }

    [Theory]
    [InlineData("1.1.0", "1.5.0", "--from")]
    [InlineData("1.2.5", "1.5.0", "--from")]
    [InlineData("1.4.9", "1.5.0", "--from")]
    [InlineData("1.4.8", "1.5.4", "--to")]
    [InlineData("1.4.8", "1.6.0", "--to")]
    [InlineData("1.4.8", "2.0.0", "--to")]
    [InlineData("2.4.8", "2.5.0", "--from")]
    public void A_release_that_nobody_knows_is_refused_by_the_option_that_named_it(string from, string to, string option)
    {
        Assert.True(ReleaseVersion.TryParse(from, out ReleaseVersion source));
        Assert.True(ReleaseVersion.TryParse(to, out ReleaseVersion destination));
        OperatorException refused = Assert.Throws<OperatorException>(() => MigrationPath.Find(source, destination));

        Assert.Equal("unknown-release", refused.Id);
        Assert.StartsWith(option, refused.Thing, StringComparison.Ordinal);
    }

    [Fact]
    public void The_old_routines_are_all_passed_on_the_way_from_1_2_2_to_1_5_3()
    {
        string[] folders = [.. MigrationPath.Find(new ReleaseVersion(1, 2, 2), MigrationPath.Newest).Legs
            .Where(leg => leg.Folder.Length > 0).Select(leg => leg.Folder)];

        Assert.Equal("1.2.2-1.2.3, 1.2.4-1.3.0, 1.3.4-1.3.7, 1.3.7-1.3.8, 1.3.x-1.4.x, 1.4.x-1.5.x", string.Join(", ", folders));
    }

    [Fact]
    public void Every_folder_that_a_leg_names_has_a_README_and_every_step_is_registered()
    {
        MigrationSteps.Register();
        MigrationLeg[] legs = [.. from release in Releases
            from target in Releases
            where target > release
            from leg in MigrationPath.Find(release, target).Legs
            where leg.Folder.Length > 0
            select leg];
        foreach (MigrationLeg leg in legs.DistinctBy(leg => leg.Folder, StringComparer.Ordinal))
        {
            Assert.True(File.Exists(Path.Combine(RepositoryPaths.Root, "migration", leg.Folder, "README.md")), leg.Folder);
            Assert.True(leg.Kind != MigrationLegKind.Step || StepCatalog.Get(leg.Folder).Folder == leg.Folder);
        }
    }
}
