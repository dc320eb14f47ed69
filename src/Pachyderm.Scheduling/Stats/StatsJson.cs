using System.Globalization;
using System.Text.Json;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;

namespace Pachyderm.Scheduling;

/// <summary>The files of a stats commit, in the JSON that 1.5.3 writes: that of protobuf, without fields that are zero.</summary>
internal static class StatsJson
{
    /// <summary>The file <c>stats</c> of a datum.</summary>
    public static byte[] Write(ProcessStats stats) => Write(json =>
    {
        json.WriteString("downloadTime", Duration(stats.DownloadTime));
        json.WriteString("processTime", Duration(stats.ProcessTime));
        json.WriteString("uploadTime", Duration(stats.UploadTime));
        WriteNumber(json, "downloadBytes", stats.DownloadBytes);
        WriteNumber(json, "uploadBytes", stats.UploadBytes);
    });

    /// <summary>The file <c>/stats</c> of a job.</summary>
    public static byte[] Write(AggregateProcessStats stats) => Write(json =>
    {
        WriteAggregate(json, "downloadTime", stats.DownloadTime);
        WriteAggregate(json, "processTime", stats.ProcessTime);
        WriteAggregate(json, "uploadTime", stats.UploadTime);
        WriteAggregate(json, "downloadBytes", stats.DownloadBytes);
        WriteAggregate(json, "uploadBytes", stats.UploadBytes);
    });

    /// <summary>A line of the file <c>logs</c> of a datum, with its newline.</summary>
    public static byte[] WriteLine(PipelineName pipeline, JobId job, LogContext context, DateTimeOffset time, string message)
    {
        byte[] line = Write(json =>
        {
            json.WriteString("pipelineName", pipeline.Value);
            json.WriteString("jobId", job.Value);
            json.WriteStartArray("data");
            foreach (LogFile file in context.Files)
            {
                json.WriteStartObject();
                json.WriteString("path", file.Path);
                json.WriteBase64String("hash", file.Hash.ToArray());
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteString("ts", time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'00Z'", CultureInfo.InvariantCulture));
            json.WriteString("message", message);
            json.WriteString("workerId", context.Worker);
            if (context.IsUser)
            {
                json.WriteBoolean("user", true);
            }
            json.WriteString("inputFileId", context.Datum.ToString());
        });
        return [.. line, (byte)'\n'];
    }

    private static byte[] Write(Action<Utf8JsonWriter> fields)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            fields(json);
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    // Seconds with 3, 6 or 9 decimals.
    private static string Duration(TimeSpan time)
    {
        string text = string.Create(
            CultureInfo.InvariantCulture, $"{time.Ticks / TimeSpan.TicksPerSecond}.{time.Ticks % TimeSpan.TicksPerSecond:D7}00");
        const string Zeros = "000";
        for (int i = 0; i < 2 && text.EndsWith(Zeros, StringComparison.Ordinal); i++)
        {
            text = text[..^Zeros.Length];
        }
        return text + "s";
    }

    // 64-bit numbers are texts in the JSON of protobuf.
    private static void WriteNumber(Utf8JsonWriter json, string name, long value)
    {
        if (value != 0)
        {
            json.WriteString(name, value.ToString(CultureInfo.InvariantCulture));
        }
    }

    private static void WriteAggregate(Utf8JsonWriter json, string name, Aggregate aggregate)
    {
        json.WriteStartObject(name);
        WriteNumber(json, "count", aggregate.Count);
        WriteDouble(json, "mean", aggregate.Mean);
        WriteDouble(json, "stddev", aggregate.StandardDeviation);
        WriteDouble(json, "fifthPercentile", aggregate.FifthPercentile);
        WriteDouble(json, "ninetyFifthPercentile", aggregate.NinetyFifthPercentile);
        json.WriteEndObject();
    }

    private static void WriteDouble(Utf8JsonWriter json, string name, double value)
    {
        if (value != 0)
        {
            json.WriteNumber(name, value);
        }
    }
}
