using Pachyderm.Metadata;
using Pachyderm.Storage.Content;

namespace Pachyderm.Pfs;

/// <summary>
/// Versioned files over a metadata store and a chunk store: the services by concern. Both stores are the caller's, who disposes them after
/// this.
/// </summary>
public sealed class PachydermFileSystem : IAsyncDisposable
{
    private readonly CommitFolder folder;

    /// <summary>Puts the services together. Does no I/O.</summary>
    /// <param name="metadata">The records.</param>
    /// <param name="chunks">The content.</param>
    /// <param name="remotes">Where files of other clusters come from.</param>
    /// <param name="http">Fetches files that are put by address; the caller's.</param>
    /// <param name="time">Tells when things are created.</param>
    public PachydermFileSystem(IMetadataStore metadata, IChunkStore chunks, IRemoteFileSource remotes, HttpClient http, TimeProvider time)
    {
        TreeStore trees = new(chunks);
        ReadPins pins = new();
        folder = new CommitFolder(metadata, trees);
        Repos = new Repos(metadata, time);
        Branches = new Branches(metadata);
        Commits = new Commits(metadata, folder, trees, time);
        CommitList = new CommitList(metadata);
        Writer = new FileWriter(chunks, new CommitWrites(metadata, folder));
        Importer = new UrlImporter(Writer, http, remotes);
        Reader = new FileReader(metadata, folder, trees, pins);
        Objects = new Objects(metadata, trees, pins, time);
        TreeBuilder = new CommitTreeBuilder(metadata, trees, Commits, Objects);
        Feed = new CommitFeed(metadata);
        Liveness = new Liveness(metadata, trees, pins);
    }

    /// <summary>Repos and what comes from what among them.</summary>
    public Repos Repos { get; }

    /// <summary>Names for commits.</summary>
    public Branches Branches { get; }

    /// <summary>The life of commits.</summary>
    public Commits Commits { get; }

    /// <summary>Lists of commits.</summary>
    public CommitList CommitList { get; }

    /// <summary>Writes to open commits.</summary>
    public FileWriter Writer { get; }

    /// <summary>Files that are fetched from elsewhere.</summary>
    public UrlImporter Importer { get; }

    /// <summary>Reads of commits.</summary>
    public FileReader Reader { get; }

    /// <summary>Immutable objects and tags.</summary>
    public Objects Objects { get; }

    /// <summary>Commits whose tree the caller gives.</summary>
    public CommitTreeBuilder TreeBuilder { get; }

    /// <summary>Waiting for commits.</summary>
    public CommitFeed Feed { get; }

    /// <summary>What is referred to, for garbage collection and checks.</summary>
    public Liveness Liveness { get; }

    /// <summary>Ends the work in the background. Nothing that was acknowledged depends on it.</summary>
    public ValueTask DisposeAsync() => folder.DisposeAsync();
}
