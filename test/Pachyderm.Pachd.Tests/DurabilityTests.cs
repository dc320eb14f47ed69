using System.Collections.Concurrent;
using System.Security.Cryptography;
using Grpc.Core;
using Pachyderm.ObjectStores.Tests;
using static Pachyderm.Pachd.Tests.PachdProcess;

namespace Pachyderm.Pachd.Tests;

/// <summary>pachd is killed while clients write: what was acknowledged is there, what was not is there whole or not at all.</summary>
public sealed class DurabilityTests : IDisposable
{
    private const int Writers = 8;

    private readonly TemporaryDirectory directory = new();

    private static int Kills => Environment.GetEnvironmentVariable("PACHYDERM_LONG_TESTS") == "1" ? 200 : 10;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Nothing_that_was_acknowledged_is_lost_when_pachd_is_killed()
    {
        ConcurrentDictionary<string, bool> acknowledged = new(StringComparer.Ordinal);
        ConcurrentDictionary<string, bool> attempted = new(StringComparer.Ordinal);
        ConcurrentQueue<string> finished = new();
        Random random = new(11);
        for (int kill = 0; kill < Kills; kill++)
        {
            await using PachdProcess pachd = await StartAsync(directory["data"]);
            if (kill == 0)
            {
                await pachd.CreateRepoAsync("data");
            }
            int target = acknowledged.Count + random.Next(1, 60);
            TaskCompletionSource enough = new(TaskCreationOptions.RunContinuationsAsynchronously);
            await RunAsync(pachd, kill, async (path, size) =>
            {
                attempted.TryAdd(path, true);
                await pachd.PutAsync("data", "master", path, [.. Content(path, size).Chunk(300_000).DefaultIfEmpty([])]);
                acknowledged.TryAdd(path, true);
                if (acknowledged.Count >= target)
                {
                    enough.TrySetResult();
                }
            }, finished, enough.Task);
        }
        await using PachdProcess last = await StartAsync(directory["data"]);
        await CheckAsync(last, acknowledged.Keys, attempted.Keys);
        Wire.Pfs.CommitInfos commits = await last.Pfs.ListCommitAsync(new Wire.Pfs.ListCommitRequest { Repo = new Wire.Pfs.Repo { Name = "data" } }, cancellationToken: Token);
        Dictionary<string, bool> isFinished = commits.CommitInfo.ToDictionary(commit => commit.Commit.Id, commit => commit.Finished is not null, StringComparer.Ordinal);
        Assert.All(finished, id => Assert.True(isFinished[id]));
        Assert.NotEmpty(acknowledged);
    }

    /// <summary>Lets writers run, and others finish and begin commits, until it is time to kill.</summary>
    private static async Task RunAsync(
        PachdProcess pachd, int round, Func<string, int, Task> putAsync, ConcurrentQueue<string> finished, Task enough)
    {
        await EnsureOpenAsync(pachd);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task[] clients =
        [
            .. Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
            {
                for (int number = 0; !stop.IsCancellationRequested; number++)
                {
                    int size = (writer * 7919 + number * 104_729) % 7 == 0 ? 700_000 : number % 5 * 1_000;
                    await IgnoreRefusalsAsync(() => putAsync($"/{round}/{writer}/{number}-{size}", size));
                }
            })),
            Task.Run(async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    await IgnoreRefusalsAsync(async () =>
                    {
                        Wire.Pfs.CommitInfo head = await pachd.Pfs.InspectCommitAsync(
                            new Wire.Pfs.InspectCommitRequest { Commit = Commit("data", "master") }, cancellationToken: Token);
                        await pachd.FinishAsync("data", head.Commit.Id);
                        finished.Enqueue(head.Commit.Id);
                        await pachd.StartCommitAsync("data", "master");
                    });
                }
            }),
        ];
        await enough.WaitAsync(Token);
        pachd.Kill();
        await stop.CancelAsync();
        await Task.WhenAll(clients);
    }

    // A put between two commits is refused, and every call is when the server is gone.
    private static async Task IgnoreRefusalsAsync(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (RpcException exception) when (exception.StatusCode is
            StatusCode.FailedPrecondition or StatusCode.Unavailable or StatusCode.Internal or StatusCode.Cancelled or StatusCode.Unknown)
        {
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            // The connection broke while a message was being written.
        }
    }

    private static async Task EnsureOpenAsync(PachdProcess pachd)
    {
        try
        {
            await pachd.StartCommitAsync("data", "master");
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.FailedPrecondition)
        {
            // The head of the branch is open still.
        }
    }

    private static async Task CheckAsync(PachdProcess pachd, ICollection<string> acknowledged, ICollection<string> attempted)
    {
        HashSet<string> missing = new(acknowledged, StringComparer.Ordinal);
        HashSet<string> known = new(attempted, StringComparer.Ordinal);
        using var files = new Wire.Native.Files.FilesClient(pachd.Channel).GetFiles(
            new Wire.Native.GetFilesRequest { Commit = Commit("data", "master"), Path = "/" }, cancellationToken: Token);
        string path = "";
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        while (await files.ResponseStream.MoveNext(Token))
        {
            foreach (Wire.Native.GetFilePart part in files.ResponseStream.Current.Parts)
            {
                path = part.Info?.File.Path ?? path;
                hash.AppendData(part.Value.Span);
                if (part.Last)
                {
                    Assert.Contains(path, known);
                    int size = int.Parse(path[(path.LastIndexOf('-') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
                    Assert.True(SHA256.HashData(Content(path, size)).AsSpan().SequenceEqual(hash.GetHashAndReset()), $"{path} is not as it was written");
                    missing.Remove(path);
                }
            }
        }
        Assert.Empty(missing);
        using var check = new Wire.Native.Maintenance.MaintenanceClient(pachd.Channel).Fsck(new Wire.Native.FsckRequest { ReadData = true }, cancellationToken: Token);
        Wire.Native.FsckSummary? summary = null;
        while (await check.ResponseStream.MoveNext(Token))
        {
            Assert.True(check.ResponseStream.Current.Finding is null, check.ResponseStream.Current.Finding?.ToString());
            summary = check.ResponseStream.Current.Summary ?? summary;
        }
        Assert.NotNull(summary);
        Assert.NotEqual(0ul, summary.Chunks);
    }

    private static byte[] Content(string path, int size)
    {
        byte[] content = new byte[size];
        new Random(path.Aggregate(17, (seed, c) => unchecked(seed * 31 + c))).NextBytes(content);
        return content;
    }
}
