using System.Globalization;
using Pachyderm.Pachctl.Output;
using Pachyderm.Wire.Pps;

namespace Pachyderm.Pachctl.Pps;

/// <summary>The table of jobs.</summary>
internal static class JobTable
{
    private const int IdLength = 36;
    private const int CommitLength = 48;
    private const int AgeLength = 22;
    private const int LengthLength = 18;
    private const int CountsLength = 14;
    private const int SizeLength = 8;

    private static readonly string[] Columns = ["ID", "OUTPUT COMMIT", "STARTED", "DURATION", "RESTART", "PROGRESS", "DL", "UL", "STATE"];

    /// <summary>Prints jobs in a table as wide as it must be, which is how 1.5 has it.</summary>
    public static void Write(TextWriter output, IEnumerable<JobInfo> jobs, DateTimeOffset now)
    {
        TabTable table = Create(output);
        foreach (JobInfo job in jobs)
        {
            Add(table, job, now);
        }

        table.Flush();
    }

    /// <summary>A table whose rows are printed when they are added, with room for what is usual.</summary>
    public static TabTable Unbuffered(TextWriter output) =>
        Create(output).Unbuffered(IdLength, CommitLength, AgeLength, LengthLength, 0, CountsLength, SizeLength, SizeLength);

    /// <summary>Adds a job.</summary>
    public static void Add(TabTable table, JobInfo job, DateTimeOffset now) => table.Add(
        job.Job?.Id ?? "",
        Output(job),
        Ages.Since(job.Started, now),
        Ages.Between(job.Started, job.Finished),
        job.Restart.ToString(CultureInfo.InvariantCulture),
        string.Create(CultureInfo.InvariantCulture, $"{job.DataProcessed} + {job.DataSkipped} / {job.DataTotal}"),
        Sizes.Format(job.Stats?.DownloadBytes ?? 0),
        Sizes.Format(job.Stats?.UploadBytes ?? 0),
        States.Of(job.State));

    private static TabTable Create(TextWriter output) =>
        new(output, minimumWidth: 0, padding: 1, Columns) { PaintLast = States.HasColours ? States.Paint : null };

    private static string Output(JobInfo job) =>
        job.OutputCommit is { } commit ? $"{commit.Repo?.Name}/{commit.Id}"
        : job.Pipeline is { } pipeline ? $"{pipeline.Name}/-"
        : "-";
}
