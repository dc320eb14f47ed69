using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Pachyderm.Workers;
using Pachyderm.Workers.Processes;

namespace Pachyderm.Bench.Workers;

/// <summary>
/// Datums a second of a command that copies one small file, with two workers: in a sandbox that is kept, in one for each datum, without one,
/// and for comparison <c>xargs -P 2</c> with the same command on the same files.
/// </summary>
public static class WorkerBench
{
    private const int WorkerCount = 2;

    /// <summary>Measures and prints a Markdown table.</summary>
    /// <param name="datums">Number of datums for each row.</param>
    /// <param name="work">Directory for the files meanwhile.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public static async Task RunAsync(int datums, string work, CancellationToken cancellationToken)
    {
        string root = Path.Combine(work, $"pachyderm-bench-{Guid.NewGuid():n}");
        Directory.CreateDirectory(root);
        try
        {
            Console.Out.WriteLine("| how | datums/s | ms a datum |");
            Console.Out.WriteLine("|---|---|---|");
            Print("xargs -P 2 cp", datums, await XargsAsync(root, datums, cancellationToken));
            foreach ((string name, ProcessIsolation isolation, bool reuse) in ((string, ProcessIsolation, bool)[])[
                ("kept sandbox", ProcessIsolation.Required, true),
                ("sandbox for each datum", ProcessIsolation.Required, false),
                ("plain processes", ProcessIsolation.None, true)])
            {
                WorkerOptions options = new() { ScratchDirectory = Path.Combine(root, "scratch"), ReuseSandbox = reuse };
                await using ProcessWorkerBackend backend = await ProcessWorkerBackend.CreateAsync(options, isolation, cancellationToken);
                // Once to warm up.
                await WorkersAsync(backend, root, Math.Min(datums, 200), cancellationToken);
                Print(name, datums, await WorkersAsync(backend, root, datums, cancellationToken));
            }
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static void Print(string name, int datums, TimeSpan taken) => Console.Out.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"| {name} | {datums / taken.TotalSeconds:0} | {taken.TotalMilliseconds / datums:0.00} |"));

    private static async Task<TimeSpan> XargsAsync(string root, int datums, CancellationToken cancellationToken)
    {
        string input = Directory.CreateDirectory(Path.Combine(root, "in")).FullName;
        string output = Directory.CreateDirectory(Path.Combine(root, "out")).FullName;
        for (int i = 0; i < datums; i++)
        {
            await File.WriteAllTextAsync(Path.Combine(input, Name(i)), Content(i), cancellationToken);
        }

        long start = Stopwatch.GetTimestamp();
        using Process process = Process.Start(
            "/bin/sh", ["-c", $"ls '{input}' | xargs -P {WorkerCount} -I FILE cp '{input}'/FILE '{output}'/FILE"])!;
        await process.WaitForExitAsync(cancellationToken);
        return Stopwatch.GetElapsedTime(start);
    }

    private static async Task<TimeSpan> WorkersAsync(
        ProcessWorkerBackend backend, string root, int datums, CancellationToken cancellationToken)
    {
        WorkerSpec spec = new() { Name = "bench", Command = ["cp", "-r", "/pfs/in/.", "/pfs/out"] };
        if (!backend.Sandboxed)
        {
            // Where the files are is known to a shell only.
            spec = spec with { Command = ["/bin/sh", "-c", "exec cp $PACH_PFS/in/* $PACH_PFS/out"] };
        }

        string output = Directory.CreateDirectory(Path.Combine(root, $"out-{Guid.NewGuid():n}")).FullName;
        IWorker[] workers = await Task.WhenAll(Enumerable.Range(0, WorkerCount).Select(_ => backend.StartAsync(spec, cancellationToken)));
        int next = -1;
        long start = Stopwatch.GetTimestamp();
        await Task.WhenAll(workers.Select(worker => DatumFlow.RunAsync(
            worker, TakeAsync(cancellationToken), new NoLog(), _ => new FileSink(output), Check, cancellationToken)));
        TimeSpan taken = Stopwatch.GetElapsedTime(start);
        foreach (IWorker worker in workers)
        {
            await worker.DisposeAsync();
        }

        return Directory.EnumerateFiles(output).Count() == datums
            ? taken
            : throw new InvalidDataException($"not all of {datums} files came out");

        async IAsyncEnumerable<DatumWork> TakeAsync([EnumeratorCancellation] CancellationToken stop)
        {
            for (int i = Interlocked.Increment(ref next); i < datums; i = Interlocked.Increment(ref next))
            {
                stop.ThrowIfCancellationRequested();
                yield return new DatumWork { Id = Name(i), JobId = "bench", Inputs = [new OneFile(i)] };
            }

            await Task.CompletedTask;
        }
    }

    private static Task Check(DatumWork datum, FileSink sink, DatumOutcome outcome) =>
        outcome.Succeeded ? Task.CompletedTask : throw new InvalidDataException($"datum {datum.Id}: {outcome.Reason}");

    private static string Name(int datum) => datum.ToString("d6", CultureInfo.InvariantCulture);

    private static string Content(int datum) => $"content of datum {datum}\n";

    private sealed class NoLog : ILogSink
    {
        public ValueTask WriteAsync(LogLine line, CancellationToken cancellationToken) => throw new InvalidDataException(line.Text);
    }

    private sealed class FileSink(string directory) : IOutputSink
    {
        public async Task AddFileAsync(string path, Stream content, CancellationToken cancellationToken)
        {
            await using FileStream file = new(directory + path, FileMode.CreateNew);
            await content.CopyToAsync(file, cancellationToken);
        }

        public Task AddDirectoryAsync(string path, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task<bool> AddInputAsync(string path, string inputName, string inputPath, CancellationToken cancellationToken) =>
            Task.FromResult(false);
    }

    private sealed class OneFile(int datum) : IInputTree, IInputFile
    {
        private readonly byte[] _content = System.Text.Encoding.UTF8.GetBytes(Content(datum));

        string IInputTree.Name => "in";

        public bool Lazy => false;

        public string Path => "/" + WorkerBench.Name(datum);

        public long Size => _content.Length;

        public IAsyncEnumerable<IInputFile> FilesAsync(CancellationToken cancellationToken) =>
            new IInputFile[] { this }.ToAsyncEnumerable();

        public IAsyncEnumerable<string> EmptyDirectoriesAsync(CancellationToken cancellationToken) => AsyncEnumerable.Empty<string>();

        public Task CopyToAsync(Stream destination, CancellationToken cancellationToken) =>
            destination.WriteAsync(_content, cancellationToken).AsTask();
    }
}
