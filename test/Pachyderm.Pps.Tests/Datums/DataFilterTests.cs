using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Jobs;

namespace Pachyderm.Pps.Tests.Datums;

public sealed class DataFilterTests
{
    private static readonly DatumPart[] Parts = [Given.Part("x", "/a", "1"), Given.Part("y", "/", "2")];

    [Theory]
    [InlineData("/a", true)]
    [InlineData("/", true)]
    [InlineData("", true)]
    [InlineData("a", false)]
    [InlineData("/A", false)]
    [InlineData("x", false)]
    public void A_filter_is_the_whole_path_of_a_file(string filter, bool matches) =>
        Assert.Equal(matches, DataFilter.Matches([filter], Parts));

    [Fact]
    public void A_filter_is_a_hash_in_either_notation()
    {
        string hex = Given.Hash("2").ToString();

        Assert.True(DataFilter.Matches([hex], Parts));
        Assert.True(DataFilter.Matches([Convert.ToBase64String(Convert.FromHexString(hex))], Parts));
        Assert.False(DataFilter.Matches([Given.Hash("3").ToString()], Parts));
    }

    [Fact]
    public void Every_filter_must_fit_some_file()
    {
        Assert.True(DataFilter.Matches(["/a", Given.Hash("2").ToString()], Parts));
        Assert.False(DataFilter.Matches(["/a", "/b"], Parts));
        Assert.True(DataFilter.Matches([], Parts));
    }

    [Fact]
    public void Datums_are_listed_by_state_and_the_slowest_first()
    {
        DatumSummary[] listed =
        [
            new(Given.Hash("a"), DatumState.Failed, null),
            new(Given.Hash("b"), DatumState.Success, new ProcessStats(default, TimeSpan.FromSeconds(2), default, 0, 0)),
            new(Given.Hash("c"), DatumState.Success, new ProcessStats(TimeSpan.FromSeconds(1), default, default, 0, 0)),
            new(Given.Hash("d"), DatumState.Skipped, null),
            new(Given.Hash("e"), DatumState.Starting, null),
        ];

        Assert.Equal(listed, listed.Reverse().Order(DatumSummary.Order));
    }
}
