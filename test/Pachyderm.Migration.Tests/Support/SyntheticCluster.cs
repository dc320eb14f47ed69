using System.Buffers;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Pachyderm.Formats;
using Pachyderm.Formats.V1_4;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Tests.Support;

/// <summary>
/// Composes a small cluster record by record, each at the next revision. Records come in pairs as servers write them: a repo brings its
/// reference count and its index entries, a commit and a job theirs. What a test wants otherwise it replaces or takes away.
/// </summary>
internal sealed class SyntheticCluster(string pfsPrefix = ClusterKeys.DefaultPfsPrefix, string ppsPrefix = ClusterKeys.DefaultPpsPrefix)
{
    /// <summary>An input that every release from 1.4.6 on works with.</summary>
    public const string PlainInput = "input:<atom:<name:\"in\" repo:\"in\" branch:\"master\" glob:\"/*\" > > ";

    private readonly List<StoredRecord> _records = [];
    private long _revision = 1;

    public string PfsPrefix { get; } = pfsPrefix;

    public string PpsPrefix { get; } = ppsPrefix;

    public ClusterKeys Keys { get; } = new(pfsPrefix, ppsPrefix);

    /// <summary>Whether the messages that follow are written as upstream's own migration leaves them: the same fields in binary.</summary>
    public bool Binary { get; set; }

    public IReadOnlyList<StoredRecord> Records => _records;

    /// <summary>The identifier of a commit or job, 32 digits long.</summary>
    public static string Id(int number) => number.ToString("x32", CultureInfo.InvariantCulture);

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public SyntheticCluster InBinary()
    {
        Binary = true;
        return this;
    }

    public SyntheticCluster InText()
    {
        Binary = false;
        return this;
    }

    public SyntheticCluster Put(byte[] key, byte[] value, long lease = 0)
    {
        _revision++;
        _records.RemoveAll(record => record.Key.Span.SequenceEqual(key));
        _records.Add(new StoredRecord(key, value, _revision, _revision, 1, lease));
        return this;
    }

    public SyntheticCluster Put(byte[] key, string value, long lease = 0) => Put(key, Bytes(value), lease);

    public SyntheticCluster Put(string key, string value, long lease = 0) => Put(Bytes(key), Bytes(value), lease);

    /// <summary>Gives a record that exists another value at its old revision.</summary>
    public SyntheticCluster Replace(byte[] key, byte[] value)
    {
        int index = IndexOf(key);
        _records[index] = _records[index] with { Value = value };
        return this;
    }

    public SyntheticCluster Replace(byte[] key, string value) => Replace(key, Bytes(value));

    public SyntheticCluster Remove(byte[] key)
    {
        _records.RemoveAt(IndexOf(key));
        return this;
    }

    public byte[] ValueOf(byte[] key) => _records[IndexOf(key)].Value.ToArray();

    public SyntheticCluster Repo(string name, params string[] provenance)
    {
        RepoInfo repo = new() { Repo = NewRepo(name), Created = Time(100) };
        repo.Provenance.AddRange(provenance.Select(NewRepo));
        Put(Keys.Repo(Bytes(name)), Message(repo));
        Put(Keys.RepoRefCount(Bytes(name)), "0");
        foreach (string source in provenance)
        {
            Put(Keys.RepoProvenanceIndex(Bytes(source), Bytes(name)), name);
            byte[] count = Keys.RepoRefCount(Bytes(source));
            if (_records.Exists(record => record.Key.Span.SequenceEqual(count)))
            {
                long old = long.Parse(ValueOf(count), CultureInfo.InvariantCulture);
                Replace(count, (old + 1).ToString(CultureInfo.InvariantCulture));
            }
        }

        return this;
    }

    public SyntheticCluster Commit(string repo, string id, bool finished = true, string? parent = null, params (string Repo, string Id)[] provenance)
    {
        CommitInfo commit = new() { Commit = NewCommit(repo, id), Started = Time(200) };
        if (parent is not null)
        {
            commit.ParentCommit = NewCommit(repo, parent);
        }

        if (finished)
        {
            commit.Finished = Time(300);
            commit.SizeBytes = 7;
            commit.Tree = new Pachyderm.Formats.V1_4.Object { Hash = ByteString.CopyFromUtf8(new string('a', 128)) };
        }

        commit.Provenance.AddRange(provenance.Select(source => NewCommit(source.Repo, source.Id)));
        Put(Keys.Commit(Bytes(repo), Bytes(id)), Message(commit));
        foreach ((string sourceRepo, string sourceId) in provenance)
        {
            Put(Keys.CommitProvenanceIndex(Bytes(repo), Bytes(id), Bytes(sourceRepo), Bytes(sourceId)), id);
        }

        return this;
    }

    public SyntheticCluster Branch(string repo, string branch, string head) =>
        Put(Keys.Branch(Bytes(repo), Bytes(branch)), Message(NewCommit(repo, head)));

    /// <summary>A pipeline of 1.4.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="fields">Further fields in 1.4's text form.</param>
    public SyntheticCluster Pipeline(string name, string fields = PlainInput) =>
        Put(Keys.Pipeline(Bytes(name)), Message(RecordCodec.Pipeline, $"pipeline:<name:\"{name}\" > {fields}"));

    /// <summary>A job of 1.4 with its entry in the Pipeline index.</summary>
    /// <param name="id">Its identifier.</param>
    /// <param name="pipeline">Its pipeline; null for a job without one.</param>
    /// <param name="fields">Further fields in 1.4's text form.</param>
    public SyntheticCluster Job(string id, string? pipeline, string fields = "state:JOB_SUCCESS ")
    {
        string owner = pipeline is null ? "" : $"pipeline:<name:\"{pipeline}\" > ";
        Put(Keys.Job(Bytes(id)), Message(RecordCodec.Job, $"job:<id:\"{id}\" > {owner}{fields}"));
        return pipeline is null ? this : Put(Keys.JobPipelineIndex(Bytes(pipeline), Bytes(id)), id);
    }

    /// <summary>A message of 1.5, which has fields that 1.4 has no text for.</summary>
    public SyntheticCluster Message15(byte[] key, IMessage message) => Put(key, message.ToByteArray());

    /// <summary>Writes the records as a snapshot file.</summary>
    public async Task<string> WriteAsync(string path)
    {
        await using EtcdSnapshotWriter writer = await EtcdSnapshotWriter.CreateAsync(path, source: null, TestContext.Current.CancellationToken);
        foreach (StoredRecord record in _records)
        {
            writer.Add(record.ModRevision, 0, record);
        }

        await writer.CompleteAsync(compactRevision: _revision, TestContext.Current.CancellationToken);
        return path;
    }

    public static Pachyderm.Formats.V1_4.Repo NewRepo(string name) => new() { Name = ByteString.CopyFromUtf8(name) };

    public static Commit NewCommit(string repo, string id) => new() { Repo = NewRepo(repo), Id = ByteString.CopyFromUtf8(id) };

    private static Timestamp Time(long seconds) => new() { Seconds = 1_500_000_000 + seconds, Nanos = 5 };

    private byte[] Message(IMessage message) => Binary ? message.ToByteArray() : ProtoTextFormatter.Format(message);

    private byte[] Message(RecordCodec codec, string text)
    {
        if (!Binary)
        {
            return Bytes(text);
        }

        ArrayBufferWriter<byte> wire = new();
        Assert.True(codec.Transcoder.TryTranscode(Bytes(text), wire, out _), text);
        return wire.WrittenSpan.ToArray();
    }

    private int IndexOf(byte[] key)
    {
        int index = _records.FindIndex(record => record.Key.Span.SequenceEqual(key));
        Assert.True(index >= 0, $"the cluster has no {Encoding.UTF8.GetString(key)}");
        return index;
    }
}
