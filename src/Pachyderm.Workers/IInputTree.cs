namespace Pachyderm.Workers;

/// <summary>The files of one input of a datum.</summary>
public interface IInputTree
{
    /// <summary>Name of the input: its files appear below <c>/pfs/&lt;name&gt;</c>.</summary>
    string Name { get; }

    /// <summary>Whether each file is a named pipe whose content is fetched when it is opened for reading, once.</summary>
    bool Lazy { get; }

    /// <summary>The files, in any order. They are enumerated once.</summary>
    /// <param name="cancellationToken">Ends the enumeration early.</param>
    IAsyncEnumerable<IInputFile> FilesAsync(CancellationToken cancellationToken);

    /// <summary>Paths of directories without files, such as <c>/a/empty</c>; others come with their files.</summary>
    /// <param name="cancellationToken">Ends the enumeration early.</param>
    IAsyncEnumerable<string> EmptyDirectoriesAsync(CancellationToken cancellationToken);
}
