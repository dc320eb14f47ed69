namespace Pachyderm.Client;

/// <summary>A file to upload.</summary>
public sealed class LocalFile
{
    private readonly Func<CancellationToken, ValueTask<Stream>>? _open;

    /// <summary>A file whose content comes from a stream.</summary>
    /// <param name="path">Path in the commit.</param>
    /// <param name="open">Opens the content when its turn comes; the stream is disposed of afterwards.</param>
    public LocalFile(string path, Func<CancellationToken, ValueTask<Stream>> open)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(open);
        Path = path;
        _open = open;
    }

    private LocalFile(string path, string source) => (Path, Source) = (path, source);

    /// <summary>Path in the commit.</summary>
    public string Path { get; }

    /// <summary>Replaces what the file holds; otherwise content is appended to it.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Where it lies on disk, if it does.</summary>
    internal string? Source { get; }

    /// <summary>A file on disk; a symbolic link is followed.</summary>
    /// <param name="path">Path in the commit.</param>
    /// <param name="source">Path on disk.</param>
    /// <param name="overwrite">See <see cref="Overwrite"/>.</param>
    public static LocalFile FromDisk(string path, string source, bool overwrite = false)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(source);
        return new LocalFile(path, source) { Overwrite = overwrite };
    }

    /// <summary>Opens the content.</summary>
    internal ValueTask<Stream> OpenAsync(CancellationToken cancellationToken) =>
        _open is not null ? _open(cancellationToken) : ValueTask.FromResult<Stream>(LocalContent.OpenStream(Source!));
}
