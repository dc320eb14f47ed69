using Grpc.Core;
using Pachyderm.Client.Transport;
using Pachyderm.Wire.Pfs;
using WireObject = Pachyderm.Wire.Pfs.Object;

namespace Pachyderm.Client;

/// <summary>
/// Objects: content under its SHA-512 in hexadecimal digits, and tags, which are further names. Errors as in <see cref="RepoOperations"/>.
/// </summary>
public sealed class ObjectOperations
{
    private readonly Connection _connection;
    private readonly ObjectAPI.ObjectAPIClient _objects;

    internal ObjectOperations(Connection connection) =>
        (_connection, _objects) = (connection, new ObjectAPI.ObjectAPIClient(connection.Invoker));

    /// <summary>Stores content.</summary>
    /// <param name="content">Read to its end.</param>
    /// <param name="tags">Further names for it; a tag that exists is moved.</param>
    /// <param name="cancellationToken">Stops the upload.</param>
    /// <returns>The object's hash.</returns>
    public async Task<string> PutAsync(Stream content, IEnumerable<string>? tags = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        Tag[] names = [.. (tags ?? []).Select(tag => new Tag { Name = tag })];
        AsyncClientStreamingCall<PutObjectRequest, WireObject> call = _objects.PutObject(cancellationToken: cancellationToken);
        WireObject stored = await ContentUpload.SendAsync(
            _connection,
            call,
            (value, first) =>
            {
                PutObjectRequest request = new() { Value = value };
                request.Tags.AddRange(first ? names : []);
                return request;
            },
            content,
            progress: null,
            cancellationToken);
        return stored.Hash;
    }

    /// <summary>Writes an object's content to a stream.</summary>
    public Task GetAsync(string hash, Stream destination, CancellationToken cancellationToken = default) =>
        CopyAsync(ChunkMethods.GetObject, new WireObject { Hash = hash }, destination, cancellationToken);

    /// <summary>Writes several objects, one after the other, to a stream.</summary>
    /// <param name="hashes">The objects.</param>
    /// <param name="destination">Where the content goes.</param>
    /// <param name="offset">First byte of the whole that is wanted.</param>
    /// <param name="size">Most bytes; 0 for all.</param>
    /// <param name="cancellationToken">Stops the download.</param>
    public Task GetManyAsync(
        IEnumerable<string> hashes, Stream destination, ulong offset = 0, ulong size = 0, CancellationToken cancellationToken = default)
    {
        GetObjectsRequest request = new() { OffsetBytes = offset, SizeBytes = size };
        request.Objects.AddRange(hashes.Select(hash => new WireObject { Hash = hash }));
        return CopyAsync(ChunkMethods.GetObjects, request, destination, cancellationToken);
    }

    /// <summary>Writes the content that a tag names to a stream.</summary>
    public Task GetTagAsync(string tag, Stream destination, CancellationToken cancellationToken = default) =>
        CopyAsync(ChunkMethods.GetTag, new Tag { Name = tag }, destination, cancellationToken);

    /// <summary>Names an object by tags, too.</summary>
    public Task TagAsync(string hash, IEnumerable<string> tags, CancellationToken cancellationToken = default)
    {
        TagObjectRequest request = new() { Object = new WireObject { Hash = hash } };
        request.Tags.AddRange(tags.Select(tag => new Tag { Name = tag }));
        return _connection.CallAsync(_objects.TagObjectAsync(request, cancellationToken: cancellationToken));
    }

    /// <summary>Says where an object is stored.</summary>
    public Task<ObjectInfo> InspectAsync(string hash, CancellationToken cancellationToken = default) =>
        _connection.CallAsync(_objects.InspectObjectAsync(new WireObject { Hash = hash }, cancellationToken: cancellationToken));

    /// <summary>Says where the object that a tag names is stored.</summary>
    public Task<ObjectInfo> InspectTagAsync(string tag, CancellationToken cancellationToken = default) =>
        _connection.CallAsync(_objects.InspectTagAsync(new Tag { Name = tag }, cancellationToken: cancellationToken));

    /// <summary>Whether an object exists.</summary>
    public async Task<bool> ExistsAsync(string hash, CancellationToken cancellationToken = default)
    {
        CheckObjectRequest request = new() { Object = new WireObject { Hash = hash } };
        return (await _connection.CallAsync(_objects.CheckObjectAsync(request, cancellationToken: cancellationToken))).Exists;
    }

    /// <summary>Lists the hashes of all objects.</summary>
    public IAsyncEnumerable<WireObject> ListAsync(CancellationToken cancellationToken = default) =>
        _connection.ReadAsync(
            () => _objects.ListObjects(new ListObjectsRequest(), cancellationToken: cancellationToken), cancellationToken);

    /// <summary>Lists tags.</summary>
    /// <param name="prefix">Only tags that begin with this.</param>
    /// <param name="withObjects">
    /// Whether each tag comes with its object. Servers of 1.4 and 1.5 then send each tag a second time without.
    /// </param>
    /// <param name="cancellationToken">Stops it.</param>
    public IAsyncEnumerable<ListTagsResponse> ListTagsAsync(
        string prefix = "", bool withObjects = false, CancellationToken cancellationToken = default) =>
        _connection.ReadAsync(
            () => _objects.ListTags(
                new ListTagsRequest { Prefix = prefix, IncludeObject = withObjects }, cancellationToken: cancellationToken),
            cancellationToken);

    /// <summary>Deletes objects. Those that do not exist are passed over.</summary>
    public Task DeleteAsync(IEnumerable<string> hashes, CancellationToken cancellationToken = default)
    {
        DeleteObjectsRequest request = new();
        request.Objects.AddRange(hashes.Select(hash => new WireObject { Hash = hash }));
        return _connection.CallAsync(_objects.DeleteObjectsAsync(request, cancellationToken: cancellationToken));
    }

    /// <summary>Deletes tags. Those that do not exist are passed over.</summary>
    public Task DeleteTagsAsync(IEnumerable<string> tags, CancellationToken cancellationToken = default)
    {
        DeleteTagsRequest request = new();
        request.Tags.AddRange(tags);
        return _connection.CallAsync(_objects.DeleteTagsAsync(request, cancellationToken: cancellationToken));
    }

    private async Task CopyAsync<TRequest>(Method<TRequest, Chunk> method, TRequest request, Stream destination, CancellationToken cancellationToken)
        where TRequest : class
    {
        ArgumentNullException.ThrowIfNull(destination);
        await using ContentDownload download = await ContentDownload.StartAsync(_connection, method, request, cancellationToken);
        await download.CopyToAsync(destination, progress: null, cancellationToken);
    }
}
