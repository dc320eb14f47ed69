using System.Buffers;
using BenchmarkDotNet.Attributes;
using Pachyderm.Formats;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores;

namespace Pachyderm.Bench.Micro;

/// <summary>What one record of each kind costs. Times and allocations are those of one record.</summary>
[MemoryDiagnoser]
public class RecordBenchmarks
{
    private readonly ArrayBufferWriter<byte> _output = new(1 << 16);
    private SampleCluster _cluster = null!;
    private StoredRecord[] _records = null!;
    private RecordCodec _codec = null!;
    private IRecordConversion _conversion = null!;
    private ClusterSurvey _survey = null!;

    [Params(RecordKind.Repo, RecordKind.Commit, RecordKind.Branch, RecordKind.Pipeline, RecordKind.Job)]
    public RecordKind Kind { get; set; }

    [GlobalSetup]
    public async Task SetUpAsync()
    {
        _cluster = await SampleCluster.CreateAsync();
        _records = await _cluster.ReadAsync(Kind);
        _codec = RecordCodec.For(Kind)!;
        _conversion = await _cluster.PrepareConversionAsync();
        _survey = new ClusterSurvey(new RecordClassifier(_cluster.Keys), default);
    }

    [GlobalCleanup]
    public async Task CleanUpAsync() => await _cluster.DisposeAsync();

    /// <summary>From the text of 1.4 to the binary of 1.5, no more.</summary>
    [Benchmark(OperationsPerInvoke = SampleCluster.PerKind)]
    public int Transcode()
    {
        int bytes = 0;
        foreach (StoredRecord record in _records)
        {
            _output.ResetWrittenCount();
            bytes += _codec.Transcoder.TryTranscode(record.Value.Span, _output, out _) ? _output.WrittenCount : 0;
        }

        return bytes;
    }

    /// <summary>The whole conversion: checked, transcoded, mended.</summary>
    [Benchmark(OperationsPerInvoke = SampleCluster.PerKind)]
    public int Convert()
    {
        int bytes = 0;
        foreach (StoredRecord record in _records)
        {
            bytes += _conversion.Convert(record).Value.Length;
        }

        return bytes;
    }

    /// <summary>What the survey does with it.</summary>
    [Benchmark(OperationsPerInvoke = SampleCluster.PerKind)]
    public void Survey()
    {
        foreach (StoredRecord record in _records)
        {
            _survey.Observe(record);
        }
    }

    /// <summary>Its part of the digest.</summary>
    [Benchmark(OperationsPerInvoke = SampleCluster.PerKind)]
    public MultisetDigest Digest()
    {
        MultisetDigest digest = default;
        foreach (StoredRecord record in _records)
        {
            digest.Add(MultisetDigest.Of(record.Key.Span, record.Value.Span));
        }

        return digest;
    }
}
