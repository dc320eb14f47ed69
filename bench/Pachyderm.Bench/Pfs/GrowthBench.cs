using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Pachyderm.Bench.Measuring;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pfs;

namespace Pachyderm.Bench.Pfs;

/// <summary>How the cost of small operations depends on the size of the repo: it must not.</summary>
internal sealed class GrowthBench : IDisposable
{
    private const int FilesPerDirectory = 100;
    private const int DirectoriesPerDirectory = 100;
    private const int Changed = 10;
    private const int Rounds = 30;
    private const int FilesPerMessage = 2000;

    private readonly PachdProcess _pachd;
    private readonly GrpcChannel _channel;
    private readonly API.APIClient _pfs;
    private readonly Files.FilesClient _files;

    private GrowthBench(PachdProcess pachd)
    {
        _pachd = pachd;
        _channel = pachd.OpenChannel();
        _pfs = new API.APIClient(_channel);
        _files = new Files.FilesClient(_channel);
    }

    /// <summary>Measures repos of the given numbers of files, each on a server of its own, and prints a Markdown table.</summary>
    public static async Task RunAsync(string checkout, string parent, IReadOnlyList<int> sizes, CancellationToken cancellationToken)
    {
        Console.WriteLine("| files | load, files/s | commit of 10 changed files | bytes it stores | list 100 entries | of an open commit | glob /p000/d000/* | inspect | diff of neighbours | first read after a restart | peak memory |");
        Console.WriteLine("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (int size in sizes)
        {
            await using PachdProcess pachd = await PachdProcess.StartAsync(checkout, parent, cancellationToken);
            using GrowthBench bench = new(pachd);
            Console.WriteLine(await bench.MeasureAsync(size, cancellationToken));
        }
    }

    public void Dispose() => _channel.Dispose();

    private static string PathOf(int file)
    {
        int directory = file / FilesPerDirectory;
        return $"/p{directory / DirectoriesPerDirectory:D3}/d{directory % DirectoriesPerDirectory:D3}/file-{file % FilesPerDirectory:D3}";
    }

    private async Task<string> MeasureAsync(int size, CancellationToken cancellationToken)
    {
        Repo repo = new() { Name = "growth" };
        await _pfs.CreateRepoAsync(new CreateRepoRequest { Repo = repo }, cancellationToken: cancellationToken);
        long started = Stopwatch.GetTimestamp();
        Commit head = await StartAsync(repo);
        await PutAsync(head, Enumerable.Range(0, size), version: 0, cancellationToken);
        await _pfs.FinishCommitAsync(new FinishCommitRequest { Commit = head }, cancellationToken: cancellationToken);
        double loaded = size / Stopwatch.GetElapsedTime(started).TotalSeconds;

        Random random = new(1);
        long before = _pachd.StoredBytes;
        int version = 0;
        double commit = await MedianAsync(async () =>
        {
            head = await StartAsync(repo);
            await PutAsync(head, Enumerable.Range(0, Changed).Select(_ => random.Next(size)).Distinct(), ++version, cancellationToken);
            await _pfs.FinishCommitAsync(new FinishCommitRequest { Commit = head }, cancellationToken: cancellationToken);
        });
        long stored = (_pachd.StoredBytes - before) / version;

        double list = await MedianAsync(() => ListAsync(head));
        double glob = await MedianAsync(async () =>
        {
            FileInfos found = await _pfs.GlobFileAsync(new GlobFileRequest { Commit = head, Pattern = "/p000/d000/*" }, cancellationToken: cancellationToken);
            Expect(FilesPerDirectory, found.FileInfo.Count);
        });
        double inspect = await MedianAsync(() => _pfs.InspectFileAsync(
            new InspectFileRequest { File = new Wire.Pfs.File { Commit = head, Path = PathOf(random.Next(size)) } }, cancellationToken: cancellationToken).ResponseAsync);
        double diff = await MedianAsync(async () =>
        {
            DiffFileResponse changes = await _pfs.DiffFileAsync(
                new DiffFileRequest { NewFile = new Wire.Pfs.File { Commit = head, Path = "/" } }, cancellationToken: cancellationToken);
            Expect(changes.OldFiles.Count, changes.NewFiles.Count);
        });
        double open = await MedianAsync(async () =>
        {
            head = await StartAsync(repo);
            await PutAsync(head, [random.Next(size)], ++version, cancellationToken);
            long began = Stopwatch.GetTimestamp();
            await ListAsync(head);
            double taken = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            await _pfs.FinishCommitAsync(new FinishCommitRequest { Commit = head }, cancellationToken: cancellationToken);
            return taken;
        });
        long peak = _pachd.PeakBytes;
        await _pachd.RestartAsync(cancellationToken);
        long read = Stopwatch.GetTimestamp();
        await ListAsync(head);
        double first = Stopwatch.GetElapsedTime(read).TotalMilliseconds;
        return $"| {size:n0} | {loaded:n0} | {commit:n1} ms | {stored:n0} | {list:n2} ms | {open:n1} ms | {glob:n2} ms | {inspect:n2} ms | {diff:n2} ms | {first:n1} ms | {peak >> 20} MiB |";

        async Task ListAsync(Commit at)
        {
            FileInfos found = await _pfs.ListFileAsync(
                new ListFileRequest { File = new Wire.Pfs.File { Commit = at, Path = "/p000/d000" } }, cancellationToken: cancellationToken);
            Expect(FilesPerDirectory, found.FileInfo.Count);
        }
    }

    private async Task<Commit> StartAsync(Repo repo) =>
        await _pfs.StartCommitAsync(new StartCommitRequest { Parent = new Commit { Repo = repo }, Branch = "master" });

    private async Task PutAsync(Commit commit, IEnumerable<int> files, int version, CancellationToken cancellationToken)
    {
        using AsyncClientStreamingCall<PutFilesRequest, PutFilesResponse> call = _files.PutFiles(cancellationToken: cancellationToken);
        foreach (int[] batch in files.Chunk(FilesPerMessage))
        {
            PutFilesRequest request = new() { Commit = commit };
            request.Parts.AddRange(batch.Select(file => new FilePart
            {
                Path = PathOf(file),
                Value = ByteString.CopyFromUtf8($"file {file} in version {version}\n"),
                Last = true,
                Overwrite = version > 0,
            }));
            await call.RequestStream.WriteAsync(request, cancellationToken);
        }
        await call.RequestStream.CompleteAsync();
        await call;
    }

    private static Task<double> MedianAsync(Func<Task> operation) => MedianAsync(async () =>
    {
        long started = Stopwatch.GetTimestamp();
        await operation();
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    });

    private static async Task<double> MedianAsync(Func<Task<double>> operation)
    {
        List<double> times = [];
        for (int round = 0; round < Rounds; round++)
        {
            times.Add(await operation());
        }
        return Measurement.Median(times);
    }

    private static void Expect(int expected, int found)
    {
        if (expected != found)
        {
            throw new InvalidOperationException($"{found} entries were answered where {expected} are.");
        }
    }
}
