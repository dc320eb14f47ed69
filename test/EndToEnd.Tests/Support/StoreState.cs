using System.Text;
using Pachyderm.Formats;
using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Etcd;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.EndToEnd.Tests.Support;

/// <summary>Everything that a store holds at one moment.</summary>
public sealed class StoreState
{
    private static readonly RecordClassifier Classifier = new(new ClusterKeys());

    private StoreState(IEnumerable<StoredRecord> records, long revision)
    {
        Records = records.ToDictionary(record => Text(record.Key), record => record, StringComparer.Ordinal);
        Revision = revision;
    }

    /// <summary>Every record by its key, one character a byte.</summary>
    public IReadOnlyDictionary<string, StoredRecord> Records { get; }

    /// <summary>Revision of the store.</summary>
    public long Revision { get; }

    /// <summary>Keys of migrations.</summary>
    public IEnumerable<string> MigrationKeys => Records.Keys.Where(IsMigrations).Order(StringComparer.Ordinal);

    /// <summary>Whether there is a record of that key.</summary>
    public bool Holds(string key) => Records.ContainsKey(key);

    /// <summary>Keys and values of everything but the migration's own records and what hangs on a lease.</summary>
    public SortedDictionary<string, string> Content => Sorted(record => record.Lease == 0);

    /// <summary>Keys and values of everything but the migration's own records.</summary>
    public SortedDictionary<string, string> ContentWithLeased => Sorted(_ => true);

    /// <summary>The cluster's lists as servers show them, newest write first: repos, commits by repo, branches by repo, pipelines, jobs.</summary>
    public SortedDictionary<string, string[]> Listings
    {
        get
        {
            SortedDictionary<string, string[]> listings = new(StringComparer.Ordinal);
            foreach (IGrouping<string, StoredRecord> list in Records.Values.Where(record => Classifier.IsDurable(record, out ulong scope) && scope != 0).GroupBy(Folder, StringComparer.Ordinal))
            {
                listings[list.Key] = [.. list.OrderByDescending(record => record.ModRevision).Select(record => Text(record.Key))];
            }

            return listings;
        }
    }

    /// <summary>Reads a live etcd.</summary>
    public static async Task<StoreState> OfEtcdAsync(string endpoint)
    {
        await using EtcdRecordStore store = await EtcdRecordStore.ConnectAsync(endpoint, null, TestContext.Current.CancellationToken);
        return await OfAsync(store);
    }

    /// <summary>Reads a store.</summary>
    public static async Task<StoreState> OfAsync(IRecordStore store)
    {
        List<StoredRecord> records = [];
        await foreach (IReadOnlyList<StoredRecord> page in store.ReadAsync(KeyRange.All, 0, TestContext.Current.CancellationToken))
        {
            records.AddRange(page);
        }

        return new StoreState(records, (await store.GetStatusAsync(TestContext.Current.CancellationToken)).Revision);
    }

    /// <summary>Reads a snapshot file.</summary>
    public static async Task<StoreState> OfSnapshotAsync(string path)
    {
        using EtcdSnapshotFile file = await EtcdSnapshotFile.OpenAsync(path, SnapshotIntegrity.VerifyHash, TestContext.Current.CancellationToken);
        List<StoredRecord> records = [];
        await foreach (IReadOnlyList<StoredRecord> page in file.ReadByRevisionAsync(KeyRange.All, TestContext.Current.CancellationToken))
        {
            records.AddRange(page);
        }

        return new StoreState(records, file.Revision);
    }

    /// <summary>A key or value with one character a byte.</summary>
    public static string Text(ReadOnlyMemory<byte> bytes) => Encoding.Latin1.GetString(bytes.Span);

    /// <summary>The bytes of <see cref="Text"/>.</summary>
    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    private static string Folder(StoredRecord record)
    {
        string key = Text(record.Key);
        return key[..key.LastIndexOf('/')];
    }

    private static bool IsMigrations(string key) => key.StartsWith("pachyderm_migration/", StringComparison.Ordinal);

    private SortedDictionary<string, string> Sorted(Func<StoredRecord, bool> which) => new(
        Records.Where(pair => !IsMigrations(pair.Key) && which(pair.Value)).ToDictionary(pair => pair.Key, pair => Text(pair.Value.Value), StringComparer.Ordinal),
        StringComparer.Ordinal);
}
