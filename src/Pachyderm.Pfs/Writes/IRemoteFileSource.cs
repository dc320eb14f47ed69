namespace Pachyderm.Pfs;

/// <summary>Where files of other clusters come from, for <c>pfs://</c> addresses.</summary>
public interface IRemoteFileSource
{
    /// <summary>
    /// The files at an address: the one at the path, or, if <paramref name="recursive"/> is set, all files at and below it.
    /// </summary>
    /// <exception cref="PfsException">The other server refuses, or cannot be reached; may come at any step of the sequence.</exception>
    IAsyncEnumerable<RemoteFile> OpenAsync(RemoteAddress address, bool recursive, CancellationToken cancellationToken);
}

/// <summary>Names files of another cluster.</summary>
/// <param name="Server">Host and port.</param>
/// <param name="Commit">The commit there. Where identifiers have a slash, as in 1.3, what is in front of it.</param>
/// <param name="Path">What follows it: the file or directory; empty for everything.</param>
public sealed record RemoteAddress(string Server, CommitReference Commit, string Path);

/// <summary>A file of another cluster.</summary>
/// <param name="Below">Its path below the one that was asked for; empty for the file that was asked for itself.</param>
/// <param name="Content">
/// Its bytes, to be read once, before the next file is asked for; each piece is valid until the next is asked for.
/// </param>
public sealed record RemoteFile(string Below, IAsyncEnumerable<ReadOnlyMemory<byte>> Content);
