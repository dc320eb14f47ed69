using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Pachyderm.Formats;
using Pachyderm.Formats.V1_5;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;
using V1_4 = Pachyderm.Formats.V1_4;

namespace Pachyderm.Migration.Tags.Tests;

/// <summary>A cluster made by a test: records as 1.4 wrote them, trees and results in the local layout.</summary>
public sealed class SyntheticCluster : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("pachyderm-tags-").FullName;
    private readonly ClusterKeys _keys = new();
    private readonly List<(byte[] Key, byte[] Value)> _records = [];

    public SyntheticCluster()
    {
        Directory.CreateDirectory(Path.Combine(Root, "object"));
        Directory.CreateDirectory(Path.Combine(Root, "tag"));
    }

    private string Root => Path.Combine(_directory, "pach");

    public static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    /// <summary>The hash of a file's node; contents differ with it.</summary>
    public static byte[] NodeHash(string content) => SHA256.HashData(Encoding.UTF8.GetBytes(content));

    /// <summary>A datum's part of a tag, as every release writes it.</summary>
    public static byte[] Part(string input, string path, string content) =>
        [.. Encoding.UTF8.GetBytes(input), .. Encoding.UTF8.GetBytes(path), .. NodeHash(content)];

    /// <summary>Adds a commit whose top level has the given files, with their contents.</summary>
    public void AddCommit(string repo, string id, params (string Name, string Content)[] files)
    {
        HashTreeProto tree = new() { Version = 1 };
        NodeProto root = new() { Hash = ByteString.CopyFrom(NodeHash(id)), DirNode = new DirectoryNodeProto() };
        root.DirNode.Children.AddRange(files.Select(file => Bytes(file.Name)));
        tree.Fs.Add(new HashTreeProto.Types.FsEntry { Key = ByteString.Empty, Value = root });
        foreach ((string name, string content) in files)
        {
            NodeProto node = new() { Name = Bytes(name), Hash = ByteString.CopyFrom(NodeHash(content)), FileNode = new FileNodeProto() };
            tree.Fs.Add(new HashTreeProto.Types.FsEntry { Key = Bytes("/" + name), Value = node });
        }

        V1_4.CommitInfo commit = new()
        {
            Commit = new V1_4.Commit { Repo = new V1_4.Repo { Name = Bytes(repo) }, Id = Bytes(id) },
            Finished = new Google.Protobuf.WellKnownTypes.Timestamp { Seconds = 1 },
            Tree = new V1_4.Object { Hash = Bytes(AddObject(tree.ToByteArray())) },
        };
        AddText(_keys.Commit(Encoding.UTF8.GetBytes(repo), Encoding.UTF8.GetBytes(id)), commit);
    }

    /// <summary>Points a branch at a commit.</summary>
    public void AddBranch(string repo, string branch, string id) => AddText(
        _keys.Branch(Encoding.UTF8.GetBytes(repo), Encoding.UTF8.GetBytes(branch)),
        new V1_4.Commit { Repo = new V1_4.Repo { Name = Bytes(repo) }, Id = Bytes(id) });

    public void AddPipeline(V1_4.PipelineInfo pipeline) => AddText(_keys.Pipeline(pipeline.Pipeline.Name.Span), pipeline);

    public void AddJob(V1_4.JobInfo job) => AddText(_keys.Job(job.Job.Id.Span), job);

    /// <summary>Adds a job record in the binary form of 1.5.</summary>
    public void AddBinaryJob(JobInfo job) => _records.Add((_keys.Job(job.Job.Id.Span), job.ToByteArray()));

    /// <summary>Adds a result under a tag whose 64 digits are the hash of some bytes; returns its hash.</summary>
    public string AddResult(string content, string prefix, params byte[][] body)
    {
        string hash = AddObject(Encoding.UTF8.GetBytes(content));
        string tag = prefix + Convert.ToHexStringLower(SHA256.HashData([.. body.SelectMany(part => part)]));
        System.IO.File.CreateSymbolicLink(Path.Combine(Root, "tag", tag), "/pach/object/" + hash);
        return hash;
    }

    /// <summary>Writes the metadata and opens the cluster. It owns this one from then on.</summary>
    public async Task<SurveyedCluster> OpenAsync()
    {
        string snapshot = Path.Combine(_directory, "etcd.snap");
        await using (EtcdSnapshotWriter writer = await EtcdSnapshotWriter.CreateAsync(snapshot, null, TestContext.Current.CancellationToken))
        {
            long revision = 1;
            foreach ((byte[] key, byte[] value) in _records)
            {
                revision++;
                writer.Add(revision, 0, new StoredRecord(key, value, revision, revision, 1, 0));
            }

            await writer.CompleteAsync(revision, TestContext.Current.CancellationToken);
        }

        return await SurveyedCluster.OpenAsync(snapshot, Root, this);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private void AddText(byte[] key, IMessage message) => _records.Add((key, ProtoTextFormatter.Format(message)));

    private string AddObject(byte[] content)
    {
        string hash = Convert.ToHexStringLower(SHA512.HashData(content));
        System.IO.File.WriteAllBytes(Path.Combine(Root, "object", hash), content);
        return hash;
    }
}
