using System.Runtime.CompilerServices;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Pachyderm.Pachd.Translation;
using Pachyderm.Pfs;

namespace Pachyderm.Pachd.Services;

/// <summary><c>pfs.ObjectAPI</c>.</summary>
internal sealed class ObjectService(PachydermFileSystem files) : Wire.Pfs.ObjectAPI.ObjectAPIBase
{
    /// <inheritdoc/>
    public override async Task<Wire.Pfs.Object> PutObject(IAsyncStreamReader<Wire.Pfs.PutObjectRequest> requestStream, ServerCallContext context)
    {
        HashSet<string> tags = new(StringComparer.Ordinal);
        ObjectInfo stored = await files.Objects.PutAsync(ReadAsync(requestStream, tags, context.CancellationToken), () => tags, context.CancellationToken);
        return new Wire.Pfs.Object { Hash = stored.Hash };
    }

    /// <inheritdoc/>
    public override Task GetObject(Wire.Pfs.Object request, IServerStreamWriter<BytesValue> responseStream, ServerCallContext context) =>
        ByteStreams.SendAsync(files.Objects.ReadAsync([request.Hash], 0, null, context.CancellationToken), responseStream, context.CancellationToken);

    /// <inheritdoc/>
    public override Task GetObjects(Wire.Pfs.GetObjectsRequest request, IServerStreamWriter<BytesValue> responseStream, ServerCallContext context)
    {
        long offset = (long)Math.Min(request.OffsetBytes, long.MaxValue);
        long? count = request.SizeBytes == 0 ? null : (long)Math.Min(request.SizeBytes, long.MaxValue);
        return ByteStreams.SendAsync(
            files.Objects.ReadAsync([.. request.Objects.Select(part => part.Hash)], offset, count, context.CancellationToken),
            responseStream,
            context.CancellationToken);
    }

    /// <inheritdoc/>
    public override async Task<Empty> TagObject(Wire.Pfs.TagObjectRequest request, ServerCallContext context)
    {
        await files.Objects.TagAsync(request.Object?.Hash ?? "", [.. request.Tags.Select(tag => tag.Name)], context.CancellationToken);
        return Replies.Empty;
    }

    /// <inheritdoc/>
    public override async Task<Wire.Pfs.ObjectInfo> InspectObject(Wire.Pfs.Object request, ServerCallContext context) =>
        ToWire(await files.Objects.InspectAsync(request.Hash, context.CancellationToken));

    /// <inheritdoc/>
    public override async Task<Wire.Pfs.CheckObjectResponse> CheckObject(Wire.Pfs.CheckObjectRequest request, ServerCallContext context) =>
        new() { Exists = await files.Objects.ExistsAsync(request.Object?.Hash ?? "", context.CancellationToken) };

    /// <inheritdoc/>
    public override async Task ListObjects(
        Wire.Pfs.ListObjectsRequest request, IServerStreamWriter<Wire.Pfs.Object> responseStream, ServerCallContext context)
    {
        await foreach (string hash in files.Objects.ListAsync(context.CancellationToken))
        {
            await responseStream.WriteAsync(new Wire.Pfs.Object { Hash = hash }, context.CancellationToken);
        }
    }

    /// <inheritdoc/>
    public override async Task<Wire.Pfs.DeleteObjectsResponse> DeleteObjects(Wire.Pfs.DeleteObjectsRequest request, ServerCallContext context)
    {
        await files.Objects.DeleteAsync([.. request.Objects.Select(part => part.Hash)], context.CancellationToken);
        return new Wire.Pfs.DeleteObjectsResponse();
    }

    /// <inheritdoc/>
    public override async Task GetTag(Wire.Pfs.Tag request, IServerStreamWriter<BytesValue> responseStream, ServerCallContext context)
    {
        ObjectInfo tagged = await files.Objects.InspectTagAsync(request.Name, context.CancellationToken);
        await ByteStreams.SendAsync(files.Objects.ReadAsync([tagged.Hash], 0, null, context.CancellationToken), responseStream, context.CancellationToken);
    }

    /// <inheritdoc/>
    public override async Task<Wire.Pfs.ObjectInfo> InspectTag(Wire.Pfs.Tag request, ServerCallContext context) =>
        ToWire(await files.Objects.InspectTagAsync(request.Name, context.CancellationToken));

    /// <inheritdoc/>
    public override async Task ListTags(
        Wire.Pfs.ListTagsRequest request, IServerStreamWriter<Wire.Pfs.ListTagsResponse> responseStream, ServerCallContext context)
    {
        await foreach (ObjectTag tag in files.Objects.ListTagsAsync(request.Prefix, context.CancellationToken))
        {
            Wire.Pfs.ListTagsResponse reply = new() { Tag = tag.Tag };
            if (request.IncludeObject)
            {
                reply.Object = new Wire.Pfs.Object { Hash = tag.ObjectHash };
            }
            await responseStream.WriteAsync(reply, context.CancellationToken);
        }
    }

    /// <inheritdoc/>
    public override async Task<Wire.Pfs.DeleteTagsResponse> DeleteTags(Wire.Pfs.DeleteTagsRequest request, ServerCallContext context)
    {
        await files.Objects.DeleteTagsAsync([.. request.Tags], context.CancellationToken);
        return new Wire.Pfs.DeleteTagsResponse();
    }

    /// <summary>Does nothing: what it does in 1.5, packs do here from the beginning.</summary>
    public override Task<Empty> Compact(Empty request, ServerCallContext context) => Task.FromResult(Replies.Empty);

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        IAsyncStreamReader<Wire.Pfs.PutObjectRequest> requests, HashSet<string> tags, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (await requests.MoveNext(cancellationToken))
        {
            tags.UnionWith(requests.Current.Tags.Select(tag => tag.Name));
            yield return requests.Current.Value.Memory;
        }
    }

    private static Wire.Pfs.ObjectInfo ToWire(ObjectInfo stored) => new()
    {
        Object = new Wire.Pfs.Object { Hash = stored.Hash },
        BlockRef = new Wire.Pfs.BlockRef { Range = new Wire.Pfs.ByteRange { Upper = (ulong)stored.Size } },
    };
}
