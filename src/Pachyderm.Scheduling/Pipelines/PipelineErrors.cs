using Pachyderm.Pps;

namespace Pachyderm.Scheduling;

/// <summary>
/// The refusals of the life of pipelines and jobs, with the words that clients of 1.5 match on (spec/pps.md sections 3 and 5).
/// </summary>
internal static class PipelineErrors
{
    public static PpsException NotFound(PipelineName name) => Missing($"pipeline {OneLine(name.Value)} not found");

    public static PpsException DeletedNotFound(PipelineName name) =>
        Missing($"pipeline {OneLine(name.Value)} was not found: pachyderm_pps/pipelines/ {OneLine(name.Value)} not found");

    public static PpsException NotFound(JobId job) => Missing($"pachyderm_pps/jobs/ {OneLine(job.Value)} not found");

    public static PpsException Deleted(JobId job) => Missing($"job {job} was deleted");

    public static PpsException NoDatum(JobId job, IReadOnlyList<string> filters) =>
        Missing($"datum matching filter [{OneLine(string.Join(' ', filters))}] could not be found for jobID {OneLine(job.Value)}");

    /// <summary>A text from a caller, fit for one line.</summary>
    public static string OneLine(string text)
    {
        const int Longest = 1_000;
        string line = text.ReplaceLineEndings(" ");
        return line.Length <= Longest ? line : line[..Longest] + "...";
    }

    private static PpsException Missing(string message) => new(PpsErrorKind.NotFound, message);
}
