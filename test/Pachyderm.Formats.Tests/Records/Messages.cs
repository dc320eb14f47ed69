using Google.Protobuf;

namespace Pachyderm.Formats.Tests.Records;

/// <summary>Messages whose map entries are put into one order, so that messages can be compared that differ in nothing else.</summary>
internal static class Messages
{
    public static V1_4.JobInfo Sorted(V1_4.JobInfo job)
    {
        Sort(job.Transform?.Env, static e => e.Key);
        return job;
    }

    public static V1_5.JobInfo Sorted(V1_5.JobInfo job)
    {
        Sort(job.Transform?.Env, static e => e.Key);
        return job;
    }

    public static V1_4.PipelineInfo Sorted(V1_4.PipelineInfo pipeline)
    {
        Sort(pipeline.Transform?.Env, static e => e.Key);
        Sort(pipeline.JobCounts, static e => e.Key);
        return pipeline;
    }

    public static V1_5.PipelineInfo Sorted(V1_5.PipelineInfo pipeline)
    {
        Sort(pipeline.Transform?.Env, static e => e.Key);
        Sort(pipeline.JobCounts, static e => e.Key);
        return pipeline;
    }

    private static void Sort<T>(IList<T>? entries, Func<T, ByteString> key)
        => Sort(entries, e => key(e).ToStringUtf8());

    private static void Sort<T, TKey>(IList<T>? entries, Func<T, TKey> key)
    {
        if (entries is null)
        {
            return;
        }

        var ordered = entries.OrderBy(key).ToList();
        entries.Clear();
        foreach (var entry in ordered)
        {
            entries.Add(entry);
        }
    }
}
