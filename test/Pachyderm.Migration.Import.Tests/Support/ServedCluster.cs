using System.Globalization;
using System.Security.Cryptography;
using Pachyderm.Pfs;
using Pachyderm.Pps.Records;
using Pachyderm.Storage.Content;

namespace Pachyderm.Migration.Import.Tests.Support;

/// <summary>A data directory as pachd serves it.</summary>
internal sealed class ServedCluster : IAsyncDisposable
{
    private readonly HttpClient http = new();

    private ServedCluster(DataStores stores)
    {
        Stores = stores;
        Files = new PachydermFileSystem(stores.Metadata, stores.Chunks, new NoRemoteFiles(), http, TimeProvider.System);
    }

    public DataStores Stores { get; }

    public PachydermFileSystem Files { get; }

    public static async Task<ServedCluster> OpenAsync(ImportBed bed) => new(await bed.OpenAsync());

    /// <summary>Every file and directory of a commit, as text.</summary>
    public async Task<IReadOnlyList<string>> ReadAsync(CommitName commit)
    {
        using CommitView view = await Files.Reader.OpenAsync(new CommitReference(commit), ImportBed.Token);
        List<string> files = [];
        await foreach (CommitFile file in view.WalkAsync("/", ImportBed.Token))
        {
            string content = file.Entry.IsDirectory ? "" : await HashAsync(view, file);
            files.Add(string.Create(
                CultureInfo.InvariantCulture, $"/{file.Path.TrimStart('/')} {(file.Entry.IsDirectory ? "DIR" : "FILE")} {file.Entry.Size} {file.Entry.Hash} {content}"));
        }
        files.Sort(StringComparer.Ordinal);
        return files;
    }

    public Task<IReadOnlyList<JobRecord>> ListJobsAsync() =>
        Stores.Metadata.ReadAsync(static reader => new PpsReader(reader).ListJobs(null, null, 10_000), ImportBed.Token);

    public Task<IReadOnlyList<PipelineRecord>> ListPipelinesAsync() =>
        Stores.Metadata.ReadAsync(static reader => new PpsReader(reader).ListPipelines(), ImportBed.Token);

    public async ValueTask DisposeAsync()
    {
        await Files.DisposeAsync();
        await Stores.DisposeAsync();
        http.Dispose();
    }

    private static async Task<string> HashAsync(CommitView view, CommitFile file)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await foreach (ChunkBuffer piece in view.ReadAsync(file, 0, null, ImportBed.Token))
        {
            using (piece)
            {
                hash.AppendData(piece.Memory.Span);
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private sealed class NoRemoteFiles : IRemoteFileSource
    {
        public IAsyncEnumerable<RemoteFile> OpenAsync(RemoteAddress address, bool recursive, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }
}
