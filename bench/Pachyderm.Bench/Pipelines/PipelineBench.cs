using System.Diagnostics;
using System.Globalization;
using Pachyderm.Bench.Measuring;
using Pachyderm.Bench.Pfs;
using Pachyderm.Client;
using Pachyderm.Wire.Pps;

namespace Pachyderm.Bench.Pipelines;

/// <summary>Pipelines on the real pachd: datums a second beside <c>xargs</c> with the same command, and how long small changes take.</summary>
internal sealed class PipelineBench : IAsyncDisposable
{
    private const int Workers = 2;
    private const int FileLength = 4096;
    private const int LatencyRounds = 50;
    private const int AddedRounds = 10;

    private readonly PachdProcess _pachd;
    private readonly PachClient _client;

    private PipelineBench(PachdProcess pachd)
    {
        _pachd = pachd;
        _client = new PachClient(new PachClientOptions { Address = PachAddress.Parse(PachdProcess.Address) });
    }

    /// <summary>Measures and prints a Markdown table.</summary>
    /// <param name="checkout">Whose pachd is measured.</param>
    /// <param name="work">Directory for the files meanwhile.</param>
    /// <param name="datums">Number of datums of the job that is compared.</param>
    /// <param name="inputs">Number of files to which one is added.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public static async Task RunAsync(string checkout, string work, int datums, int inputs, CancellationToken cancellationToken)
    {
        await using PachdProcess pachd = await PachdProcess.StartAsync(checkout, work, cancellationToken);
        await using PipelineBench bench = new(pachd);
        // Once to warm up: code is compiled, and workers are started.
        await bench.DatumsAsync("warm", datums, cancellationToken);
        Console.WriteLine("| what | result |");
        Console.WriteLine("|---|---:|");
        // Removed last: some file systems are slow at making files for minutes after many were removed.
        using BenchFolder folder = new(work);
        double xargs = await XargsAsync(folder.Root, datums, cancellationToken);
        Print($"`xargs -P {Workers}`, {datums:N0} files of 4 KiB", $"{xargs:N0}/s");
        (double rate, double first) = await bench.DatumsAsync("datums", datums, cancellationToken);
        Print($"{datums:N0} datums, {Workers} workers, the same command", $"{rate:N0}/s ({xargs / rate:0.00} times as long)");
        Print("the first time, from finish-commit to the finished output", $"{first:0.0} s");
        Print("one datum, from finish-commit to the finished output, median", $"{await bench.LatencyAsync(cancellationToken):0.0} ms");
        Print($"one file added to {inputs:N0}, from finish-commit to the finished output, median",
            $"{await bench.AddedAsync(inputs, cancellationToken):0} ms");
        Print("peak memory of pachd", $"{pachd.PeakBytes >> 20} MiB");
    }

    public async ValueTask DisposeAsync() => await _client.DisposeAsync();

    private static void Print(string what, string result) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {what} | {result} |"));

    private static byte[] Content(int file)
    {
        byte[] content = new byte[FileLength];
        new Random(file).NextBytes(content);
        return content;
    }

    private static async Task<double> XargsAsync(string root, int files, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.Combine(root, "in"));
        Directory.CreateDirectory(Path.Combine(root, "out"));
        for (int file = 0; file < files; file++)
        {
            await File.WriteAllBytesAsync(Path.Combine(root, "in", Name(file)), Content(file), cancellationToken);
        }
        long started = Stopwatch.GetTimestamp();
        using Process run = Process.Start(new ProcessStartInfo("sh")
        {
            ArgumentList = { "-c", $"ls in | xargs -P {Workers} -I{{}} cp in/{{}} out/" },
            WorkingDirectory = root,
        })!;
        await run.WaitForExitAsync(cancellationToken);
        return files / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static string Name(int file) => $"file-{file:D7}";

    private async Task<CommitRef> PutAsync(string repo, IEnumerable<int> files, CancellationToken cancellationToken)
    {
        CommitRef commit = await _client.Commits.StartAsync(repo, "master", cancellationToken: cancellationToken);
        await _client.Files.PutManyAsync(
            commit,
            files.Select(file => new LocalFile("/" + Name(file), _ => ValueTask.FromResult<Stream>(new MemoryStream(Content(file)))) { Overwrite = true })
                .ToAsyncEnumerable(),
            cancellationToken: cancellationToken);
        return commit;
    }

    private Task CreateAsync(string name, string repo, string glob) => _client.Pipelines.CreateAsync(
        $$"""
        {
          "pipeline": { "name": "{{name}}" },
          "transform": { "cmd": ["cp", "-r", "/pfs/in/.", "/pfs/out"] },
          "parallelism_spec": { "constant": {{Workers}} },
          "input": { "atom": { "name": "in", "repo": "{{repo}}", "glob": "{{glob}}" } }
        }
        """);

    /// <summary>From the request to finish a commit to the answer that its output is finished.</summary>
    private async Task<TimeSpan> ProcessAsync(CommitRef commit, string pipeline, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        await _client.Commits.FinishAsync(commit, cancellationToken);
        await foreach (Wire.Pfs.CommitInfo _ in _client.Commits.FlushAsync([commit], [pipeline], cancellationToken))
        {
            // One for each repo that is waited for.
        }
        return Stopwatch.GetElapsedTime(started);
    }

    private async Task<(double Rate, double Seconds)> DatumsAsync(string name, int datums, CancellationToken cancellationToken)
    {
        await _client.Repos.CreateAsync(name + "-in", cancellationToken: cancellationToken);
        await CreateAsync(name, name + "-in", "/*");
        CommitRef commit = await PutAsync(name + "-in", Enumerable.Range(0, datums), cancellationToken);
        TimeSpan taken = await ProcessAsync(commit, name, cancellationToken);
        JobInfo job = await _client.Jobs.ListAsync(name, cancellationToken).FirstAsync(cancellationToken);
        return job.DataProcessed == datums && job.State is JobState.JobSuccess or JobState.JobRunning
            ? (datums / taken.TotalSeconds, taken.TotalSeconds)
            : throw new InvalidOperationException($"The job is {job.State} and processed {job.DataProcessed} of {datums} datums");
    }

    private async Task<double> LatencyAsync(CancellationToken cancellationToken)
    {
        await _client.Repos.CreateAsync("latency-in", cancellationToken: cancellationToken);
        await CreateAsync("latency", "latency-in", "/");
        List<double> times = [];
        for (int round = 0; round <= LatencyRounds; round++)
        {
            CommitRef commit = await _client.Commits.StartAsync("latency-in", "master", cancellationToken: cancellationToken);
            await _client.Files.PutAsync(
                commit, "/f", new MemoryStream(Content(round)), new PutFileOptions { Overwrite = true }, cancellationToken: cancellationToken);
            times.Add((await ProcessAsync(commit, "latency", cancellationToken)).TotalMilliseconds);
        }
        // The first started the worker.
        return Median(times[1..]);
    }

    private async Task<double> AddedAsync(int inputs, CancellationToken cancellationToken)
    {
        await _client.Repos.CreateAsync("added-in", cancellationToken: cancellationToken);
        await CreateAsync("added", "added-in", "/*");
        await ProcessAsync(await PutAsync("added-in", Enumerable.Range(0, inputs), cancellationToken), "added", cancellationToken);
        List<double> times = [];
        for (int round = 0; round < AddedRounds; round++)
        {
            CommitRef commit = await PutAsync("added-in", [inputs + round], cancellationToken);
            times.Add((await ProcessAsync(commit, "added", cancellationToken)).TotalMilliseconds);
        }
        return Median(times);
    }

    private static double Median(List<double> times)
    {
        times.Sort();
        return times[times.Count / 2];
    }
}
