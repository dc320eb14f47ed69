using System.Globalization;
using System.Text;
using Google.Protobuf.WellKnownTypes;

namespace Pachyderm.Pachctl.Output;

/// <summary>Durations as Go prints them: <c>1h2m3.5s</c>, below a second <c>1.5ms</c>, <c>12µs</c>, <c>100ns</c>, and <c>0s</c>.</summary>
internal static class GoDurations
{
    private const decimal Micro = 1e3m;
    private const decimal Milli = 1e6m;
    private const decimal Second = 1e9m;
    private const decimal Minute = 60 * Second;
    private const decimal Hour = 60 * Minute;

    /// <summary>The text; that of nothing is <c>0s</c>.</summary>
    public static string Format(Duration? duration)
    {
        decimal signed = duration is null ? 0 : (duration.Seconds * Second) + duration.Nanos;
        decimal length = Math.Abs(signed);
        if (length == 0)
        {
            return "0s";
        }

        string sign = signed < 0 ? "-" : "";
        return sign + length switch
        {
            < Micro => Plain(length) + "ns",
            < Milli => Plain(length / Micro) + "\u00b5s",
            < Second => Plain(length / Milli) + "ms",
            _ => Long(length),
        };
    }

    /// <summary>The sum.</summary>
    public static Duration Sum(params Duration?[] durations) =>
        durations.Aggregate(new Duration(), static (sum, next) => next is null ? sum : sum + next);

    private static string Long(decimal length)
    {
        StringBuilder text = new();
        if (length >= Hour)
        {
            text.Append(Plain(Math.Floor(length / Hour))).Append('h');
        }

        if (length >= Minute)
        {
            text.Append(Plain(Math.Floor(length % Hour / Minute))).Append('m');
        }

        return text.Append(Plain(length % Minute / Second)).Append('s').ToString();
    }

    private static string Plain(decimal number) => number.ToString("0.#########", CultureInfo.InvariantCulture);
}
