using System.Text;
using Pachyderm.Formats;
using Pachyderm.Formats.V1_5;
using Pachyderm.Migration.Steps;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Tests.Support;

/// <summary>The records of a cluster after the real conversion. Every conversion is audited on the way.</summary>
internal sealed class ConvertedCluster
{
    private readonly Dictionary<string, byte[]> _records = [];
    private readonly Dictionary<string, RecordChange> _changes = [];
    private readonly List<string> _added = [];
    private readonly Dictionary<string, int> _changeNames = [];
    private readonly ClusterKeys _keys;

    private ConvertedCluster(ClusterKeys keys) => _keys = keys;

    /// <summary>Keys that the conversion added, in its order.</summary>
    public IReadOnlyList<string> Added => _added;

    /// <summary>How often each change was made, by its name in reports.</summary>
    public IReadOnlyDictionary<string, int> Changes => _changeNames;

    public static async Task<ConvertedCluster> FromAsync(SyntheticCluster cluster, string to = "1.5.3", bool quarantine = false)
    {
        using PreparedCluster prepared = await PreparedCluster.FromAsync(cluster);
        IRecordConversion conversion = prepared.Prepare(to, quarantine);
        ConvertedCluster converted = new(cluster.Keys);
        await foreach (IReadOnlyList<StoredRecord> page in prepared.Read(KeyRange.All))
        {
            foreach (StoredRecord record in page)
            {
                if (!prepared.Inventory.Classifier.IsDurable(record))
                {
                    converted._records.Add(Text(record.Key), record.Value.ToArray());
                    continue;
                }

                RecordChange change = conversion.Convert(record);
                Assert.Null(conversion.Audit(record, change));
                converted.Take(conversion, record, change);
            }
        }

        await foreach (RecordAddition addition in conversion.AdditionsAsync(prepared.Read, TestContext.Current.CancellationToken))
        {
            Assert.True(converted._records.TryAdd(Text(addition.Key), addition.Value.ToArray()), $"{Text(addition.Key)} was there before");
            converted._added.Add(Text(addition.Key));
            converted.Count(conversion, addition.What);
        }

        return converted;
    }

    public bool Has(byte[] key) => _records.ContainsKey(Text(key));

    public bool Has(string key) => _records.ContainsKey(Text(SyntheticCluster.Bytes(key)));

    public byte[] Value(byte[] key) => _records[Text(key)];

    public string ValueText(byte[] key) => Encoding.UTF8.GetString(Value(key));

    public RecordChangeKind ChangeOf(byte[] key) => _changes[Text(key)].Kind;

    public PipelineInfo Pipeline(string name) => PipelineInfo.Parser.ParseFrom(Value(_keys.Pipeline(SyntheticCluster.Bytes(name))));

    public JobInfo Job(string id) => JobInfo.Parser.ParseFrom(Value(_keys.Job(SyntheticCluster.Bytes(id))));

    /// <summary>A message in compact text, which reads better in an assertion than its fields one by one.</summary>
    public static string Show(Google.Protobuf.IMessage message) => Encoding.UTF8.GetString(ProtoTextFormatter.Format(message));

    // One character a byte: keys need not be UTF-8.
    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.Latin1.GetString(bytes.Span);

    private void Take(IRecordConversion conversion, in StoredRecord record, in RecordChange change)
    {
        _changes.Add(Text(record.Key), change);
        Count(conversion, change.What);
        if (change.Kind is RecordChangeKind.Keep or RecordChangeKind.Replace)
        {
            _records.Add(Text(record.Key), (change.Kind == RecordChangeKind.Keep ? record.Value : change.Value).ToArray());
        }
    }

    private void Count(IRecordConversion conversion, ulong what)
    {
        for (int bit = 0; bit < conversion.ChangeNames.Count; bit++)
        {
            if ((what & (1UL << bit)) != 0)
            {
                string name = conversion.ChangeNames[bit];
                _changeNames[name] = _changeNames.GetValueOrDefault(name) + 1;
            }
        }
    }
}
