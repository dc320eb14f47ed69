namespace Pachyderm.Workers.Processes;

/// <summary>What differs between the ways to run a worker's commands: in a sandbox, in a container, or as plain processes.</summary>
internal interface ICommandHost : IAsyncDisposable
{
    /// <summary>
    /// Whether user code never sees a datum's root and <c>pfs</c> directory themselves, only what is in them: then nothing that it does
    /// can cling to them, and the next datum may have them.
    /// </summary>
    bool HidesDirectories { get; }

    /// <summary>Environment variables that come first; the pipeline's win over them.</summary>
    IReadOnlyDictionary<string, string> EnvironmentOf(DatumDirectory directory);

    /// <summary>Where the command's script has to change to, or <see langword="null"/>.</summary>
    string? WorkingDirectoryOf(DatumDirectory directory);

    /// <summary>Absolute names by which user code knows the datum's <c>pfs</c> directory.</summary>
    IReadOnlyList<string> PfsNamesOf(DatumDirectory directory);

    /// <summary>Directories whose size is bounded while the command runs.</summary>
    IReadOnlyList<string> BoundedDirectoriesOf(DatumDirectory directory);

    /// <summary>Where a path below the datum's <c>pfs</c> directory is while the command runs.</summary>
    string MovedPath(DatumDirectory directory, string path);

    /// <summary>Puts the datum's directories where its command will find them.</summary>
    Task EnterAsync(DatumDirectory directory, CancellationToken cancellationToken);

    /// <summary>Runs the datum's script. When it returns, none of its processes is left.</summary>
    /// <param name="directory">The datum.</param>
    /// <param name="datumId">Goes with each line.</param>
    /// <param name="logs">Takes lines; it does not fail.</param>
    /// <param name="stop">Ends the command, which is no error.</param>
    /// <returns>The exit code, or <see langword="null"/> if the command and everything around it was killed.</returns>
    Task<int?> ExecuteAsync(DatumDirectory directory, string datumId, ILogSink logs, CancellationToken stop);

    /// <summary>Puts the datum's directories back, and what the command left elsewhere beside them.</summary>
    Task LeaveAsync(DatumDirectory directory);

    /// <summary>How many processes have been killed for want of memory so far.</summary>
    long CountMemoryKills();
}
