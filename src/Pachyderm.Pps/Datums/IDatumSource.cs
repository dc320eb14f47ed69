namespace Pachyderm.Pps.Datums;

/// <summary>Where the files of inputs are found: the repos.</summary>
public interface IDatumSource
{
    /// <summary>The files and directories of a commit whose whole path matches a glob (spec/pfs.md section 6).</summary>
    /// <param name="commit">A finished commit.</param>
    /// <param name="glob">The pattern.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <returns>Each once, in ascending order of the bytes of their paths.</returns>
    IAsyncEnumerable<DatumFile> GlobAsync(CommitRef commit, string glob, CancellationToken cancellationToken);
}
