namespace Pachyderm.Workers;

/// <summary>One file of a datum's input, wherever its content is kept.</summary>
public interface IInputFile
{
    /// <summary>Where the file appears below <c>/pfs/&lt;input name&gt;</c>: the full path in its repo, such as <c>/a/b.txt</c>.</summary>
    string Path { get; }

    /// <summary>Length of the content in bytes.</summary>
    long Size { get; }

    /// <summary>
    /// A file on this machine with exactly this content, or <see langword="null"/>. It is cloned where the file system can, else copied,
    /// and never linked: user code must not hold a writable name of stored bytes.
    /// </summary>
    string? LocalPath => null;

    /// <summary>Writes the whole content to <paramref name="destination"/>. Several files of one tree may be copied at the same time.</summary>
    /// <param name="destination">Where to write; it is not closed.</param>
    /// <param name="cancellationToken">Ends the copy early.</param>
    Task CopyToAsync(Stream destination, CancellationToken cancellationToken);
}
