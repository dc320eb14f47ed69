using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Pachyderm.Pachd.Tests.OldServers;

/// <summary>A stand-in for servers of 1.4 and 1.5: five of their calls, with the fields that all their releases have.</summary>
public sealed class StandIn1_5(OldCluster cluster) : Wire.Pfs.API.APIBase
{
    public override Task<Wire.Pfs.CommitInfo> InspectCommit(Wire.Pfs.InspectCommitRequest request, ServerCallContext context) =>
        Task.FromResult(Describe(cluster.Find(request.Commit)));

    public override Task<Wire.Pfs.CommitInfos> ListCommit(Wire.Pfs.ListCommitRequest request, ServerCallContext context)
    {
        Wire.Pfs.CommitInfos reply = new();
        for (OldCommit? next = cluster.Find(request.To); next is not null;)
        {
            reply.CommitInfo.Add(Describe(next));
            next = cluster.Commits.FirstOrDefault(commit => commit.Id == next.Parent);
        }
        return Task.FromResult(reply);
    }

    public override Task<Wire.Pfs.FileInfo> InspectFile(Wire.Pfs.InspectFileRequest request, ServerCallContext context) =>
        Task.FromResult(Describe(cluster.Find(request.File.Commit), request.File.Path));

    public override Task<Wire.Pfs.FileInfos> ListFile(Wire.Pfs.ListFileRequest request, ServerCallContext context)
    {
        OldCommit commit = cluster.Find(request.File.Commit);
        string path = '/' + request.File.Path.Trim('/');
        if (commit.Files.ContainsKey(path))
        {
            throw OldCluster.Refuse($"the file at \"{path}\" is not a directory");
        }
        Wire.Pfs.FileInfos reply = new();
        string prefix = request.File.Path.Length == 0 ? "" : request.File.Path.TrimEnd('/') + '/';
        reply.FileInfo.AddRange((commit.Children(path) ?? throw OldCluster.Refuse($"no node at \"{path}\""))
            .Select(child => Describe(commit, prefix + child.Key)));
        return Task.FromResult(reply);
    }

    public override Task GetFile(
        Wire.Pfs.GetFileRequest request, IServerStreamWriter<BytesValue> responseStream, ServerCallContext context) =>
        cluster.SendAsync(request, responseStream);

    private static Wire.Pfs.CommitInfo Describe(OldCommit commit) => new()
    {
        Commit = Name(commit.Id),
        ParentCommit = commit.Parent is null ? null : Name(commit.Parent),
        Started = commit.Started,
        Finished = commit.Finished,
        SizeBytes = commit.IsOpen ? 0 : (ulong)commit.Size("/"),
    };

    private static Wire.Pfs.Commit Name(string id) => new() { Repo = new Wire.Pfs.Repo { Name = OldCluster.Repo }, Id = id };

    private static Wire.Pfs.FileInfo Describe(OldCommit commit, string told)
    {
        string path = '/' + told.Trim('/');
        return new Wire.Pfs.FileInfo
        {
            File = new Wire.Pfs.File { Commit = Name(commit.Id), Path = told },
            FileType = commit.Files.ContainsKey(path) ? Wire.Pfs.FileType.File : Wire.Pfs.FileType.Dir,
            SizeBytes = (ulong)commit.Size(path),
            Hash = ByteString.CopyFrom(Hash(commit, path)),
        };
    }

    // Of a directory, over all that is below it: two are equal if and only if their content is.
    private static byte[] Hash(OldCommit commit, string path)
    {
        if (commit.Files.TryGetValue(path, out (byte[] Content, string Commit) file))
        {
            return SHA256.HashData(file.Content);
        }
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string below, (byte[] Content, string Commit) content) in commit.Files.Where(
            entry => entry.Key.StartsWith(path.TrimEnd('/') + '/', StringComparison.Ordinal)))
        {
            hash.AppendData(SHA256.HashData(Encoding.UTF8.GetBytes(below)));
            hash.AppendData(SHA256.HashData(content.Content));
        }
        return hash.GetHashAndReset();
    }
}
