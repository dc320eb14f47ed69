using BenchmarkDotNet.Attributes;
using Pachyderm.Migration.Steps;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Bench.Micro;

/// <summary>What reading and rewriting a snapshot costs. Times and allocations are those of one record.</summary>
[MemoryDiagnoser]
public class SnapshotBenchmarks
{
    private SampleCluster _cluster = null!;
    private IRecordConversion _conversion = null!;

    [GlobalSetup]
    public async Task SetUpAsync()
    {
        _cluster = await SampleCluster.CreateAsync();
        _conversion = await _cluster.PrepareConversionAsync();
    }

    [GlobalCleanup]
    public async Task CleanUpAsync() => await _cluster.DisposeAsync();

    [IterationCleanup(Target = nameof(RewriteAsync))]
    public void RemoveOutput() => File.Delete(_cluster.OutputPath);

    /// <summary>Opens a snapshot: which records are live, and whether its SHA-256 is right.</summary>
    [Benchmark(OperationsPerInvoke = SampleCluster.Records)]
    public async Task<long> OpenAsync()
    {
        using EtcdSnapshotFile file = await EtcdSnapshotFile.OpenAsync(_cluster.File.Path, SnapshotIntegrity.VerifyHash, CancellationToken.None);
        return file.LiveRecordCount;
    }

    /// <summary>One pass over all records on one thread.</summary>
    [Benchmark(OperationsPerInvoke = SampleCluster.Records)]
    public long Read()
    {
        long bytes = 0;
        foreach (SnapshotPartition partition in _cluster.File.Partition(1))
        {
            foreach (IReadOnlyList<StoredRecord> page in _cluster.File.ReadPartition(partition, KeyRange.All))
            {
                foreach (StoredRecord record in page)
                {
                    bytes += record.Value.Length;
                }
            }
        }

        return bytes;
    }

    /// <summary>Writes the migrated snapshot, with all cores, flushed to disk.</summary>
    [Benchmark(OperationsPerInvoke = SampleCluster.Records)]
    public async Task RewriteAsync()
    {
        await SnapshotRewriter.RewriteAsync(
            _cluster.File, _cluster.OutputPath, Rewrite, NothingAsync, progress: null, CancellationToken.None);
    }

    private RecordRewrite Rewrite(StoredRecord record)
    {
        RecordChange change = _conversion.Convert(record);
        return change.Kind switch
        {
            RecordChangeKind.Keep => RecordRewrite.Keep,
            RecordChangeKind.Replace => RecordRewrite.Replace(change.Value),
            _ => RecordRewrite.Drop,
        };
    }

    private static async IAsyncEnumerable<RecordWrite> NothingAsync()
    {
        await Task.CompletedTask;
        yield break;
    }
}
