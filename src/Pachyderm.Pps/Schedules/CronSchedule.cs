using System.Diagnostics.CodeAnalysis;
using Cronos;

namespace Pachyderm.Pps.Schedules;

/// <summary>
/// When a cron input ticks. Specs are those of 1.5: six fields, seconds first (second, minute, hour, day of month, month, day of week), of
/// which the last may be left out; or <c>@yearly</c>, <c>@annually</c>, <c>@monthly</c>, <c>@weekly</c>, <c>@daily</c>, <c>@midnight</c>,
/// <c>@hourly</c>, <c>@every 20s</c>. If both days are restricted, either suffices. Time is UTC.
/// </summary>
public sealed class CronSchedule
{
    private const int Fields = 6;
    private const int DayOfMonth = 3;
    private const int DayOfWeek = 5;
    private const int MaxSpecLength = 1024;
    private const string EveryPrefix = "@every ";

    private readonly TimeSpan every;
    private readonly CronExpression[] expressions;

    private CronSchedule(TimeSpan every, params CronExpression[] expressions)
    {
        this.every = every;
        this.expressions = expressions;
    }

    /// <summary>Reads a spec.</summary>
    /// <param name="spec">The spec.</param>
    /// <param name="schedule">The schedule.</param>
    /// <param name="problem">What is wrong with the spec.</param>
    public static bool TryParse(string spec, [NotNullWhen(true)] out CronSchedule? schedule, [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(spec);
        (schedule, problem) = (null, null);
        string text = spec.Trim();
        if (text.Length is 0 or > MaxSpecLength)
        {
            problem = "a spec has 1 to 1024 characters";
            return false;
        }
        if (text.StartsWith(EveryPrefix, StringComparison.Ordinal))
        {
            return TryParseEvery(text[EveryPrefix.Length..].Trim(), out schedule, out problem);
        }
        string? fields = text[0] != '@' ? text : text switch
        {
            "@yearly" or "@annually" => "0 0 0 1 1 *",
            "@monthly" => "0 0 0 1 * *",
            "@weekly" => "0 0 0 * * 0",
            "@daily" or "@midnight" => "0 0 0 * * *",
            "@hourly" => "0 0 * * * *",
            _ => null,
        };
        if (fields is null)
        {
            problem = $"Unrecognized descriptor: {text}";
            return false;
        }
        return TryParseFields(fields, out schedule, out problem);
    }

    /// <summary>The first tick after a time; ticks are on whole seconds.</summary>
    /// <returns>Null if there is none.</returns>
    public DateTimeOffset? Next(DateTimeOffset after)
    {
        DateTime from = after.UtcDateTime;
        if (expressions.Length > 0)
        {
            DateTime? first = expressions.Select(expression => expression.GetNextOccurrence(from)).Min();
            return first is { } tick ? new DateTimeOffset(tick, TimeSpan.Zero) : null;
        }
        DateTime second = from.AddTicks(-(from.Ticks % TimeSpan.TicksPerSecond));
        return DateTime.MaxValue - second > every ? new DateTimeOffset(second + every, TimeSpan.Zero) : null;
    }

    /// <summary>
    /// All ticks after the last one that was made, up to and with the present: none is left out, however long nobody looked.
    /// </summary>
    /// <param name="last">The last tick, or where the schedule starts.</param>
    /// <param name="now">The present.</param>
    public IEnumerable<DateTimeOffset> Due(DateTimeOffset last, DateTimeOffset now)
    {
        for (DateTimeOffset? tick = Next(last); tick <= now; tick = Next(tick.Value))
        {
            yield return tick.Value;
        }
    }

    private static bool TryParseEvery(string text, [NotNullWhen(true)] out CronSchedule? schedule, [NotNullWhen(false)] out string? problem)
    {
        schedule = null;
        if (!GoDuration.TryParse(text, out TimeSpan every, out problem))
        {
            return false;
        }
        if (every <= TimeSpan.Zero)
        {
            problem = $"{text} is no interval";
            return false;
        }

        // Shorter intervals than a second are one second, and fractions of a second are cut off.
        long seconds = Math.Max(1, every.Ticks / TimeSpan.TicksPerSecond);
        schedule = new CronSchedule(TimeSpan.FromTicks(seconds * TimeSpan.TicksPerSecond));
        return true;
    }

    private static bool TryParseFields(
        string text, [NotNullWhen(true)] out CronSchedule? schedule, [NotNullWhen(false)] out string? problem)
    {
        (schedule, problem) = (null, null);
        string[] fields = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length == Fields - 1)
        {
            fields = [.. fields, "*"];
        }
        if (fields.Length != Fields)
        {
            problem = $"Expected 5 or 6 fields, found {fields.Length}: {text}";
            return false;
        }
        try
        {
            // Cronos wants both days to match; here either does, unless one of them begins with a star.
            bool either = IsRestricted(fields[DayOfMonth]) && IsRestricted(fields[DayOfWeek]);
            schedule = either
                ? new CronSchedule(default, Parse(With(fields, DayOfMonth)), Parse(With(fields, DayOfWeek)))
                : new CronSchedule(default, Parse(fields));
            return true;
        }
        catch (CronFormatException e)
        {
            problem = e.Message;
            return false;
        }
    }

    private static bool IsRestricted(string field) => field[0] is not ('*' or '?');

    private static string[] With(string[] fields, int open) => [.. fields.Select((field, i) => i == open ? "*" : field)];

    private static CronExpression Parse(string[] fields) =>
        CronExpression.Parse(string.Join(' ', fields.Select(static field => field == "?" ? "*" : field)), CronFormat.IncludeSeconds);
}
