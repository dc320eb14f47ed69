using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Pachyderm.Formats.V1_5;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Bench.Importing;

/// <summary>What was generated.</summary>
/// <param name="Commits">Number of commits.</param>
/// <param name="Files">Number of different files.</param>
/// <param name="Entries">Number of files in the trees of all commits together.</param>
/// <param name="Bytes">Bytes of all objects.</param>
internal sealed record ContentCluster(long Commits, long Files, long Entries, long Bytes);

/// <summary>
/// Writes a cluster of 1.5.3 with its objects, in the local layout: repos with 25 commits on a branch, each of which adds a directory of files
/// to what its parent has. So commits share most of their files, and each has a tree of all of them.
/// </summary>
internal sealed class ContentClusterGenerator : IAsyncDisposable
{
    private const int CommitsPerRepo = 25;

    private readonly string objects;
    private readonly EtcdSnapshotWriter writer;
    private readonly int size;
    private readonly Random random = new(1);
    private long revision = 1;
    private long entries;
    private long bytes;
    private long files;
    private long commits;

    private ContentClusterGenerator(string objects, EtcdSnapshotWriter writer, int size)
    {
        this.objects = objects;
        this.writer = writer;
        this.size = size;
    }

    /// <summary>Writes a cluster.</summary>
    /// <param name="snapshot">Its etcd, as a snapshot.</param>
    /// <param name="storage">Its storage root.</param>
    /// <param name="commits">Number of commits.</param>
    /// <param name="filesPerCommit">Files that each adds.</param>
    /// <param name="size">Bytes of a file.</param>
    /// <param name="cancellationToken">Stops.</param>
    public static async Task<ContentCluster> WriteAsync(
        string snapshot, string storage, int commits, int filesPerCommit, int size, CancellationToken cancellationToken)
    {
        string objectFolder = Directory.CreateDirectory(Path.Combine(storage, "object")).FullName;
        Directory.CreateDirectory(Path.Combine(storage, "tag"));
        EtcdSnapshotWriter etcd = await EtcdSnapshotWriter.CreateAsync(snapshot, null, cancellationToken);
        await using ContentClusterGenerator generator = new(objectFolder, etcd, size);
        for (int repo = 0; repo * CommitsPerRepo < commits; repo++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            generator.WriteRepo(string.Create(CultureInfo.InvariantCulture, $"repo{repo:D5}"), Math.Min(CommitsPerRepo, commits - (repo * CommitsPerRepo)), filesPerCommit);
        }
        await etcd.CompleteAsync(generator.revision, cancellationToken);
        return new ContentCluster(generator.commits, generator.files, generator.entries, generator.bytes);
    }

    public ValueTask DisposeAsync() => writer.DisposeAsync();

    private void WriteRepo(string repo, int count, int filesPerCommit)
    {
        Repo name = new() { Name = Bytes(repo) };
        Timestamp time = new() { Seconds = 1_500_000_000 + revision };
        HashTreeProto tree = new() { Version = 1 };
        List<(string Name, NodeProto Node)> directories = [];
        Commit? parent = null;
        for (int i = 0; i < count; i++)
        {
            string directory = string.Create(CultureInfo.InvariantCulture, $"day-{i:D4}");
            directories.Add((directory, AddDirectory(tree, directory, filesPerCommit)));
            entries += (long)directories.Count * filesPerCommit;
            HashTreeProto whole = new() { Version = 1 };
            whole.Fs.Add(new HashTreeProto.Types.FsEntry { Key = ByteString.Empty, Value = ParentOf("", directories) });
            whole.Fs.AddRange(tree.Fs);
            Commit commit = new() { Repo = name, Id = Bytes(NewId()) };
            CommitInfo info = new()
            {
                Commit = commit,
                ParentCommit = parent,
                Started = time,
                Finished = time,
                SizeBytes = (ulong)whole.Fs[0].Value.SubtreeSize,
                Tree = new Formats.V1_5.Object { Hash = Bytes(WriteObject(whole.ToByteArray())) },
            };
            Put($"pachyderm_pfs/commits/{repo}/{commit.Id.ToStringUtf8()}", info);
            parent = commit;
            commits++;
        }
        Put($"pachyderm_pfs/repos/{repo}", new RepoInfo { Repo = name, Created = time, SizeBytes = (ulong)directories.Count * (ulong)filesPerCommit * (ulong)size });
        Put($"pachyderm_pfs/repoRefCounts/{repo}", "0"u8.ToArray());
        Put($"pachyderm_pfs/branches/{repo}/master", parent!);
    }

    private NodeProto AddDirectory(HashTreeProto tree, string directory, int count)
    {
        List<(string Name, NodeProto Node)> children = [];
        byte[] content = new byte[size];
        for (int i = 0; i < count; i++)
        {
            string file = string.Create(CultureInfo.InvariantCulture, $"file-{i:D8}.json");
            random.NextBytes(content);
            string hash = WriteObject(content);
            NodeProto node = new()
            {
                Name = Bytes(file),
                Hash = ByteString.CopyFrom(SHA256.HashData(Encoding.ASCII.GetBytes(hash))),
                SubtreeSize = size,
                FileNode = new FileNodeProto { Objects = { new Formats.V1_5.Object { Hash = Bytes(hash) } } },
            };
            tree.Fs.Add(new HashTreeProto.Types.FsEntry { Key = Bytes($"/{directory}/{file}"), Value = node });
            children.Add((file, node));
            files++;
        }
        NodeProto made = ParentOf(directory, children);
        tree.Fs.Add(new HashTreeProto.Types.FsEntry { Key = Bytes($"/{directory}"), Value = made });
        return made;
    }

    private static NodeProto ParentOf(string name, List<(string Name, NodeProto Node)> children)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        NodeProto parent = new() { Name = Bytes(name), DirNode = new DirectoryNodeProto() };
        foreach ((string child, NodeProto node) in children)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(child));
            hash.AppendData(":"u8);
            hash.AppendData(node.Hash.Span);
            hash.AppendData(":"u8);
            parent.SubtreeSize += node.SubtreeSize;
            parent.DirNode.Children.Add(Bytes(child));
        }
        parent.Hash = ByteString.CopyFrom(hash.GetHashAndReset());
        return parent;
    }

    private string WriteObject(byte[] content)
    {
        string hash = Convert.ToHexStringLower(SHA512.HashData(content));
        System.IO.File.WriteAllBytes(Path.Combine(objects, hash), content);
        bytes += content.Length;
        return hash;
    }

    private void Put(string key, IMessage value) => Put(key, value.ToByteArray());

    private void Put(string key, byte[] value)
    {
        revision++;
        writer.Add(revision, 0, new StoredRecord(Encoding.UTF8.GetBytes(key), value, revision, revision, 1, 0));
    }

    private string NewId()
    {
        byte[] id = new byte[16];
        random.NextBytes(id);
        return Convert.ToHexStringLower(id);
    }

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
