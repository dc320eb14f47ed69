using System.Text;

namespace Pachyderm.RecordStores.Tests;

public sealed class KeyRangeTests
{
    [Theory]
    [InlineData("a/", "a/b", true)]
    [InlineData("a/", "a/", true)]
    [InlineData("a/", "a0", false)]
    [InlineData("a/", "a", false)]
    public void A_prefix_range_holds_exactly_the_keys_that_begin_with_it(string prefix, string key, bool expected) =>
        Assert.Equal(expected, KeyRange.Prefix(prefix).Contains(Encoding.UTF8.GetBytes(key)));

    [Fact]
    public void A_prefix_of_only_the_highest_byte_has_no_end() =>
        Assert.True(KeyRange.Prefix(new byte[] { 0xff, 0xff }).End.IsEmpty);
}
