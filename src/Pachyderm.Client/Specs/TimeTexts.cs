using System.Buffers;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;

namespace Pachyderm.Client;

/// <summary>Durations and times as texts.</summary>
internal static class TimeTexts
{
    private const int MaxLength = 128;
    private const int NanosecondDigits = 9;
    private const decimal NanosecondsPerSecond = 1e9m;

    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create(".0123456789");

    private static readonly (string Name, decimal Nanoseconds)[] Units =
    [
        ("ns", 1m), ("us", 1e3m), ("\u00b5s", 1e3m), ("\u03bcs", 1e3m), ("ms", 1e6m), ("s", NanosecondsPerSecond), ("m", 60e9m),
        ("h", 3600e9m),
    ];

    /// <summary>Reads a duration in Go's notation, such as <c>-1h30m</c> or <c>1.5s</c>, of at most 2^63-1 ns.</summary>
    public static bool TryParse(string text, Duration duration)
    {
        bool negative = text.StartsWith('-');
        ReadOnlySpan<char> rest = text.AsSpan(negative || text.StartsWith('+') ? 1 : 0);
        if (rest.IsEmpty || text.Length > MaxLength)
        {
            return false;
        }
        decimal total = 0;
        while (!rest.IsEmpty && rest is not "0")
        {
            int length = rest.IndexOfAnyExcept(NumberCharacters);
            if (length <= 0 || !decimal.TryParse(
                rest[..length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number))
            {
                return false;
            }
            rest = rest[length..];
            int next = rest.IndexOfAny(NumberCharacters);
            string unit = (next < 0 ? rest : rest[..next]).ToString();
            decimal scale = Array.Find(Units, candidate => candidate.Name == unit).Nanoseconds;
            if (scale == 0 || number > long.MaxValue || (total += number * scale) > long.MaxValue)
            {
                return false;
            }
            rest = rest[unit.Length..];
            if (rest is "0")
            {
                return false;
            }
        }
        decimal signed = decimal.Truncate(negative ? -total : total);
        duration.Seconds = (long)decimal.Truncate(signed / NanosecondsPerSecond);
        duration.Nanos = (int)(signed % NanosecondsPerSecond);
        return true;
    }

    /// <summary>Reads a time of RFC 3339 with up to nine decimals.</summary>
    public static bool TryParse(string text, Timestamp time)
    {
        int point = text.IndexOf('.', StringComparison.Ordinal);
        int zone = point < 0 ? -1 : text.AsSpan(point + 1).IndexOfAnyExceptInRange('0', '9');
        string whole = text;
        int nanoseconds = 0;
        if (point >= 0)
        {
            if (zone is <= 0 or > NanosecondDigits)
            {
                return false;
            }
            string digits = text.Substring(point + 1, zone);
            nanoseconds = int.Parse(digits.PadRight(NanosecondDigits, '0'), NumberStyles.None, CultureInfo.InvariantCulture);
            whole = string.Concat(text.AsSpan(0, point), text.AsSpan(point + 1 + zone));
        }
        const int DateAndTime = 19;
        if (whole.Length <= DateAndTime || !DateTimeOffset.TryParseExact(
            whole, "yyyy-MM-dd'T'HH:mm:ssK", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset moment))
        {
            return false;
        }
        time.Seconds = moment.ToUnixTimeSeconds();
        time.Nanos = nanoseconds;
        return true;
    }
}
