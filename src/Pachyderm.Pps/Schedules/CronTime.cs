using System.Globalization;
using System.Text;

namespace Pachyderm.Pps.Schedules;

/// <summary>What is in the file <c>time</c> of a cron's repo: the time of the tick in RFC 3339, in quotes.</summary>
public static class CronTime
{
    private const string Format = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'";
    private const int MaxLength = 64;

    /// <summary>The content of the file for a tick.</summary>
    public static byte[] Write(DateTimeOffset tick) =>
        Encoding.ASCII.GetBytes($"\"{tick.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture)}\"");

    /// <summary>The tick that a file tells.</summary>
    /// <returns>Null if the file was not written by a cron.</returns>
    public static DateTimeOffset? Read(ReadOnlySpan<byte> content)
    {
        string text = content.Length > MaxLength ? "" : Encoding.ASCII.GetString(content).Trim();
        return text.Length > 2 && text[0] == '"' && text[^1] == '"' && text.Contains('T', StringComparison.Ordinal)
            && DateTimeOffset.TryParse(text[1..^1], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset tick)
            ? tick.ToUniversalTime()
            : null;
    }
}
