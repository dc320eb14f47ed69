using System.Text;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores;
using Pachyderm.ObjectStores.Tests;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Pfs.Tests;

/// <summary>Versioned files over real stores in a directory of their own.</summary>
public sealed class TestFileSystem : IAsyncDisposable
{
    private readonly HttpClient http = new();

    private TestFileSystem(TemporaryDirectory directory, SqliteMetadataStore metadata, PackChunkStore chunks, TimeProvider time)
    {
        Directory = directory;
        Metadata = metadata;
        Chunks = chunks;
        Files = new PachydermFileSystem(metadata, chunks, new NoRemoteFiles(), http, time);
        Maintenance = new StoreMaintenance(Files, metadata, chunks, directory.Path, time);
    }

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public TemporaryDirectory Directory { get; }

    public SqliteMetadataStore Metadata { get; }

    public PackChunkStore Chunks { get; }

    public PachydermFileSystem Files { get; }

    public StoreMaintenance Maintenance { get; }

    public static async Task<TestFileSystem> OpenAsync(TimeProvider? time = null)
    {
        TemporaryDirectory directory = new();
        string root = directory.Path;
        SqliteMetadataStore metadata = await SqliteMetadataStore.OpenAsync(
            new SqliteMetadataOptions { Path = Path.Combine(root, "metadata.db") }, Token);
        PackChunkStore chunks = await PackChunkStore.OpenAsync(
            new PackStoreOptions
            {
                Objects = new LocalObjectStore(Path.Combine(root, "objects")),
                SpoolDirectory = Path.Combine(root, "spool"),
                IndexDirectory = Path.Combine(root, "index"),
            },
            Token);
        return new TestFileSystem(directory, metadata, chunks, time ?? TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        await Files.DisposeAsync();
        await Chunks.DisposeAsync();
        await Metadata.DisposeAsync();
        http.Dispose();
        Directory.Dispose();
    }

    public Task CreateRepoAsync(string name, params string[] provenance) =>
        Files.Repos.CreateAsync(new RepoName(name), [.. provenance.Select(repo => new RepoName(repo))], "", Token);

    public Task<CommitName> StartAsync(string repo, string? branch = null, string? parent = null, params CommitName[] provenance) =>
        Files.Commits.StartAsync(
            new CommitOrigin(new RepoName(repo), parent, branch is null ? null : new BranchName(branch), provenance), Token);

    public Task FinishAsync(CommitName commit) => Files.Commits.FinishAsync(new CommitReference(commit), Token);

    public Task PutAsync(CommitName commit, string path, string content, PutOptions? options = null) =>
        Files.Writer.PutAsync(
            new CommitReference(commit), path, Pieces(Encoding.UTF8.GetBytes(content)), options ?? new PutOptions(), Token);

    public Task DeleteAsync(CommitName commit, string path) => Files.Writer.DeleteAsync(new CommitReference(commit), path, Token);

    /// <summary>A finished commit on a branch with some files.</summary>
    public async Task<CommitName> CommitAsync(string repo, string branch, params (string Path, string Content)[] files)
    {
        CommitName commit = await StartAsync(repo, branch);
        foreach ((string path, string content) in files)
        {
            await PutAsync(commit, path, content);
        }
        await FinishAsync(commit);
        return commit;
    }

    public async Task<string> ReadAsync(CommitName commit, string path, long offset = 0, long? count = null)
    {
        using CommitView view = await Files.Reader.OpenAsync(new CommitReference(commit), Token);
        CommitFile file = await view.FindFileAsync(path, Token);
        return await TextAsync(view.ReadAsync(file, offset, count, Token));
    }

    public async Task<IReadOnlyList<string>> ListAsync(CommitName commit, string path = "/")
    {
        using CommitView view = await Files.Reader.OpenAsync(new CommitReference(commit), Token);
        return await view.ListAsync(path, Token).Select(file => file.Path).ToListAsync(Token);
    }

    public async Task<IReadOnlyList<string>> GlobAsync(CommitName commit, string pattern)
    {
        using CommitView view = await Files.Reader.OpenAsync(new CommitReference(commit), Token);
        return await view.GlobAsync(pattern, Token).Select(file => file.Path).ToListAsync(Token);
    }

    /// <summary>All files of a commit with their content.</summary>
    public async Task<SortedDictionary<string, string>> ReadAllAsync(CommitName commit)
    {
        using CommitView view = await Files.Reader.OpenAsync(new CommitReference(commit), Token);
        SortedDictionary<string, string> found = new(StringComparer.Ordinal);
        await foreach (CommitFile file in view.WalkAsync("/", Token))
        {
            if (!file.Entry.IsDirectory)
            {
                found.Add(file.Path, await TextAsync(view.ReadAsync(file, 0, null, Token)));
            }
        }
        return found;
    }

    public Task<CommitInfo> InspectAsync(CommitName commit) => Files.Commits.InspectAsync(new CommitReference(commit), Token);

    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> Pieces(
        ReadOnlyMemory<byte> content, int length = 7)
    {
        // In one buffer that is used again, as a server does it: who keeps a piece beyond its time reads something else.
        byte[] buffer = new byte[length];
        for (; !content.IsEmpty; content = content[Math.Min(length, content.Length)..])
        {
            await Task.Yield();
            ReadOnlyMemory<byte> piece = content[..Math.Min(length, content.Length)];
            piece.CopyTo(buffer);
            yield return buffer.AsMemory(0, piece.Length);
        }
    }

    public static async Task<string> TextAsync(IAsyncEnumerable<ChunkBuffer> pieces)
    {
        using MemoryStream bytes = new();
        await foreach (ChunkBuffer piece in pieces)
        {
            using (piece)
            {
                bytes.Write(piece.Memory.Span);
            }
        }
        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    /// <summary>Waits for calls, whatever comes of them.</summary>
    public static async Task SettledAsync(Task[] calls) => await Task.WhenAll(calls).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>Asserts that a call is refused.</summary>
    public static async Task RefusedAsync(Func<Task> call, PfsErrorKind kind, string fragment)
    {
        PfsException exception = await Assert.ThrowsAsync<PfsException>(call);
        Assert.Contains(fragment, exception.Message, StringComparison.Ordinal);
        Assert.Equal(kind, exception.Kind);
        Assert.DoesNotContain('\n', exception.Message);
    }

    private sealed class NoRemoteFiles : IRemoteFileSource
    {
        public IAsyncEnumerable<RemoteFile> OpenAsync(RemoteAddress address, bool recursive, CancellationToken cancellationToken) =>
            throw new PfsException(PfsErrorKind.SourceUnavailable, $"no way to {address}");
    }
}
