using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Pachyderm.Pps.Schedules;

/// <summary>
/// Durations in the notation of Go, such as <c>300ms</c>, <c>1.5h</c>, <c>-2h45m</c>. What is finer than 100 ns is cut off.
/// </summary>
public static class GoDuration
{
    private const decimal NanosecondsPerTick = 100;
    private const int MaxTextLength = 128;
    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create(".0123456789");

    private static readonly (string Name, decimal Nanoseconds)[] Units =
    [
        ("ns", 1m), ("us", 1e3m), ("\u00b5s", 1e3m), ("\u03bcs", 1e3m), ("ms", 1e6m), ("s", 1e9m), ("m", 60e9m), ("h", 3600e9m),
    ];

    /// <summary>Reads a duration.</summary>
    /// <param name="text">The text.</param>
    /// <param name="duration">The duration, at most 2^63-1 ns (292 years) either way.</param>
    /// <param name="problem">What is wrong with the text, in Go's words.</param>
    public static bool TryParse(string text, out TimeSpan duration, [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(text);
        duration = default;
        problem = $"time: invalid duration {text}";
        bool negative = text.StartsWith('-');
        ReadOnlySpan<char> rest = text.AsSpan(negative || text.StartsWith('+') ? 1 : 0);
        if (rest.IsEmpty || text.Length > MaxTextLength)
        {
            return false;
        }
        if (rest is "0")
        {
            problem = null;
            return true;
        }
        decimal total = 0;
        while (!rest.IsEmpty)
        {
            if (!TryReadNumber(ref rest, out decimal number))
            {
                return false;
            }
            int length = rest.IndexOfAny(NumberCharacters);
            string unit = (length < 0 ? rest : rest[..length]).ToString();
            int found = Array.FindIndex(Units, candidate => candidate.Name == unit);
            if (found < 0)
            {
                problem = unit.Length == 0 ? $"time: missing unit in duration {text}" : $"time: unknown unit {unit} in duration {text}";
                return false;
            }
            rest = rest[unit.Length..];
            if (number > long.MaxValue || (total += number * Units[found].Nanoseconds) > long.MaxValue)
            {
                return false;
            }
        }
        long ticks = (long)(total / NanosecondsPerTick);
        duration = TimeSpan.FromTicks(negative ? -ticks : ticks);
        problem = null;
        return true;
    }

    /// <summary>
    /// Writes a duration as Go prints it: <c>1h2m3.5s</c>, below a second <c>1.5ms</c>, <c>12µs</c>, <c>100ns</c>, and <c>0s</c>.
    /// </summary>
    public static string Format(TimeSpan duration)
    {
        decimal nanoseconds = Math.Abs((decimal)duration.Ticks) * NanosecondsPerTick;
        StringBuilder text = new(duration.Ticks < 0 ? "-" : "");
        if (nanoseconds == 0)
        {
            return "0s";
        }
        if (nanoseconds < 1e9m)
        {
            (decimal scale, string unit) = nanoseconds switch
            {
                < 1e3m => (1m, "ns"),
                < 1e6m => (1e3m, "\u00b5s"),
                _ => (1e6m, "ms"),
            };
            return text.Append(Plain(nanoseconds / scale)).Append(unit).ToString();
        }
        decimal hours = Math.Floor(nanoseconds / 3600e9m);
        decimal minutes = Math.Floor(nanoseconds % 3600e9m / 60e9m);
        if (hours > 0)
        {
            text.Append(Plain(hours)).Append('h');
        }
        if (hours > 0 || minutes > 0)
        {
            text.Append(Plain(minutes)).Append('m');
        }
        return text.Append(Plain(nanoseconds % 60e9m / 1e9m)).Append('s').ToString();
    }

    private static string Plain(decimal number) => number.ToString("0.#########", CultureInfo.InvariantCulture);

    private static bool TryReadNumber(ref ReadOnlySpan<char> text, out decimal number)
    {
        int length = text.IndexOfAnyExcept(NumberCharacters);
        ReadOnlySpan<char> digits = length < 0 ? text : text[..length];
        text = text[digits.Length..];
        number = 0;
        return digits.ContainsAnyInRange('0', '9')
            && decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number);
    }
}
