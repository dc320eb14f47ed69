using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pfs;
using Pachyderm.Wire.Pps;
using FileInfo = Pachyderm.Wire.Pfs.FileInfo;
using GetLogsRequest = Pachyderm.Wire.Pps.GetLogsRequest;

namespace Pachyderm.Client.Tests;

/// <summary>What doc/client.md shows: compiled here, and compared with the page by <see cref="DocumentationTests"/>.</summary>
internal static class Examples
{
    public static async Task FirstStepsAsync(CancellationToken cancellationToken)
    {
        #region first-steps
        await using PachClient client = new("127.0.0.1:30650");
        await client.Repos.CreateAsync("images", "what the cameras sent", cancellationToken: cancellationToken);

        CommitRef commit = await client.Commits.StartAsync("images", "master", cancellationToken: cancellationToken);
        await using (Stream logo = System.IO.File.OpenRead("logo.png"))
        {
            await client.Files.PutAsync(commit, "/logo.png", logo, cancellationToken: cancellationToken);
        }

        await client.Commits.FinishAsync(commit, cancellationToken);
        #endregion
    }

    public static async Task ReadAsync(PachClient client, CancellationToken cancellationToken)
    {
        #region reading
        CommitRef master = new("images", "master");
        await foreach (FileInfo file in client.Files.GlobAsync(master, "/*.png", cancellationToken))
        {
            await using Stream content = await client.Files.OpenAsync(master, file.File.Path, cancellationToken: cancellationToken);
            await content.CopyToAsync(Stream.Null, cancellationToken);
        }
        #endregion
    }

    public static async Task BulkAsync(PachClient client, CommitRef commit, CancellationToken cancellationToken)
    {
        #region bulk
        IAsyncEnumerable<LocalFile> files = LocalTree.Walk("photos", "/photos").ToAsyncEnumerable();
        Transfer sent = await client.Files.PutManyAsync(commit, files, parallelism: 2, cancellationToken: cancellationToken);
        Console.WriteLine($"{sent.Files} files, {sent.Bytes} bytes");

        await client.Files.DownloadAsync(commit, "/photos", "copy-of-photos", cancellationToken: cancellationToken);
        #endregion
    }

    public static async Task ReplayAsync(PachClient client, CancellationToken cancellationToken)
    {
        #region replay
        await using PachClient old = new("old-cluster:30650");
        HistoryReplay replay = await HistoryReplay.PlanAsync(
            old, new CommitRef("images", "master"), client, new CommitRef("images", "master"), cancellationToken);
        Transfer copied = await replay.RunAsync(cancellationToken: cancellationToken);
        Console.WriteLine($"{replay.Total - replay.Present} commits, {copied.Files} files");
        #endregion
    }

    public static async Task FollowAsync(PachClient client, CancellationToken cancellationToken)
    {
        #region following
        await foreach (CommitInfo commit in client.Commits.SubscribeAsync("images", "master", cancellationToken: cancellationToken))
        {
            Console.WriteLine($"{CommitRef.From(commit.Commit)} has {commit.SizeBytes} bytes");
        }
        #endregion
    }

    public static async Task PipelinesAsync(PachClient client, CancellationToken cancellationToken)
    {
        #region pipelines
        await client.Pipelines.CreateAsync(
            """
            {
              "pipeline": {"name": "sizes"},
              "transform": {"cmd": ["sh"], "stdin": ["for f in /pfs/images/*; do wc -c < $f > /pfs/out/$(basename $f); done"]},
              "input": {"atom": {"repo": "images", "glob": "/*"}}
            }
            """,
            cancellationToken);

        await foreach (JobInfo job in client.Jobs.WatchAsync("sizes", cancellationToken))
        {
            Console.WriteLine($"{job.Job.Id} {job.State}: {job.DataProcessed} + {job.DataSkipped} of {job.DataTotal}");
        }
        #endregion
    }

    public static async Task JobsAsync(PachClient client, string job, CancellationToken cancellationToken)
    {
        #region jobs
        GetLogsRequest filter = new() { Job = new Job { Id = job } };
        await foreach (LogMessage line in client.Jobs.LogsAsync(filter, follow: true, cancellationToken))
        {
            Console.Write(line.Message);
        }

        await foreach (DatumExplanation datum in client.Jobs.ExplainAsync(job, cancellationToken))
        {
            Console.WriteLine(datum.Text); // ran: images:/logo.png: content changed from 12ab... to 34cd...
        }

        await foreach (LineageStep step in client.Jobs.LineageAsync(new CommitRef("sizes", "master"), "/logo.png", cancellationToken: cancellationToken))
        {
            Console.WriteLine($"{step.Depth} {step.Job.Pipeline.Name} read {step.Inputs[0].Path}");
        }
        #endregion
    }

    public static async Task ErrorsAsync(PachClient client, CancellationToken cancellationToken)
    {
        #region errors
        try
        {
            await client.Repos.InspectAsync("images", cancellationToken);
        }
        catch (PachException exception) when (exception.IsNotFound)
        {
            await client.Repos.CreateAsync("images", cancellationToken: cancellationToken);
        }
        catch (PachConnectionException exception)
        {
            Console.Error.WriteLine(exception.Message); // 127.0.0.1:30650: nothing listens there; start pachd, or ...
        }
        #endregion
    }
}
