using System.Runtime.CompilerServices;
using Pachyderm.Backup.Native;
using Pachyderm.Formats.Content;
using Pachyderm.ObjectStores;

namespace Pachyderm.Backup;

/// <summary>Reads a list of files with a buffer of fixed size, and refuses what could lead out of the storage root.</summary>
internal static class ContentRecordReader
{
    /// <summary>Delivers the records before the end record.</summary>
    /// <param name="list">The list.</param>
    /// <param name="thing">What it is, for messages.</param>
    /// <param name="isData">Whether it is that of a data directory of 3.0, else of a storage root: which paths may occur.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async IAsyncEnumerable<ContentRecord> ReadAsync(
        Stream list, string thing, bool isData, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[64 * 1024];
        int start = 0;
        int end = 0;
        long count = 0;
        string previous = "";
        while (true)
        {
            int length = ContentRecord.TryRead(buffer.AsSpan(start, end - start), thing, out ContentRecord record);
            if (length == 0)
            {
                buffer.AsSpan(start, end - start).CopyTo(buffer);
                end -= start;
                start = 0;
                int read = await list.ReadAsync(buffer.AsMemory(end), cancellationToken);
                if (read == 0)
                {
                    throw SealedFormat.Damaged(thing, "it ends too early");
                }

                end += read;
                continue;
            }

            start += length;
            if (record.Kind == ContentRecordKind.End)
            {
                if (record.SizeBytes != count || start != end || await list.ReadAsync(buffer.AsMemory(0, 1), cancellationToken) != 0)
                {
                    throw SealedFormat.Damaged(thing, "its end is not where it must be");
                }

                yield break;
            }

            if (!(isData ? IsInsideData(record) : IsInsideRoot(record)) || Utf8Order.Instance.Compare(previous, record.Path) >= 0)
            {
                throw SealedFormat.Damaged(thing, "a path in it is refused");
            }

            previous = record.Path;
            count++;
            yield return record;
        }
    }

    private static bool IsInsideData(ContentRecord record) =>
        record.Kind is ContentRecordKind.Pack or ContentRecordKind.Blob or ContentRecordKind.Inline
        && ObjectKey.IsValid(record.Path) && DataDirectory.IsPart(record.Path);

    private static bool IsInsideRoot(ContentRecord record)
    {
        int slash = record.Path.IndexOf('/', StringComparison.Ordinal);
        return slash > 0
            && ObjectKey.IsValid(record.Path)
            && record.Kind != ContentRecordKind.Pack
            && LegacyContentStore.DirectoryNames.Contains(record.Path[..slash], StringComparer.Ordinal)
            && (record.Kind != ContentRecordKind.Object || LegacyContentStore.IsObjectHash(ContentBlobs.ObjectHash(record.Path)));
    }
}
