using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores;
using Pachyderm.ObjectStores.Tests;
using Pachyderm.Pfs;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Portable.Tests;

/// <summary>The stores of a server, without the server.</summary>
internal sealed class StoreHarness : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory;
    private readonly HttpClient _http = new();

    private StoreHarness(TemporaryDirectory directory, SqliteMetadataStore metadata, PackChunkStore chunks)
    {
        _directory = directory;
        Metadata = metadata;
        Chunks = chunks;
        Files = new PachydermFileSystem(metadata, chunks, new NoRemotes(), _http, TimeProvider.System);
    }

    public SqliteMetadataStore Metadata { get; }

    public PackChunkStore Chunks { get; }

    public PachydermFileSystem Files { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The store of an older release, if there is one.</summary>
    public LocalObjectStore? Older { get; private init; }

    public static async Task<StoreHarness> OpenAsync(bool isAdopting = false)
    {
        TemporaryDirectory directory = new();
        LocalObjectStore older = new(directory["older"]);
        SqliteMetadataStore metadata = await SqliteMetadataStore.OpenAsync(new SqliteMetadataOptions { Path = directory["metadata.db"] }, Token);
        PackChunkStore chunks = await PackChunkStore.OpenAsync(
            new PackStoreOptions
            {
                Objects = new LocalObjectStore(directory["objects"]),
                SpoolDirectory = directory["spool"],
                IndexDirectory = directory["index"],
                AdoptedFrom = isAdopting ? [new AdoptionSource("old", older)] : [],
            },
            Token);
        return new StoreHarness(directory, metadata, chunks) { Older = older };
    }

    public async Task<byte[]> ExtractAsync()
    {
        using MemoryStream stream = new();
        await new ClusterExtract(Metadata, Chunks, _directory["extract"], TimeProvider.System).WriteAsync(stream, Token);
        return stream.ToArray();
    }

    public async Task<RestoreSummary> RestoreAsync(byte[] stream)
    {
        using MemoryStream source = new(stream);
        return await new ClusterRestore(Metadata, Chunks, _directory["restore"]).ReadAsync(source, Token);
    }

    public async Task<string> ReadAsync(string repo, string commit, string path) =>
        System.Text.Encoding.UTF8.GetString(await ReadBytesAsync(repo, commit, path));

    public async Task<byte[]> ReadBytesAsync(string repo, string commit, string path)
    {
        using CommitView view = await Files.Reader.OpenAsync(new CommitReference(new RepoName(repo), commit), Token);
        using MemoryStream content = new();
        await foreach (ChunkBuffer piece in view.ReadAsync(await view.FindFileAsync(path, Token), 0, null, Token))
        {
            using (piece)
            {
                await content.WriteAsync(piece.Memory, Token);
            }
        }

        return content.ToArray();
    }

    /// <summary>The frames of a stream, without what differs from stream to stream.</summary>
    public static async Task<List<string>> ReadFramesAsync(byte[] stream)
    {
        using MemoryStream source = new(stream);
        using FrameReader frames = new(source);
        await frames.BeginAsync(Token);
        List<string> read = [];
        while (await frames.ReadAsync(Token))
        {
            read.Add(frames.Kind is FrameKind.Chunk or FrameKind.NamedChunk
                ? $"{frames.Kind} {Convert.ToHexStringLower(frames.Payload.Span)}"
                : $"{frames.Kind} {System.Text.Encoding.UTF8.GetString(frames.Payload.Span)}");
        }

        return read;
    }

    public async ValueTask DisposeAsync()
    {
        await Files.DisposeAsync();
        await Chunks.DisposeAsync();
        await Metadata.DisposeAsync();
        _http.Dispose();
        _directory.Dispose();
    }

    private sealed class NoRemotes : IRemoteFileSource
    {
        public IAsyncEnumerable<RemoteFile> OpenAsync(RemoteAddress address, bool recursive, CancellationToken cancellationToken) =>
            AsyncEnumerable.Empty<RemoteFile>();
    }
}
