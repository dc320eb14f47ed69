namespace Pachyderm.Workers;

/// <summary>
/// Takes what a datum left in <c>/pfs/out</c>. Calls come one after another, in the order of the bytes of the names within each directory.
/// When the outcome is a failure, what the sink has got by then is to be thrown away.
/// </summary>
public interface IOutputSink
{
    /// <summary>Adds a regular file.</summary>
    /// <param name="path">Path below <c>/pfs/out</c>, such as <c>/a/b.txt</c>.</param>
    /// <param name="content">The content from its start; it is closed when the call returns.</param>
    /// <param name="cancellationToken">Ends the call early.</param>
    Task AddFileAsync(string path, Stream content, CancellationToken cancellationToken);

    /// <summary>Adds a directory that has no entries.</summary>
    /// <param name="path">Path below <c>/pfs/out</c>.</param>
    /// <param name="cancellationToken">Ends the call early.</param>
    Task AddDirectoryAsync(string path, CancellationToken cancellationToken);

    /// <summary>
    /// Adds a file or a whole directory of an input, as it is stored, without a copy: a symbolic link in <c>/pfs/out</c> leads to it.
    /// </summary>
    /// <param name="path">Path below <c>/pfs/out</c>.</param>
    /// <param name="inputName">Name of one of the datum's inputs.</param>
    /// <param name="inputPath">Path below <c>/pfs/&lt;input name&gt;</c>; <c>/</c> is all of the input.</param>
    /// <param name="cancellationToken">Ends the call early.</param>
    /// <returns><see langword="false"/> if the datum's input has no such path, and nothing was added: the content is uploaded instead.</returns>
    Task<bool> AddInputAsync(string path, string inputName, string inputPath, CancellationToken cancellationToken);
}
