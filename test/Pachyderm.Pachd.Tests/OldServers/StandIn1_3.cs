using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Old = Pachyderm.Wire.V1_3;

namespace Pachyderm.Pachd.Tests.OldServers;

/// <summary>How the methods of 1.3 are bound: under the name of the service that later releases have, too.</summary>
[BindServiceMethod(typeof(Base1_3), nameof(BindService))]
public abstract class Base1_3
{
    private const string Service = "pfs.API";

    public static void BindService(ServiceBinderBase binder, Base1_3? service)
    {
        binder.AddMethod(
            new Method<Wire.Pfs.InspectCommitRequest, Old.CommitInfo>(
                MethodType.Unary, Service, nameof(InspectCommit), Marshal(Wire.Pfs.InspectCommitRequest.Parser), Marshal(Old.CommitInfo.Parser)),
            service is null ? null : new UnaryServerMethod<Wire.Pfs.InspectCommitRequest, Old.CommitInfo>(service.InspectCommit));
        binder.AddMethod(
            new Method<Old.ListFileRequest, Old.FileInfos>(
                MethodType.Unary, Service, nameof(ListFile), Marshal(Old.ListFileRequest.Parser), Marshal(Old.FileInfos.Parser)),
            service is null ? null : new UnaryServerMethod<Old.ListFileRequest, Old.FileInfos>(service.ListFile));
        binder.AddMethod(
            new Method<Wire.Pfs.GetFileRequest, BytesValue>(
                MethodType.ServerStreaming, Service, nameof(GetFile), Marshal(Wire.Pfs.GetFileRequest.Parser), Marshal(BytesValue.Parser)),
            service is null ? null : new ServerStreamingServerMethod<Wire.Pfs.GetFileRequest, BytesValue>(service.GetFile));
    }

    public abstract Task<Old.CommitInfo> InspectCommit(Wire.Pfs.InspectCommitRequest request, ServerCallContext context);

    public abstract Task<Old.FileInfos> ListFile(Old.ListFileRequest request, ServerCallContext context);

    public abstract Task GetFile(Wire.Pfs.GetFileRequest request, IServerStreamWriter<BytesValue> responseStream, ServerCallContext context);

    private static Marshaller<T> Marshal<T>(MessageParser<T> parser)
        where T : IMessage<T> =>
        Marshallers.Create(message => message.ToByteArray(), parser.ParseFrom);
}

/// <summary>A stand-in for servers of 1.3: commits <c>BRANCH/NUMBER</c>, lists without hashes.</summary>
public sealed class StandIn1_3(OldCluster cluster) : Base1_3
{
    public override Task<Old.CommitInfo> InspectCommit(Wire.Pfs.InspectCommitRequest request, ServerCallContext context)
    {
        OldCommit commit = cluster.Find(request.Commit);
        return Task.FromResult(new Old.CommitInfo
        {
            Commit = Name(cluster.EchoesNames ? request.Commit.Id : commit.Id),
            Branch = commit.Branch,
            ParentCommit = commit.Parent is null ? null : Name(commit.Parent),
            Started = commit.Started,
            Finished = commit.Finished,
            Cancelled = commit.IsCancelled,
            Archived = commit.IsArchived,
            SizeBytes = (ulong)commit.Files.Values.Where(file => file.Commit == commit.Id).Sum(file => file.Content.LongLength),
        });
    }

    public override Task<Old.FileInfos> ListFile(Old.ListFileRequest request, ServerCallContext context)
    {
        OldCommit commit = cluster.Find(request.File.Commit);
        string path = '/' + request.File.Path.Trim('/');
        Old.FileInfos reply = new();
        if (commit.Files.ContainsKey(path))
        {
            reply.FileInfo.Add(Describe(commit, path));
            return Task.FromResult(reply);
        }
        reply.FileInfo.AddRange((commit.Children(path) ?? throw OldCluster.Refuse($"file {path} not found in repo data at commit {commit.Id}"))
            .Select(child => Describe(commit, $"{path.TrimEnd('/')}/{child.Key}")));
        return Task.FromResult(reply);
    }

    public override Task GetFile(
        Wire.Pfs.GetFileRequest request, IServerStreamWriter<BytesValue> responseStream, ServerCallContext context) =>
        cluster.SendAsync(request, responseStream);

    private static Wire.Pfs.Commit Name(string id) => new() { Repo = new Wire.Pfs.Repo { Name = OldCluster.Repo }, Id = id };

    private static Old.FileInfo Describe(OldCommit commit, string path)
    {
        bool isFile = commit.Files.TryGetValue(path, out (byte[] Content, string Commit) file);
        Old.FileInfo info = new()
        {
            File = new Wire.Pfs.File { Commit = Name(commit.Id), Path = path },
            FileType = isFile ? Wire.Pfs.FileType.File : Wire.Pfs.FileType.Dir,
            SizeBytes = isFile ? (ulong)file.Content.LongLength : 0,
            CommitModified = Name(isFile ? file.Commit : commit.Id),
        };
        if (!isFile)
        {
            info.Children.AddRange(commit.Children(path)!.Keys.Select(
                name => new Wire.Pfs.File { Commit = Name(commit.Id), Path = $"{path}/{name}" }));
        }
        return info;
    }
}
