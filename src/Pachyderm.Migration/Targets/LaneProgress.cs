using System.Globalization;
using System.Text;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Targets;

/// <summary>How far a lane has come, as it is written in its progress key: the number of the last batch that was applied.</summary>
internal static class LaneProgress
{
    /// <summary>The value that says so.</summary>
    public static byte[] Encode(long batch) => Encoding.ASCII.GetBytes(batch.ToString(CultureInfo.InvariantCulture));

    /// <summary>Reads it: the batch, and the revision at which it was applied; 0 and 0 before the first.</summary>
    public static async Task<(long Batch, long Revision)> ReadAsync(IRecordStore store, byte[] key, CancellationToken cancellationToken) =>
        await store.GetAsync(key, cancellationToken) is { } record
            ? (long.Parse(Encoding.ASCII.GetString(record.Value.Span), CultureInfo.InvariantCulture), record.ModRevision)
            : (0, 0);
}
