using System.Globalization;
using Pachyderm.Pachctl.Output;
using Pachyderm.Wire.Pps;

namespace Pachyderm.Pachctl.Pps;

/// <summary>What inspect-pipeline, inspect-job and inspect-datum print: one fact a line, what is unknown left out.</summary>
internal static class PipelineDetails
{
    private const int DatumColumn = 10;
    private const int DatumPadding = 3;

    /// <summary>Describes a pipeline.</summary>
    public static void Write(TextWriter output, PipelineInfo pipeline, DateTimeOffset now)
    {
        Line(output, "Name", pipeline.Pipeline?.Name ?? "");
        Line(output, "Description", pipeline.Description);
        Line(output, "Created", Ages.Since(pipeline.CreatedAt, now));
        Line(output, "State", States.Of(pipeline.State), States.HasColours ? States.PaintPipeline : null);
        Line(output, "Parallelism Spec", Text(pipeline.ParallelismSpec));
        Write(output, pipeline.ResourceSpec);
        Block(output, "Input", SpecText.Of(pipeline.Input));
        Line(output, "Output Branch", pipeline.OutputBranch);
        Block(output, "Transform", SpecText.Of(pipeline.Transform));
        Line(output, "Egress", pipeline.Egress?.URL ?? "");
        Line(output, "Recent Error", pipeline.RecentError);
        output.WriteLine("Job Counts:");
        foreach (JobState state in (JobState[])[JobState.JobStarting, JobState.JobRunning, JobState.JobFailure, JobState.JobSuccess])
        {
            output.Write(
                string.Create(CultureInfo.InvariantCulture, $"{States.Of(state)}: {pipeline.JobCounts.GetValueOrDefault((int)state)}\t"));
        }

        output.WriteLine();
    }

    /// <summary>Describes a job.</summary>
    public static void Write(TextWriter output, JobInfo job, string reason, DateTimeOffset now)
    {
        ProcessStats stats = job.Stats ?? new ProcessStats();
        Line(output, "ID", job.Job?.Id ?? "");
        Line(output, "Pipeline", job.Pipeline?.Name ?? "");
        Line(output, "Parent", job.ParentJob?.Id ?? "");
        Line(output, "Started", Ages.Since(job.Started, now));
        Line(output, "Duration", job.Finished is null ? "" : Ages.Between(job.Started, job.Finished));
        Line(output, "State", States.Of(job.State), States.HasColours ? States.Paint : null);
        Line(output, "Reason", reason);
        Line(output, "Processed", Number(job.DataProcessed));
        Line(output, "Skipped", Number(job.DataSkipped));
        Line(output, "Total", Number(job.DataTotal));
        Line(output, "Data Downloaded", Sizes.Format(stats.DownloadBytes));
        Line(output, "Data Uploaded", Sizes.Format(stats.UploadBytes));
        Line(output, "Download Time", GoDurations.Format(stats.DownloadTime));
        Line(output, "Process Time", GoDurations.Format(stats.ProcessTime));
        Line(output, "Upload Time", GoDurations.Format(stats.UploadTime));
        output.WriteLine("Worker Status:");
        TabTable workers = new(output, "WORKER", "JOB", "DATUM", "STARTED", "QUEUE");
        foreach (WorkerStatus worker in job.WorkerStatus)
        {
            workers.Add(
                worker.WorkerId, worker.JobId, string.Concat(worker.Data.Select(file => file.Path)), Ages.Since(worker.Started, now),
                Number(worker.QueueSize));
        }

        workers.Flush();
        Line(output, "Restarts", job.Restart.ToString(CultureInfo.InvariantCulture));
        Line(output, "ParallelismSpec", Text(job.ParallelismSpec));
        Write(output, job.ResourceSpec);
        if (job.Service is { } service)
        {
            output.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Service:\n\tInternalPort: {service.InternalPort}\n\tExternalPort: {service.ExternalPort}"));
        }

        Block(output, "Input", SpecText.Of(job.Input));
        Block(output, "Transform", SpecText.Of(job.Transform));
        Line(output, "Output Commit", job.OutputCommit?.Id ?? "");
        Line(output, "Stats Commit", job.StatsCommit?.Id ?? "");
        Line(output, "Egress", job.Egress?.URL ?? "");
    }

    /// <summary>Describes a datum.</summary>
    public static void Write(TextWriter output, DatumInfo datum)
    {
        ProcessStats stats = datum.Stats ?? new ProcessStats();
        string[] id = ["ID", datum.Datum?.Id ?? ""];
        TabTable table = new(output, DatumColumn, DatumPadding, id);
        table.Add("Job ID", datum.Datum?.Job?.Id ?? "");
        table.Add("State", NameOf(datum.State));
        table.Add("Data Downloaded", Sizes.Format(stats.DownloadBytes));
        table.Add("Data Uploaded", Sizes.Format(stats.UploadBytes));
        table.Add("Total Time", GoDurations.Format(GoDurations.Sum(stats.DownloadTime, stats.ProcessTime, stats.UploadTime)));
        table.Add("Download Time", GoDurations.Format(stats.DownloadTime));
        table.Add("Process Time", GoDurations.Format(stats.ProcessTime));
        table.Add("Upload Time", GoDurations.Format(stats.UploadTime));
        table.Flush();
        output.WriteLine("PFS State:");
        TabTable files = new(output, DatumColumn, DatumPadding, ["  REPO", "COMMIT", "PATH"]);
        if (datum.PfsState is { } place)
        {
            files.Add($"  {place.Commit?.Repo?.Name}", place.Commit?.Id ?? "", place.Path);
        }

        files.Flush();
    }

    private static string NameOf(DatumState state) => state.ToString().ToUpperInvariant();

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    // As Go prints a message in one line, without the blank at its end.
    private static string Text(ParallelismSpec? parallelism) => parallelism switch
    {
        { Constant: > 0 } => string.Create(CultureInfo.InvariantCulture, $"constant:{parallelism.Constant}"),
        { Coefficient: not 0 } => string.Create(CultureInfo.InvariantCulture, $"coefficient:{parallelism.Coefficient}"),
        _ => "",
    };

    private static void Write(TextWriter output, ResourceSpec? resources)
    {
        if (resources is null)
        {
            return;
        }

        output.WriteLine("ResourceSpec:");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\tCPU: {resources.Cpu}"));
        Line(output, "\tMemory", resources.Memory);
        Line(output, "\tGPU", resources.Gpu == 0 ? "" : Number(resources.Gpu));
    }

    private static void Block(TextWriter output, string name, string text)
    {
        output.WriteLine($"{name}:");
        output.WriteLine(string.Join('\n', text.Split('\n').Select(Printable.Text)));
    }

    private static void Line(TextWriter output, string name, string value, Func<string, string>? paint = null)
    {
        if (value.Length > 0)
        {
            output.WriteLine($"{name}: {(paint ?? Printable.Text)(value)}");
        }
    }
}
