using CsCheck;
using Pachyderm.Migration.Survey;

namespace Pachyderm.Migration.Tests.Survey;

public sealed class KeyTextTests
{
    [Theory]
    [InlineData("pachyderm_pfs/repos/images", "pachyderm_pfs/repos/images")]
    [InlineData("", "")]
    [InlineData("größe/日本/🙂", "größe/日本/🙂")]
    [InlineData("a\nb\tc\u0000d\u007f", "a\\x0ab\\x09c\\x00d\\x7f")]
    [InlineData("\u0085", "\\xc2\\x85")]
    public void Text_is_shown_as_it_is_and_control_characters_as_their_bytes(string key, string shown) =>
        Assert.Equal(shown, KeyText.Show(System.Text.Encoding.UTF8.GetBytes(key)));

    [Fact]
    public void Bytes_that_are_no_UTF_8_are_shown_one_by_one() =>
        Assert.Equal("a\\xff\\xc3b\\xe6\\x97", KeyText.Show([(byte)'a', 0xff, 0xc3, (byte)'b', 0xe6, 0x97]));

    [Fact]
    public void A_long_key_is_cut()
    {
        string shown = KeyText.Show(System.Text.Encoding.UTF8.GetBytes(new string('x', 5000)));

        Assert.Equal(new string('x', 300) + "...", shown);
    }

    [Fact]
    public void Whatever_the_bytes_one_line_of_bounded_length_comes_out() =>
        Gen.Byte.Array[0, 2000].Sample(bytes =>
        {
            string shown = KeyText.Show(bytes);
            return shown.Length <= 320 && !shown.Any(char.IsControl);
        });
}
