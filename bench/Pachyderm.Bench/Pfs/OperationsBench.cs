using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Pachyderm.Wire.Pfs;

namespace Pachyderm.Bench.Pfs;

/// <summary>Small operations a second, from one client and from sixteen, each on a connection of its own.</summary>
internal static class OperationsBench
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(4);

    /// <summary>Measures and prints a Markdown table.</summary>
    public static async Task RunAsync(string checkout, string parent, CancellationToken cancellationToken)
    {
        await using PachdProcess pachd = await PachdProcess.StartAsync(checkout, parent, cancellationToken);
        using GrpcChannel channel = pachd.OpenChannel();
        API.APIClient setup = new(channel);
        for (int client = 0; client < 16; client++)
        {
            await setup.CreateRepoAsync(new CreateRepoRequest { Repo = RepoOf(client) }, cancellationToken: cancellationToken);
        }
        Commit finished = await StartAsync(setup, 0);
        await setup.FinishCommitAsync(new FinishCommitRequest { Commit = finished }, cancellationToken: cancellationToken);

        Console.WriteLine("| operations/s | 1 client | 16 clients |");
        Console.WriteLine("|---|---:|---:|");
        await PrintAsync("set-branch", async (pfs, client, round) =>
            await pfs.SetBranchAsync(new SetBranchRequest { Commit = finished, Branch = $"b{client}" }));
        await PrintAsync("inspect-commit", async (pfs, client, round) =>
            await pfs.InspectCommitAsync(new InspectCommitRequest { Commit = finished }));
        await PrintAsync("list-repo", async (pfs, client, round) => await pfs.ListRepoAsync(new ListRepoRequest()));
        await PrintAsync("start and finish an empty commit", async (pfs, client, round) =>
        {
            Commit commit = await StartAsync(pfs, client);
            await pfs.FinishCommitAsync(new FinishCommitRequest { Commit = commit });
        });
        Commit open = await StartAsync(setup, 1);
        await PrintAsync("put a file of 6 bytes", async (pfs, client, round) =>
        {
            using AsyncClientStreamingCall<PutFileRequest, Google.Protobuf.WellKnownTypes.Empty> call = pfs.PutFile();
            await call.RequestStream.WriteAsync(new PutFileRequest
            {
                File = new Wire.Pfs.File { Commit = open, Path = $"/{client}/{round % 1000}" },
                Value = ByteString.CopyFromUtf8($"{round % 100_000:D5}\n"),
            });
            await call.RequestStream.CompleteAsync();
            await call;
        });

        async Task PrintAsync(string name, Func<API.APIClient, int, int, Task> operation) =>
            Console.WriteLine($"| {name} | {await MeasureAsync(pachd, 1, operation):n0} | {await MeasureAsync(pachd, 16, operation):n0} |");
    }

    private static Repo RepoOf(int client) => new() { Name = $"operations{client}" };

    private static async Task<Commit> StartAsync(API.APIClient pfs, int client) =>
        await pfs.StartCommitAsync(new StartCommitRequest { Parent = new Commit { Repo = RepoOf(client) }, Branch = "master" });

    private static async Task<double> MeasureAsync(PachdProcess pachd, int clients, Func<API.APIClient, int, int, Task> operation)
    {
        int[] counts = new int[clients];
        long started = 0;
        using Barrier ready = new(clients, _ => started = Stopwatch.GetTimestamp());
        await Task.WhenAll(Enumerable.Range(0, clients).Select(client => Task.Factory.StartNew(
            async () =>
            {
                using GrpcChannel channel = pachd.OpenChannel();
                API.APIClient pfs = new(channel);
                for (int warm = 0; warm < 20; warm++)
                {
                    await operation(pfs, client, warm);
                }
                ready.SignalAndWait();
                for (int round = 20; Stopwatch.GetElapsedTime(started) < Duration; round++)
                {
                    await operation(pfs, client, round);
                    counts[client]++;
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap()));
        return counts.Sum() / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
