using BenchmarkDotNet.Attributes;
using Pachyderm.Metadata;
using Pachyderm.Metadata.Sqlite;

namespace Pachyderm.Bench.Metadata;

/// <summary>
/// The metadata store on a real disk: durable changes by one caller and by many at once, rows in bulk, and reads. Every figure is for one
/// operation.
/// </summary>
[MemoryDiagnoser]
public class MetadataStoreBenchmarks
{
    private const int ChangesEach = 200;
    private const int Rows = 100_000;
    private const int Commits = 20_000;

    private static readonly CommitKey Bulk = new("bulk", "1");

    private readonly byte[] _payload = new byte[150];
    private string _directory = "";
    private SqliteMetadataStore _store = null!;
    private int _next;

    [GlobalSetup]
    public async Task OpenAsync()
    {
        // Not the directory for temporary files, which may be memory.
        _directory = Directory.CreateDirectory(
            Path.Combine(Environment.CurrentDirectory, "bench-" + Guid.NewGuid().ToString("N"))).FullName;
        _store = await SqliteMetadataStore.OpenAsync(
            new SqliteMetadataOptions { Path = Path.Combine(_directory, "metadata.db") }, CancellationToken.None);
        await WriteAsync(writer =>
        {
            for (int i = 0; i < Commits; i++)
            {
                writer.PutCommit(Commit($"{i:d32}", [new CommitKey("source", $"{i:d32}")]));
                writer.PutObject(new ObjectRecord($"{i:d128}", i, _payload, DateTimeOffset.UnixEpoch));
            }
        });
    }

    [GlobalCleanup]
    public async Task CloseAsync()
    {
        await _store.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Benchmark(OperationsPerInvoke = ChangesEach, Description = "durable PutFile row, 1 caller")]
    public Task OneCaller() => AddWritesAsync(callers: 1);

    [Benchmark(OperationsPerInvoke = 16 * ChangesEach, Description = "durable PutFile row, 16 callers")]
    public Task SixteenCallers() => AddWritesAsync(callers: 16);

    [Benchmark(OperationsPerInvoke = 64 * ChangesEach, Description = "durable PutFile row, 64 callers")]
    public Task SixtyFourCallers() => AddWritesAsync(callers: 64);

    [Benchmark(OperationsPerInvoke = 16 * ChangesEach, Description = "durable commit with head and 2 changes, 16 callers")]
    public Task SixteenCallersThatCommit() => RunAsync(callers: 16, _ =>
    {
        string id = $"{Interlocked.Increment(ref _next):d31}x";
        return WriteAsync(writer =>
        {
            writer.PutCommit(Commit(id, [new CommitKey("source", id)]));
            writer.PutBranch(new BranchRecord("r", "master", id));
            writer.AddChange(new Change(0, ChangeKind.CommitStarted, "r", id));
            writer.AddChange(new Change(0, ChangeKind.BranchMoved, "r", id, "master"));
        });
    });

    [Benchmark(OperationsPerInvoke = Rows, Description = "PutFile row, 100,000 in one change")]
    public Task BulkRows() => WriteAsync(writer =>
    {
        writer.DeletePendingWrites(Bulk, long.MaxValue);
        for (int i = 0; i < Rows; i++)
        {
            writer.AddPendingWrite(Bulk, _payload);
        }
    });

    [Benchmark(OperationsPerInvoke = ChangesEach, Description = "FindCommit, 1 caller")]
    public Task FindCommits() => RunAsync(callers: 1, i => ReadAsync(reader => reader.FindCommit(new CommitKey("r", $"{i * 97:d32}"))));

    [Benchmark(OperationsPerInvoke = 16 * ChangesEach, Description = "FindCommit, 16 callers")]
    public Task FindCommitsTogether() => RunAsync(
        callers: 16, i => ReadAsync(reader => reader.FindCommit(new CommitKey("r", $"{i * 97:d32}"))));

    [Benchmark(OperationsPerInvoke = 10_000, Description = "commit of a page of 1,000")]
    public async Task ListCommits()
    {
        long? before = null;
        for (int page = 0; page < 10; page++)
        {
            long? from = before;
            before = await ReadAsync(reader => reader.ListCommits("r", from, 1_000)[^1].Revision);
        }
    }

    [Benchmark(OperationsPerInvoke = Commits, Description = "object of a page of 1,000")]
    public async Task ListObjects()
    {
        string? after = null;
        for (int page = 0; page < Commits / 1_000; page++)
        {
            string? from = after;
            after = await ReadAsync(reader => reader.ListObjects(from, 1_000)[^1].Hash);
        }
    }

    private static CommitRecord Commit(string id, CommitKey[] provenance) =>
        new(new CommitKey("r", id), null, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, 1, new byte[48], [.. provenance]);

    private static Task RunAsync(int callers, Func<int, Task> operation) => Task.WhenAll(
        Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < ChangesEach; i++)
            {
                await operation(i);
            }
        })));

    private Task AddWritesAsync(int callers) =>
        RunAsync(callers, _ => WriteAsync(writer => writer.AddPendingWrite(new CommitKey("r", "open"), _payload)));

    private Task<T> ReadAsync<T>(Func<IMetadataReader, T> query) => _store.ReadAsync(query, CancellationToken.None);

    private Task<int> WriteAsync(Action<IMetadataWriter> change) => _store.WriteAsync(
        writer =>
        {
            change(writer);
            return 0;
        },
        CancellationToken.None);
}
