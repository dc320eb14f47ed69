using System.Diagnostics;
using System.Globalization;
using Pachyderm.Bench.Pfs;
using Pachyderm.Client;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Records;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;
using CommitRef = Pachyderm.Client.CommitRef;

namespace Pachyderm.Bench.Pipelines;

/// <summary>
/// Jobs of very many datums, nearly all of which have results, on the real pachd. The results are written into its metadata while it is
/// stopped, each with an empty output: to process so many takes an hour, and it is planning that is timed.
/// </summary>
internal static class PlanningBench
{
    private const string Repo = "many";
    private const string Planned = "planned";
    private const string Glob = "/*/*";
    private const int FilesInDirectory = 1_000;
    private const int Added = 10;
    private const int Rounds = 5;
    private const int ResultsTogether = 50_000;

    /// <summary>Measures and prints a Markdown table.</summary>
    /// <param name="checkout">Whose pachd is measured.</param>
    /// <param name="work">Directory for the files meanwhile.</param>
    /// <param name="datums">Number of datums.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public static async Task RunAsync(string checkout, string work, int datums, CancellationToken cancellationToken)
    {
        await using PachdProcess pachd = await PachdProcess.StartAsync(checkout, work, cancellationToken);
        string salt;
        CommitRef first;
        List<DatumFile> files = [];
        await using (PachClient client = Connect())
        {
            await client.Repos.CreateAsync(Repo, cancellationToken: cancellationToken);
            await client.Pipelines.CreateAsync(
                $$"""
                {
                  "pipeline": { "name": "{{Planned}}" },
                  "transform": { "cmd": ["true"] },
                  "parallelism_spec": { "constant": 2 },
                  "input": { "atom": { "name": "in", "repo": "{{Repo}}", "glob": "{{Glob}}" } }
                }
                """,
                cancellationToken);
            await client.Pipelines.StopAsync(Planned, cancellationToken);
            salt = (await client.Pipelines.InspectAsync(Planned, cancellationToken)).Salt;
            first = await PutAsync(client, Enumerable.Range(0, datums), cancellationToken);
            await client.Commits.FinishAsync(first, cancellationToken);
            await foreach (Wire.Pfs.FileInfo file in client.Files.GlobAsync(first, Glob, cancellationToken))
            {
                files.Add(new DatumFile(
                    TreePath.Clean(file.File.Path)!.Value, new ChunkId(file.Hash.Span), (long)file.SizeBytes, IsDirectory: false));
            }
        }

        await pachd.WhileStoppedAsync(data => PutResultsAsync(data, salt, files, cancellationToken), cancellationToken);
        Console.WriteLine("| job | seconds | datums/s | peak memory of pachd |");
        Console.WriteLine("|---|---:|---:|---:|");
        await using (PachClient client = Connect())
        {
            long started = Stopwatch.GetTimestamp();
            await client.Pipelines.StartAsync(Planned, cancellationToken);
            await FlushAsync(client, first, cancellationToken);
            Print($"{datums:N0} datums, all known, no job before", Stopwatch.GetElapsedTime(started), datums, pachd);
        }

        await pachd.RestartAsync(cancellationToken);
        await using (PachClient client = Connect())
        {
            List<TimeSpan> times = [];
            for (int round = 0; round < Rounds; round++)
            {
                CommitRef commit = await PutAsync(client, Enumerable.Range(datums + (round * Added), Added), cancellationToken);
                long started = Stopwatch.GetTimestamp();
                await client.Commits.FinishAsync(commit, cancellationToken);
                await FlushAsync(client, commit, cancellationToken);
                times.Add(Stopwatch.GetElapsedTime(started));
            }

            times.Sort();
            Print($"{Added} more are new, from finish-commit to the finished output, median of {Rounds}", times[Rounds / 2], datums, pachd);
            Wire.Pps.JobInfo job = await client.Jobs.ListAsync(Planned, cancellationToken).FirstAsync(cancellationToken);
            if (job.DataProcessed != Added || job.DataSkipped != datums + ((Rounds - 1) * Added))
            {
                throw new InvalidOperationException($"The last job processed {job.DataProcessed} and skipped {job.DataSkipped} datums");
            }
        }
    }

    private static PachClient Connect() => new(new PachClientOptions { Address = PachAddress.Parse(PachdProcess.Address) });

    private static string PathOf(int file) =>
        string.Create(CultureInfo.InvariantCulture, $"/d{file / FilesInDirectory:D4}/f{file % FilesInDirectory:D3}");

    private static byte[] Content(int file) => BitConverter.GetBytes(file);

    private static async Task<CommitRef> PutAsync(PachClient client, IEnumerable<int> files, CancellationToken cancellationToken)
    {
        CommitRef commit = await client.Commits.StartAsync(Repo, "master", cancellationToken: cancellationToken);
        await client.Files.PutManyAsync(
            commit,
            files.Select(file => new LocalFile(PathOf(file), _ => ValueTask.FromResult<Stream>(new MemoryStream(Content(file)))) { Overwrite = true })
                .ToAsyncEnumerable(),
            cancellationToken: cancellationToken);
        return commit;
    }

    private static async Task FlushAsync(PachClient client, CommitRef commit, CancellationToken cancellationToken)
    {
        await foreach (Wire.Pfs.CommitInfo _ in client.Commits.FlushAsync([commit], [Planned], cancellationToken))
        {
            // The one output.
        }
    }

    private static async Task PutResultsAsync(string data, string salt, List<DatumFile> files, CancellationToken cancellationToken)
    {
        await using SqliteMetadataStore store = await SqliteMetadataStore.OpenAsync(
            new SqliteMetadataOptions { Path = Path.Combine(data, "metadata.db") }, cancellationToken);
        DatumIdentity identity = new(new PipelineName(Planned), new Salt(salt));
        DatumInput input = new("in", default, "master", Glob, Lazy: false);
        ResultRecord result = new(JobId.New(), DirectoryReferenceCodec.Encode(TreeReader.EmptyDirectory));
        foreach (DatumFile[] page in files.Chunk(ResultsTogether))
        {
            await store.WriteAsync(
                writer =>
                {
                    PpsWriter records = new(writer);
                    foreach (DatumFile file in page)
                    {
                        records.PutResult(identity.TagOf([new DatumPart(input, file)]), result);
                    }

                    return true;
                },
                cancellationToken);
        }
    }

    private static void Print(string job, TimeSpan taken, int datums, PachdProcess pachd) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"| {job} | {taken.TotalSeconds:0.00} | {datums / taken.TotalSeconds:N0} | {pachd.PeakBytes >> 20} MiB |"));
}
