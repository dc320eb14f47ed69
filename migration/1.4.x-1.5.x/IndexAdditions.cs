using System.IO.Hashing;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Pachyderm.Formats;
using Pachyderm.Formats.V1_5;
using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>
/// Finds the index entries that records call for and that do not exist. Nothing is read unless the survey found an index
/// incomplete or jobs with lists of inputs, which 1.4.5 and earlier did not enter in the Input index.
/// </summary>
internal static class IndexAdditions
{
    /// <summary>Reads a job as it will be; null if it cannot be read.</summary>
    internal delegate JobInfo? JobReader(in StoredRecord record);

    /// <summary>The missing entries, in the order of the records that call for them.</summary>
    public static async IAsyncEnumerable<RecordAddition> FindAsync(
        ClusterInventory inventory,
        Func<KeyRange, IAsyncEnumerable<IReadOnlyList<StoredRecord>>> readSource,
        JobReader readJob,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ClusterKeys keys = inventory.Classifier.Keys;
        if (inventory.JobsWithInputs > 0
            || !inventory.IsIndexExact(RecordKind.JobPipelineIndex)
            || !inventory.IsIndexExact(RecordKind.JobInputIndex))
        {
            KeySet present = await ReadKeysAsync(
                readSource, keys, [RecordKind.JobPipelineIndex, RecordKind.JobInputIndex], cancellationToken);
            await foreach (StoredRecord record in ReadAsync(readSource, keys.Prefix(RecordKind.Job), cancellationToken))
            {
                if (readJob(record) is not { } job)
                {
                    continue;
                }

                if (job.Pipeline is { } pipeline
                    && present.Add(keys.JobPipelineIndex(pipeline.Name.Span, job.Job.Id.Span)) is { } byPipeline)
                {
                    yield return Entry(byPipeline, job.Job.Id, RecordChanges.PipelineIndexAdded);
                }

                if (job.Input is { } input
                    && present.Add(keys.JobInputIndex(ProtoTextFormatter.Format(input), job.Job.Id.Span)) is { } byInput)
                {
                    yield return Entry(byInput, job.Job.Id, RecordChanges.InputIndexAdded);
                }
            }
        }

        if (!inventory.IsIndexExact(RecordKind.RepoProvenanceIndex))
        {
            KeySet present = await ReadKeysAsync(readSource, keys, [RecordKind.RepoProvenanceIndex], cancellationToken);
            foreach ((ByteString repo, RepoFacts facts) in inventory.Repos.Where(repo => repo.Value.Exists))
            {
                foreach (ByteString source in facts.Provenance)
                {
                    if (present.Add(keys.RepoProvenanceIndex(source.Span, repo.Span)) is { } entry)
                    {
                        yield return Entry(entry, repo, RecordChanges.ProvenanceIndexAdded);
                    }
                }
            }
        }

        if (!inventory.IsIndexExact(RecordKind.CommitProvenanceIndex))
        {
            KeySet present = await ReadKeysAsync(readSource, keys, [RecordKind.CommitProvenanceIndex], cancellationToken);
            RecordDecoder decoder = new();
            await foreach (StoredRecord record in ReadAsync(readSource, keys.Prefix(RecordKind.Commit), cancellationToken))
            {
                if (keys.Classify(record.Key.Span) != RecordKind.Commit || ReadCommit(decoder, record) is not { } commit)
                {
                    continue;
                }

                foreach (Commit source in commit.Provenance)
                {
                    byte[] key = keys.CommitProvenanceIndex(
                        commit.Commit.Repo.Name.Span, commit.Commit.Id.Span, NameOf(source), source.Id.Span);
                    if (present.Add(key) is { } entry)
                    {
                        yield return Entry(entry, commit.Commit.Id, RecordChanges.ProvenanceIndexAdded);
                    }
                }
            }
        }
    }

    private static CommitInfo? ReadCommit(RecordDecoder decoder, in StoredRecord record)
    {
        RecordEncoding encoding = decoder.Decode(RecordKind.Commit, record.Value.Span, out ReadOnlySpan<byte> wire, out _);
        try
        {
            CommitInfo? commit = encoding == RecordEncoding.Neither ? null : CommitInfo.Parser.ParseFrom(wire);
            return commit?.Commit?.Repo is null ? null : commit;
        }
        catch (InvalidProtocolBufferException)
        {
            // The survey has reported it; it has no entries to add.
            return null;
        }
    }

    private static ReadOnlySpan<byte> NameOf(Commit commit) => commit.Repo is null ? [] : commit.Repo.Name.Span;

    private static RecordAddition Entry(byte[] key, ByteString primaryKey, RecordChanges what) =>
        new(key, primaryKey.ToByteArray(), (ulong)what);

    private static async Task<KeySet> ReadKeysAsync(
        Func<KeyRange, IAsyncEnumerable<IReadOnlyList<StoredRecord>>> readSource,
        ClusterKeys keys,
        RecordKind[] kinds,
        CancellationToken cancellationToken)
    {
        KeySet present = new();
        foreach (byte[] prefix in kinds.Select(keys.Prefix))
        {
            await foreach (StoredRecord record in ReadAsync(readSource, prefix, cancellationToken))
            {
                present.Add(record.Key.ToArray());
            }
        }

        return present;
    }

    private static async IAsyncEnumerable<StoredRecord> ReadAsync(
        Func<KeyRange, IAsyncEnumerable<IReadOnlyList<StoredRecord>>> readSource, byte[] prefix,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (IReadOnlyList<StoredRecord> page in readSource(KeyRange.Prefix(prefix)).WithCancellation(cancellationToken))
        {
            foreach (StoredRecord record in page)
            {
                yield return record;
            }
        }
    }

    /// <summary>Keys by their 128-bit hash: a wrong answer would lose an entry, and at 128 bits it does not happen.</summary>
    private sealed class KeySet
    {
        private readonly HashSet<UInt128> _hashes = [];

        /// <summary>Adds a key and gives it back; null if it was there.</summary>
        public byte[]? Add(byte[] key) => _hashes.Add(XxHash128.HashToUInt128(key)) ? key : null;
    }
}
