using System.CommandLine;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Pachyderm.Client;
using Pachyderm.Pachctl.Output;
using Pachyderm.Pachctl.Server;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pps;
using static Pachyderm.Pachctl.Server.ServerCommand;

namespace Pachyderm.Pachctl.Pps;

/// <summary>Commands on jobs.</summary>
internal static class JobCommands
{
    public static Command InspectJob()
    {
        Argument<string> job = JobArgument();
        Option<bool> block = new("--block", "-b") { Description = "Wait until it has ended." };
        Option<bool> raw = Raw();
        return Create(
            "inspect-job",
            "Describe a job; with -b, when it has ended.",
            """
            Examples:
              pachctl inspect-job 2f3c...
              pachctl inspect-job 2f3c... -b
            """,
            job,
            block,
            raw).Prints(async (parsed, client, output, cancel) =>
            {
                bool wait = parsed.GetValue(block);
                InspectJobResponse last = new();
                try
                {
                    await foreach (InspectJobResponse now in client.Jobs.FollowAsync(parsed.GetRequiredValue(job), wait, cancel))
                    {
                        last = now;
                        ShowProgress(wait ? now.Job : null);
                    }
                }
                catch (PachException exception)
                {
                    throw new PachException(exception.Status, $"error from InspectJob: {exception.Message}", exception);
                }
                finally
                {
                    ClearProgress(wait);
                }

                if (parsed.GetValue(raw))
                {
                    RawJson.Write(output, last.Job);
                }
                else
                {
                    PipelineDetails.Write(output, last.Job, last.Reason, TimeProvider.System.GetUtcNow());
                }
            });
    }

    public static Command ListJob()
    {
        Option<string> pipeline = new("--pipeline", "-p")
        {
            Description = "Only jobs of this pipeline.",
            HelpName = "PIPELINE",
            DefaultValueFactory = _ => "",
        };
        Option<bool> watch = new("--watch", "-w") { Description = "Go on, and show each job again when it changes; ends with Ctrl-C." };
        Option<bool> raw = Raw();
        return Create(
            "list-job",
            "List jobs, newest first.",
            """
            PROGRESS is processed + skipped / all datums.

            Examples:
              pachctl list-job
              pachctl list-job -p edges
              pachctl list-job --watch
            """,
            pipeline,
            watch,
            raw).Prints(async (parsed, client, output, cancel) =>
            {
                string name = parsed.GetValue(pipeline)!;
                if (parsed.GetValue(watch))
                {
                    await JobWatch.RunAsync(output, client.Jobs.WatchAsync(name, cancel), parsed.GetValue(raw), cancel);
                    return;
                }

                List<JobInfo> jobs = [];
                await foreach (JobInfo job in client.Jobs.ListAsync(name, cancel))
                {
                    jobs.Add(job);
                }

                if (!parsed.GetValue(raw))
                {
                    JobTable.Write(output, NewestFirst(jobs), TimeProvider.System.GetUtcNow());
                    return;
                }

                foreach (JobInfo job in NewestFirst(jobs))
                {
                    RawJson.Write(output, job);
                }
            });
    }

    public static Command StopJob()
    {
        Argument<string> job = JobArgument();
        return Create(
            "stop-job", "Stop a job. It is not run again; the pipeline's next job goes on.", "Example:\n  pachctl stop-job 2f3c...", job)
            .Does((parsed, client, cancel) => NamedAsync("StopJob", () => client.Jobs.StopAsync(parsed.GetRequiredValue(job), cancel)));
    }

    public static Command DeleteJob()
    {
        Argument<string> job = JobArgument();
        return Create(
            "delete-job", "Delete what is known of a job, with its log. Its output stays.", "Example:\n  pachctl delete-job 2f3c...", job)
            .Does((parsed, client, cancel) => NamedAsync("DeleteJob", () => client.Jobs.DeleteAsync(parsed.GetRequiredValue(job), cancel)));
    }

    /// <summary>The argument that names a job.</summary>
    internal static Argument<string> JobArgument() => Required("JOB", "The job's identifier, as list-job shows it.");

    /// <summary>The order of list-job.</summary>
    internal static IEnumerable<JobInfo> NewestFirst(IEnumerable<JobInfo> jobs) =>
        jobs.OrderByDescending(job => job.Started ?? new Timestamp(), Comparer<Timestamp>.Default);

    /// <summary>Calls, and puts the call's name before an error of the server, as 1.5 does.</summary>
    internal static async Task NamedAsync(string call, Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (PachException exception)
        {
            throw new PachException(exception.Status, $"error from {call}: {exception.Message}", exception);
        }
    }

    private static void ShowProgress(JobInfo? job)
    {
        if (job is not null && !Console.IsErrorRedirected && !States.IsTerminal(job.State))
        {
            Console.Error.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"\r\x1b[K{Printable.Text(job.Pipeline?.Name ?? "")} {States.Of(job.State)}: {job.DataProcessed:N0} processed and "
                    + $"{job.DataSkipped:N0} skipped of {job.DataTotal:N0} datums, {job.WorkerStatus.Count} workers busy"));
        }
    }

    private static void ClearProgress(bool shown)
    {
        if (shown && !Console.IsErrorRedirected)
        {
            Console.Error.Write("\r\x1b[K");
        }
    }
}
