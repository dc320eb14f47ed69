using System.Security.Cryptography;
using System.Text;
using Pachyderm.Formats.Content;
using Pachyderm.Migration.Steps;

namespace Pachyderm.Migration.Tags.Tests;

public sealed class GenuineTagTests
{
    private const string WithEnvironment = "p-env";

    /// <summary>Every set of 1.4 with each of its storage roots and target releases.</summary>
    public static TheoryData<string, string, string> Clusters
    {
        get
        {
            TheoryData<string, string, string> data = [];
            foreach (string to in SurveyedCluster.Targets)
            {
                data.Add("pachyderm-1.4.8-small", "object-store.tar.gz", to);
                data.Add("pachyderm-1.4.8-dirty", "object-store.tar.gz", to);
                data.Add("pachyderm-1.4.8-objstore", "object-store-before-compaction.tar.gz", to);
                data.Add("pachyderm-1.4.8-objstore", "object-store.tar.gz", to);
            }

            return data;
        }
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Clusters))]
    public async Task Every_result_of_a_pipeline_with_environment_variables_is_carried(string set, string archive, string to)
    {
        using SurveyedCluster cluster = await SurveyedCluster.OpenFixtureAsync(set, archive);
        List<ContentTag> old = await TagsOfAsync(cluster, WithEnvironment);

        // Five jobs. Two of their commits have the same content, but the datum got another name in the second job, and was computed again.
        const int DatumsOfJobs = 4;
        Assert.Equal(DatumsOfJobs + 1, old.Count);

        List<TagProposal> proposals = await cluster.ProposeAsync(to);

        List<TagProposal> carried = [.. proposals.Where(proposal => proposal.Pipeline == WithEnvironment)];
        Assert.All(carried, proposal => Assert.Null(proposal.Reason));
        Assert.Equal(DatumsOfJobs, carried.Count);
        Assert.Equal(DatumsOfJobs, carried.DistinctBy(proposal => proposal.ObjectHash, StringComparer.Ordinal).Count());
        Assert.All(carried, proposal => Assert.Contains(old, tag => tag.ObjectHash == proposal.ObjectHash));
        Assert.All(carried, proposal => Assert.Equal(68, proposal.Tag.Length));
        Assert.All(carried, proposal => Assert.DoesNotContain(old, tag => tag.Name == proposal.Tag));
        Assert.All(carried, proposal => Assert.StartsWith("images:/", proposal.Datum, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Clusters))]
    public async Task A_pipeline_without_environment_variables_needs_nothing(string set, string archive, string to)
    {
        using SurveyedCluster cluster = await SurveyedCluster.OpenFixtureAsync(set, archive);

        List<TagProposal> proposals = await cluster.ProposeAsync(to);

        // The only job of p-fail failed; that of p-sleep was stopped, or still sleeps.
        Assert.All(proposals.Where(proposal => proposal.Pipeline != WithEnvironment), proposal =>
        {
            Assert.Null(proposal.ObjectHash);
            Assert.Matches(proposal.Pipeline switch
            {
                "p-fail" => "no result under any of [56] names: only jobs that failed have this datum$",
                "p-sleep" => "no result under any of [56] names: only jobs that (were stopped|have not finished) have this datum$",
                _ => "no other pipeline has such a datum",
            }, proposal.Reason);
        });
    }

    [Theory]
    [MemberData(nameof(Clusters))]
    public async Task A_second_search_finds_nothing_left_to_carry(string set, string archive, string to)
    {
        using SurveyedCluster cluster = await SurveyedCluster.OpenFixtureAsync(set, archive);
        List<TagProposal> first = await cluster.ProposeAsync(to);
        int added = await cluster.CarryAsync(first);

        List<TagProposal> second = await cluster.ProposeAsync(to);

        Assert.Equal(first.Count(proposal => proposal.ObjectHash is not null), added);
        Assert.DoesNotContain(second, proposal => proposal.ObjectHash is not null);
        Assert.Equal(first.Where(proposal => proposal.ObjectHash is null), second);
    }

    [Fact]
    public async Task What_was_carried_for_1_5_0_is_found_by_later_releases_too()
    {
        using SurveyedCluster cluster = await SurveyedCluster.OpenFixtureAsync("pachyderm-1.4.8-small");
        await cluster.CarryAsync(await cluster.ProposeAsync("1.5.0"));

        Assert.DoesNotContain(await cluster.ProposeAsync("1.5.3"), proposal => proposal.ObjectHash is not null);
    }

    [Fact]
    public async Task What_was_carried_for_1_5_3_is_not_found_by_1_5_0()
    {
        using SurveyedCluster cluster = await SurveyedCluster.OpenFixtureAsync("pachyderm-1.4.8-small");
        List<TagProposal> first = await cluster.ProposeAsync("1.5.3");
        await cluster.CarryAsync(first);

        List<TagProposal> again = await cluster.ProposeAsync("1.5.0");

        Assert.Equal(
            first.Select(proposal => proposal.ObjectHash).Order(StringComparer.Ordinal),
            again.Select(proposal => proposal.ObjectHash).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_datum_whose_tag_is_gone_is_reported_with_a_reason()
    {
        using SurveyedCluster cluster = await SurveyedCluster.OpenFixtureAsync("pachyderm-1.4.8-small");
        List<TagProposal> before = await cluster.ProposeAsync("1.5.3");
        ContentTag gone = await OnlyTagOfAResultAsync(cluster);
        Assert.True(await cluster.Content.RemoveTagAsync(gone.Name, Token));

        List<TagProposal> after = await cluster.ProposeAsync("1.5.3");

        TagProposal changed = Assert.Single(after.Except(before));
        Assert.Equal(before.Single(proposal => proposal.Tag == changed.Tag).Datum, changed.Datum);
        Assert.Null(changed.ObjectHash);
        Assert.Equal("no result under any of 2882 names, though its job succeeded", changed.Reason);
    }

    [Fact]
    public async Task A_datum_whose_result_is_gone_is_reported_with_a_reason()
    {
        using SurveyedCluster cluster = await SurveyedCluster.OpenFixtureAsync("pachyderm-1.4.8-small");
        ContentTag tag = await OnlyTagOfAResultAsync(cluster);
        File.Delete(Path.Combine(cluster.Content.RootPath, "object", tag.ObjectHash));

        List<TagProposal> proposals = await cluster.ProposeAsync("1.5.3");

        TagProposal lost = Assert.Single(proposals, proposal => proposal.Pipeline == WithEnvironment && proposal.ObjectHash is null);
        Assert.Equal($"tag {tag.Name} names object {tag.ObjectHash}, which is missing or damaged", lost.Reason);
    }

    [Fact]
    public async Task A_damaged_tag_costs_no_other_result()
    {
        using SurveyedCluster cluster = await SurveyedCluster.OpenFixtureAsync("pachyderm-1.4.8-small");
        List<TagProposal> before = await cluster.ProposeAsync("1.5.3");
        File.CreateSymbolicLink(Path.Combine(cluster.Content.RootPath, "tag", "0000damaged"), "/pach/object/none");

        Assert.Equal(before, await cluster.ProposeAsync("1.5.3"));
    }

    [Fact]
    public async Task A_tree_that_cannot_be_read_is_named_once()
    {
        using SurveyedCluster cluster = await SurveyedCluster.OpenFixtureAsync("pachyderm-1.4.8-small");
        using var expected = Pachyderm.Tests.FixtureContent.Expected("pachyderm-1.4.8-small");
        var (repo, id, tree, _) = Pachyderm.Tests.FixtureContent.Commits(expected).Last(commit => commit.Repo == "images" && commit.Tree is not null);
        File.WriteAllBytes(Path.Combine(cluster.Content.RootPath, "object", tree!), [1, 2, 3]);

        List<TagProposal> proposals = await cluster.ProposeAsync("1.5.3");

        TagProposal lost = Assert.Single(proposals, proposal => proposal.Pipeline == WithEnvironment && proposal.ObjectHash is null);
        Assert.Equal($"all datums of {repo}/{id}", lost.Datum);
        Assert.StartsWith($"the tree of commit {repo}/{id} cannot be read: object {tree}: ", lost.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cluster_of_1_5_3_has_nothing_to_carry()
    {
        using SurveyedCluster cluster = await SurveyedCluster.OpenFixtureAsync("pachyderm-1.5.3-small");

        Assert.Empty(await cluster.ProposeAsync("1.5.3"));
    }

    private static async Task<ContentTag> OnlyTagOfAResultAsync(SurveyedCluster cluster) =>
        (await TagsOfAsync(cluster, WithEnvironment)).GroupBy(tag => tag.ObjectHash, StringComparer.Ordinal).First(tags => tags.Count() == 1).First();

    // All tags of 1.4.8 of one pipeline begin alike.
    private static Task<List<ContentTag>> TagsOfAsync(SurveyedCluster cluster, string pipeline) =>
        cluster.TagsAsync(Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(cluster.IdOf(pipeline))))[..4]);
}
