using System.Globalization;
using System.Text;
using Pachyderm.Pps.Schedules;

namespace Pachyderm.Pps.Tests.Schedules;

public sealed class CronTests
{
    [Theory]
    [InlineData("@every 20s", "2017-08-17T23:11:40Z", "2017-08-17T23:12:00Z")]
    [InlineData("@every 20s", "2017-08-17T23:11:40.7Z", "2017-08-17T23:12:00Z")]
    [InlineData("@every 1ms", "2017-08-17T23:11:40Z", "2017-08-17T23:11:41Z")]
    [InlineData("@every 1.9s", "2017-08-17T23:11:40Z", "2017-08-17T23:11:41Z")]
    [InlineData("@every 1h30m", "2017-08-17T23:11:40Z", "2017-08-18T00:41:40Z")]
    [InlineData("@hourly", "2017-08-17T23:11:40Z", "2017-08-18T00:00:00Z")]
    [InlineData("@daily", "2017-08-17T00:00:00Z", "2017-08-18T00:00:00Z")]
    [InlineData("@midnight", "2017-08-17T23:11:40Z", "2017-08-18T00:00:00Z")]
    [InlineData("@weekly", "2017-08-17T23:11:40Z", "2017-08-20T00:00:00Z")]
    [InlineData("@monthly", "2017-08-17T23:11:40Z", "2017-09-01T00:00:00Z")]
    [InlineData("@yearly", "2017-08-17T23:11:40Z", "2018-01-01T00:00:00Z")]
    [InlineData("@annually", "2017-08-17T23:11:40Z", "2018-01-01T00:00:00Z")]
    [InlineData("*/15 * * * * *", "2017-08-17T23:11:40Z", "2017-08-17T23:11:45Z")]
    [InlineData("30 5 * * * *", "2017-08-17T23:11:40Z", "2017-08-18T00:05:30Z")]
    [InlineData("30 5 * * *", "2017-08-17T23:11:40Z", "2017-08-18T00:05:30Z")]
    [InlineData("0 0 12 ? * MON-FRI", "2017-08-18T12:00:00Z", "2017-08-21T12:00:00Z")]
    [InlineData("0 0 0 ? ? ?", "2017-08-17T23:11:40Z", "2017-08-18T00:00:00Z")]
    [InlineData("0 0 0 29 2 *", "2017-08-17T23:11:40Z", "2020-02-29T00:00:00Z")]
    public void The_next_tick_follows_from_the_spec(string spec, string after, string next) =>
        Assert.Equal(Time(next), Parse(spec).Next(Time(after)));

    [Fact]
    public void If_both_days_are_restricted_either_suffices()
    {
        CronSchedule schedule = Parse("0 0 0 13 * 5");

        Assert.Equal(
            ["2017-08-13", "2017-08-18", "2017-08-25"],
            schedule.Due(Time("2017-08-12T00:00:00Z"), Time("2017-08-26T00:00:00Z"))
                .Select(static tick => tick.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void If_one_day_begins_with_a_star_both_must_match() =>
        Assert.Equal(Time("2017-09-01T00:00:00Z"), Parse("0 0 0 */31 * 5").Next(Time("2017-08-17T23:11:40Z")));

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("@never")]
    [InlineData("@every")]
    [InlineData("@every -5s")]
    [InlineData("@every 0s")]
    [InlineData("@every soon")]
    [InlineData("* * * *")]
    [InlineData("* * * * * * *")]
    [InlineData("61 * * * * *")]
    [InlineData("a b c d e f")]
    [InlineData("@every_minute")]
    public void What_is_no_spec_is_refused(string spec)
    {
        Assert.False(CronSchedule.TryParse(spec, out _, out string? problem));
        Assert.NotEmpty(problem);
    }

    [Fact]
    public void Every_missed_tick_is_made_up_for()
    {
        DateTimeOffset start = Time("2017-08-17T23:11:40Z");

        DateTimeOffset[] ticks = [.. Parse("@every 1m").Due(start, start.AddMinutes(3))];

        Assert.Equal([start.AddMinutes(1), start.AddMinutes(2), start.AddMinutes(3)], ticks);
        Assert.Empty(Parse("@every 1m").Due(start, start.AddSeconds(59)));
        Assert.Empty(Parse("@every 1m").Due(start.AddDays(1), start));
    }

    [Fact]
    public void A_schedule_that_never_ticks_ends()
    {
        Assert.Null(Parse("0 0 0 30 2 *").Next(Time("2017-08-17T23:11:40Z")));
        Assert.Null(Parse("@every 2000000h").Next(DateTimeOffset.MaxValue));
    }

    [Theory]
    [InlineData("\"2017-08-17T23:11:40Z\"", "2017-08-17T23:11:40Z")]
    [InlineData("\"2017-08-17T23:11:40.5Z\"", "2017-08-17T23:11:40.5Z")]
    public void The_time_file_has_the_time_in_quotes(string content, string time)
    {
        Assert.Equal(content, Encoding.ASCII.GetString(CronTime.Write(Time(time))));
        Assert.Equal(Time(time), CronTime.Read(Encoding.ASCII.GetBytes(content)));
    }

    [Fact]
    public void A_time_with_an_offset_is_read_too() =>
        Assert.Equal(Time("2017-08-17T23:11:40Z"), CronTime.Read("\"2017-08-18T01:11:40+02:00\"\n"u8));

    [Theory]
    [InlineData("")]
    [InlineData("2017-08-17T23:11:40Z")]
    [InlineData("\"\"")]
    [InlineData("\"yesterday\"")]
    [InlineData("\"12\"")]
    public void A_file_that_no_cron_wrote_tells_no_time(string content) => Assert.Null(CronTime.Read(Encoding.UTF8.GetBytes(content)));

    private static CronSchedule Parse(string spec)
    {
        Assert.True(CronSchedule.TryParse(spec, out CronSchedule? schedule, out string? problem), problem);
        return schedule;
    }

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
