using CsCheck;
using Pachyderm.Migration.Releases;

namespace Pachyderm.Migration.Tests.Releases;

public sealed class ReleaseVersionTests
{
    [Theory]
    [InlineData("1.4.8", 1, 4, 8, "")]
    [InlineData("v1.4.8", 1, 4, 8, "")]
    [InlineData(" 1.5.0 ", 1, 5, 0, "")]
    [InlineData("1.4.8-RC1", 1, 4, 8, "RC1")]
    [InlineData("v1.4.8-a-b.c", 1, 4, 8, "a-b.c")]
    [InlineData("01.04.08", 1, 4, 8, "")]
    public void A_version_is_read_with_or_without_suffix(string text, int major, int minor, int patch, string suffix)
    {
        Assert.True(ReleaseVersion.TryParse(text, out ReleaseVersion version));
        Assert.Equal(new ReleaseVersion(major, minor, patch, suffix), version);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("v")]
    [InlineData("1")]
    [InlineData("1.4")]
    [InlineData("1.4.8.1")]
    [InlineData("1.4.x")]
    [InlineData("1.4.*")]
    [InlineData("1.4.-8")]
    [InlineData("-1.4.8")]
    [InlineData("1.4.8-")]
    [InlineData("1.4.+8")]
    [InlineData("1. 4.8")]
    [InlineData("1.4.99999999999")]
    [InlineData("vv1.4.8")]
    public void Anything_else_is_no_version(string? text)
    {
        Assert.False(ReleaseVersion.TryParse(text, out ReleaseVersion version));
        Assert.Equal(default, version);
    }

    [Fact]
    public void What_is_written_is_read_back() =>
        Gen.Select(Gen.Int[0, 20], Gen.Int[0, 20], Gen.Int[0, 200], Gen.OneOf(Gen.Const(""), Gen.Const("RC1"), Gen.Const("alpha-2"), Gen.Const("1.2"))).Sample((major, minor, patch, suffix) =>
        {
            ReleaseVersion version = new(major, minor, patch, suffix);
            return ReleaseVersion.TryParse(version.ToString(), out ReleaseVersion read) && read == version;
        });

    [Fact]
    public void Whatever_the_text_it_is_read_or_refused() =>
        Gen.String.Sample(text => ReleaseVersion.TryParse(text, out ReleaseVersion version) || version == default);

    [Fact]
    public void Versions_are_ordered_by_number_and_not_by_suffix()
    {
        ReleaseVersion older = new(1, 4, 8);
        ReleaseVersion newer = new(1, 4, 10);
        ReleaseVersion candidate = new(1, 4, 8, "RC1");

        Assert.True(older < newer && newer > older && older <= newer && newer >= older);
        Assert.True(older <= candidate && older >= candidate && !(older < candidate) && !(older > candidate));
        Assert.Equal(older, candidate.Plain);
        Assert.True(older.IsSameLineAs(newer));
        Assert.False(older.IsSameLineAs(new ReleaseVersion(1, 5, 8)));
    }
}
