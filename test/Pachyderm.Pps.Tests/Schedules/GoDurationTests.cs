using CsCheck;
using Pachyderm.Pps.Schedules;

namespace Pachyderm.Pps.Tests.Schedules;

public sealed class GoDurationTests
{
    [Theory]
    [InlineData("300ms", "00:00:00.3", "300ms")]
    [InlineData("1.5h", "01:30:00", "1h30m0s")]
    [InlineData("2h45m", "02:45:00", "2h45m0s")]
    [InlineData("-2h45m", "-02:45:00", "-2h45m0s")]
    [InlineData("0", "00:00:00", "0s")]
    [InlineData("12.5us", "00:00:00.0000125", "12.5\u00b5s")]
    [InlineData("12\u03bcs", "00:00:00.0000120", "12\u00b5s")]
    [InlineData("100ns", "00:00:00.0000001", "100ns")]
    [InlineData("99ns", "00:00:00", "0s")]
    [InlineData("1.s", "00:00:01", "1s")]
    [InlineData(".5s", "00:00:00.5", "500ms")]
    [InlineData("90s", "00:01:30", "1m30s")]
    [InlineData("3600.25s", "01:00:00.25", "1h0m0.25s")]
    [InlineData("+5s", "00:00:05", "5s")]
    public void A_duration_is_read_and_written(string text, string duration, string written)
    {
        Assert.True(GoDuration.TryParse(text, out TimeSpan read, out string? problem), problem);
        Assert.Equal(TimeSpan.Parse(duration, System.Globalization.CultureInfo.InvariantCulture), read);
        Assert.Equal(written, GoDuration.Format(read));
    }

    [Theory]
    [InlineData("", "time: invalid duration ")]
    [InlineData("-", "time: invalid duration -")]
    [InlineData("3", "time: missing unit in duration 3")]
    [InlineData("3 s", "time: unknown unit  s in duration 3 s")]
    [InlineData("1d", "time: unknown unit d in duration 1d")]
    [InlineData(".s", "time: invalid duration .s")]
    [InlineData("s", "time: invalid duration s")]
    [InlineData("1.2.3s", "time: invalid duration 1.2.3s")]
    [InlineData("9223372036854775808ns", "time: invalid duration 9223372036854775808ns")]
    [InlineData("9999999999999999999999999999999999h", "time: invalid duration 9999999999999999999999999999999999h")]
    public void What_is_no_duration_is_refused(string text, string expected)
    {
        Assert.False(GoDuration.TryParse(text, out _, out string? problem));
        Assert.Equal(expected, problem);
    }

    [Fact]
    public void What_is_written_is_read_again() => Gen.Long[-(long.MaxValue / 100), long.MaxValue / 100].Sample(ticks =>
        GoDuration.TryParse(GoDuration.Format(TimeSpan.FromTicks(ticks)), out TimeSpan read, out _) && read.Ticks == ticks);

    [Fact]
    public void Any_text_is_read_or_refused() =>
        Gen.String[Gen.OneOf(Gen.Char["0123456789.+-nusmh"], Gen.Char), 0, 200].Sample(text => { _ = GoDuration.TryParse(text, out _, out _); });
}
