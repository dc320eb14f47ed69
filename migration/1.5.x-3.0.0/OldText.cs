using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>
/// Texts and times of old records. Old releases could hold bytes that are no text; this one cannot, and they are refused.
/// </summary>
internal static class OldText
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The text.</summary>
    /// <exception cref="UnmappableRecordException">It is no UTF-8, or has a null character.</exception>
    public static string Of(ByteString bytes)
    {
        try
        {
            string text = Strict.GetString(bytes.Span);
            return text.Contains('\0', StringComparison.Ordinal)
                ? throw new UnmappableRecordException("it has a text with a null character")
                : text;
        }
        catch (DecoderFallbackException)
        {
            throw new UnmappableRecordException("it has a text that is not UTF-8");
        }
    }

    /// <summary>The moment; nanoseconds below 100 are cut.</summary>
    /// <exception cref="UnmappableRecordException">There is no such time.</exception>
    public static DateTimeOffset? Moment(Timestamp? time)
    {
        try
        {
            return time?.ToDateTimeOffset();
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentOutOfRangeException)
        {
            throw new UnmappableRecordException("it has a time that is none");
        }
    }

    /// <summary>The span of time; nanoseconds below 100 are cut.</summary>
    /// <exception cref="UnmappableRecordException">There is no such span.</exception>
    public static TimeSpan? Span(Duration? duration)
    {
        try
        {
            return duration?.ToTimeSpan();
        }
        catch (Exception exception) when (exception is InvalidOperationException or OverflowException)
        {
            throw new UnmappableRecordException("it has a duration that is none");
        }
    }
}

/// <summary>A record has something that this release has no place for.</summary>
/// <param name="problem">What, without a final full stop.</param>
internal sealed class UnmappableRecordException(string problem) : Exception(problem);
