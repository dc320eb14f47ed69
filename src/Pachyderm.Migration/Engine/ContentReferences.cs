using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Google.Protobuf;
using Pachyderm.Backup;
using Pachyderm.Errors;
using Pachyderm.Formats;
using Pachyderm.Formats.Content;
using Pachyderm.Formats.V1_5;
using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Engine;

/// <summary>The objects that metadata refers to: trees of commits, and what was written to commits that are open.</summary>
public static class ContentReferences
{
    /// <summary>Reads them from the records of a 1.4 or 1.5 store. Records that cannot be read have none.</summary>
    /// <param name="read">Reads the store's records of a range.</param>
    /// <param name="keys">The cluster's keys.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async IAsyncEnumerable<ObjectReference> ReadAsync(
        Func<KeyRange, IAsyncEnumerable<IReadOnlyList<StoredRecord>>> read, ClusterKeys keys,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        RecordDecoder decoder = new();
        await foreach (
            IReadOnlyList<StoredRecord> page in read(KeyRange.Prefix(keys.Prefix(RecordKind.Commit))).WithCancellation(cancellationToken))
        {
            foreach (StoredRecord record in page)
            {
                if (keys.Classify(record.Key.Span) == RecordKind.Commit && ReadTree(decoder, record) is { } reference)
                {
                    yield return reference;
                }
            }
        }
    }

    /// <summary>The objects that open commits will have: not trees, so that they are not walked.</summary>
    public static async IAsyncEnumerable<ObjectReference> ReadOpenWritesAsync(
        Func<KeyRange, IAsyncEnumerable<IReadOnlyList<StoredRecord>>> read, ClusterKeys keys,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (
            IReadOnlyList<StoredRecord> page in read(KeyRange.Prefix(keys.Prefix(RecordKind.Scratch))).WithCancellation(cancellationToken))
        {
            foreach (StoredRecord record in page)
            {
                foreach (ObjectReference reference in ReadWrites(record))
                {
                    yield return reference;
                }
            }
        }
    }

    /// <summary>Walks trees; a tree that is missing or damaged becomes a finding and the others are walked on.</summary>
    internal static async IAsyncEnumerable<ObjectReference> WalkSoundAsync(
        LegacyContentStore content, IAsyncEnumerable<ObjectReference> trees, FindingList findings,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        UInt64Set walked = new();
        await foreach (ObjectReference tree in trees.WithCancellation(cancellationToken))
        {
            if (!walked.Add(Hash(tree.ObjectHash)))
            {
                continue;
            }

            await using IAsyncEnumerator<ObjectReference> references =
                TreeReferences.WalkAsync(content, Only(tree), cancellationToken).GetAsyncEnumerator(cancellationToken);
            while (await MoveNextAsync(references, tree, findings))
            {
                yield return references.Current;
            }
        }
    }

    /// <summary>Identifies an object among those that were seen, in 8 bytes.</summary>
    internal static ulong Hash(string objectHash) => XxHash3.HashToUInt64(MemoryMarshal.AsBytes(objectHash.AsSpan()));

    private static async ValueTask<bool> MoveNextAsync(
        IAsyncEnumerator<ObjectReference> references, ObjectReference tree, FindingList findings)
    {
        try
        {
            return await references.MoveNextAsync();
        }
        catch (OperatorException exception)
        {
            findings.Add(new Finding(
                exception.Id, FindingSeverity.Blocker, tree.ReferencedBy, $"its tree cannot be read ({exception.Problem})",
                "restore the object from a backup of the object store"));
            return false;
        }
    }

    private static ObjectReference? ReadTree(RecordDecoder decoder, in StoredRecord record)
    {
        if (decoder.Decode(RecordKind.Commit, record.Value.Span, out ReadOnlySpan<byte> wire, out _) == RecordEncoding.Neither)
        {
            return null;
        }

        try
        {
            CommitInfo commit = CommitInfo.Parser.ParseFrom(wire);
            return commit.Tree is { } tree && LegacyContentStore.IsObjectHash(tree.Hash.ToStringUtf8())
                ? new ObjectReference(tree.Hash.ToStringUtf8(), $"commit {KeyText.Show(Encoding.UTF8.GetBytes(commit.Commit?.Repo?.Name.ToStringUtf8() + "@" + commit.Commit?.Id.ToStringUtf8()))}")
                : null;
        }
        catch (InvalidProtocolBufferException)
        {
            // The survey reports the record.
            return null;
        }
    }

    private static IEnumerable<ObjectReference> ReadWrites(StoredRecord record)
    {
        if (record.Value.Span.SequenceEqual("delete"u8))
        {
            return [];
        }

        try
        {
            return PutFileRecords.Parser.ParseFrom(record.Value.Span).Records
                .Select(put => Encoding.UTF8.GetString(put.ObjectHash.Span))
                .Where(LegacyContentStore.IsObjectHash)
                .Select(hash => new ObjectReference(hash, $"open write {KeyText.Show(record.Key.Span)}"));
        }
        catch (InvalidProtocolBufferException)
        {
            return [];
        }
    }

    private static async IAsyncEnumerable<ObjectReference> Only(ObjectReference reference)
    {
        await Task.CompletedTask;
        yield return reference;
    }
}
