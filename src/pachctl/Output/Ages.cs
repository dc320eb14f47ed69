using System.Globalization;
using Google.Protobuf.WellKnownTypes;

namespace Pachyderm.Pachctl.Output;

/// <summary>Lengths of time for people, in one unit.</summary>
internal static class Ages
{
    private const int Day = 24;
    private const int Week = 7 * Day;
    private const int Month = 30 * Day;
    private const int Year = 365 * Day;

    /// <summary>How long ago something was; a dash if it is not known.</summary>
    public static string Since(Timestamp? moment, DateTimeOffset now) =>
        moment is null ? "-" : $"{Format(now - moment.ToDateTimeOffset())} ago";

    /// <summary>How long something took; a dash if it has not ended.</summary>
    public static string Between(Timestamp? start, Timestamp? end) =>
        start is null || end is null ? "-" : Format(end.ToDateTimeOffset() - start.ToDateTimeOffset());

    /// <summary>Formats a length of time: <c>About an hour</c>, <c>12 days</c>.</summary>
    public static string Format(TimeSpan length)
    {
        (int seconds, int minutes, int hours) = ((int)length.TotalSeconds, (int)length.TotalMinutes, (int)(length.TotalHours + 0.5));
        return (seconds, minutes, hours) switch
        {
            ( < 1, _, _) => "Less than a second",
            (1, _, _) => "1 second",
            ( < 60, _, _) => Count(seconds, "seconds"),
            (_, 1, _) => "About a minute",
            (_, < 46, _) => Count(minutes, "minutes"),
            (_, _, 1) => "About an hour",
            (_, _, < 2 * Day) => Count(hours, "hours"),
            (_, _, < 2 * Week) => Count(hours / Day, "days"),
            (_, _, < 2 * Month) => Count(hours / Week, "weeks"),
            (_, _, < 2 * Year) => Count(hours / Month, "months"),
            _ => Count((int)length.TotalHours / Year, "years"),
        };
    }

    private static string Count(int number, string unit) => string.Create(CultureInfo.InvariantCulture, $"{number} {unit}");
}
