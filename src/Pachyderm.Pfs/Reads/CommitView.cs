using System.Runtime.CompilerServices;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>
/// The content of a commit at one moment, for reading (spec/pfs.md section 5). Nothing that it shows is collected before it is disposed.
/// Safe for
/// concurrent use.
/// </summary>
public sealed class CommitView : IDisposable
{
    private readonly TreeStore trees;
    private readonly ReadPin pin;

    internal CommitView(CommitName commit, DirectoryReference? root, TreeStore trees, ReadPin pin)
    {
        Commit = commit;
        Root = root;
        this.trees = trees;
        this.pin = pin;
    }

    /// <summary>The commit.</summary>
    public CommitName Commit { get; }

    /// <summary>Its root directory; null if it is empty.</summary>
    public DirectoryReference? Root { get; }

    /// <summary>What is at a path, under the path as the caller writes it; null if there is nothing.</summary>
    /// <exception cref="PfsException">The path has a null character.</exception>
    public async ValueTask<CommitFile?> FindAsync(string path, CancellationToken cancellationToken)
    {
        TreeLookup found = await trees.Reader.FindAsync(Root, WritePath.ForRead(path), cancellationToken);
        return found.Entry is { } entry ? new CommitFile(Commit, path, entry) : null;
    }

    /// <summary>What is at a path.</summary>
    /// <exception cref="PfsException">There is nothing.</exception>
    public async ValueTask<CommitFile> InspectAsync(string path, CancellationToken cancellationToken) =>
        await FindAsync(path, cancellationToken) ?? throw PfsErrors.FileNotFound(path, Commit);

    /// <summary>The file at a path.</summary>
    /// <exception cref="PfsException">There is nothing, or a directory.</exception>
    public async ValueTask<CommitFile> FindFileAsync(string path, CancellationToken cancellationToken)
    {
        CommitFile found = await InspectAsync(path, cancellationToken);
        return found.Entry.IsDirectory ? throw PfsErrors.IsADirectory(path) : found;
    }

    /// <summary>The bytes of a file. The caller disposes each piece.</summary>
    /// <param name="file">A file of this commit.</param>
    /// <param name="offset">First byte, not negative; behind the end nothing is read.</param>
    /// <param name="count">Number of bytes; null for all that follow.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public IAsyncEnumerable<ChunkBuffer> ReadAsync(CommitFile file, long offset, long? count, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(file);
        PfsTelemetry.BytesRead.Add(Math.Clamp(file.Entry.Size - offset, 0, count ?? long.MaxValue));
        return trees.Contents.ReadAsync(file.Entry.File!, offset, count, cancellationToken);
    }

    /// <summary>The chunks that a file consists of, in order.</summary>
    public IAsyncEnumerable<ChunkReference> ListChunksAsync(CommitFile file, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(file);
        return trees.Contents.ListChunksAsync(file.Entry.File!, cancellationToken);
    }

    /// <summary>What is in a directory, in byte order; each path is the given one joined with the name.</summary>
    /// <exception cref="PfsException">There is nothing, or a file.</exception>
    public async IAsyncEnumerable<CommitFile> ListAsync(string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        CommitFile directory = await FindAsync(path, cancellationToken) ?? throw PfsErrors.NoNode(path);
        if (!directory.Entry.IsDirectory)
        {
            throw PfsErrors.NotADirectory(path);
        }
        await foreach (TreeEntry entry in trees.Reader.ListAsync(directory.Entry, default, cancellationToken))
        {
            yield return new CommitFile(Commit, Below(path, entry.Path), entry);
        }
    }

    /// <summary>What is at a path and everything below, each directory before what is in it. Paths are absolute.</summary>
    /// <exception cref="PfsException">There is nothing.</exception>
    public async IAsyncEnumerable<CommitFile> WalkAsync(string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        CommitFile start = await InspectAsync(path, cancellationToken);
        await foreach (TreeEntry entry in trees.Reader.WalkAsync(start.Entry, cancellationToken))
        {
            yield return new CommitFile(Commit, entry.Path.ToString(), entry);
        }
    }

    /// <summary>The files and directories that a pattern matches (spec/pfs.md section 6). Paths are absolute.</summary>
    /// <exception cref="PfsException">The pattern is malformed.</exception>
    public async IAsyncEnumerable<CommitFile> GlobAsync(string pattern, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!GlobPattern.TryParse(pattern, out GlobPattern? glob, out string? problem))
        {
            throw PfsErrors.Invalid(PfsErrors.OneLine(problem));
        }
        await foreach (TreeEntry entry in trees.Reader.GlobAsync(Root, glob, cancellationToken))
        {
            yield return new CommitFile(Commit, entry.Path.ToString(), entry);
        }
    }

    /// <summary>What differs between two paths of two commits.</summary>
    /// <param name="path">The path here, the new side.</param>
    /// <param name="old">The other commit; null for an empty one.</param>
    /// <param name="oldPath">The path there.</param>
    /// <param name="shallow">Whether what is in the two directories is reported whole; else files, however deep, are.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async IAsyncEnumerable<CommitDifference> DiffAsync(
        string path, CommitView? old, string oldPath, bool shallow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        CommitFile? after = await FindAsync(path, cancellationToken);
        CommitFile? before = old is null ? null : await old.FindAsync(oldPath, cancellationToken);
        await foreach (TreeDifference difference in trees.Reader
            .DiffAsync(after?.Entry, before?.Entry, shallow, cancellationToken))
        {
            yield return new CommitDifference(
                difference.New is { } changed ? new CommitFile(Commit, Below(path, changed.Path), changed) : null,
                difference.Old is { } gone ? new CommitFile(old!.Commit, Below(oldPath, gone.Path), gone) : null);
        }
    }

    /// <summary>Lets go of what was read.</summary>
    public void Dispose() => pin.Dispose();

    // As path.Join of the request's path and the name has it: absolute if the request was.
    private static string Below(string request, TreePath path)
    {
        string absolute = path.ToString();
        return request.StartsWith('/') || absolute.Length == 0 ? absolute : absolute[1..];
    }
}
