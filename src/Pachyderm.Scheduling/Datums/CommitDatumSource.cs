using System.Runtime.CompilerServices;
using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Datums;

namespace Pachyderm.Scheduling;

/// <summary>The files of commits, as datums are made of them. Safe for concurrent use.</summary>
/// <param name="reader">Opens commits.</param>
internal sealed class CommitDatumSource(FileReader reader) : IDatumSource
{
    /// <inheritdoc/>
    /// <exception cref="PfsException">The commit is missing, or the glob is malformed.</exception>
    public async IAsyncEnumerable<DatumFile> GlobAsync(
        CommitRef commit, string glob, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        CommitName name = new(new RepoName(commit.Repo), new CommitId(commit.Id));
        using CommitView view = await reader.OpenAsync(new CommitReference(name), cancellationToken);
        await foreach (CommitFile file in view.GlobAsync(glob, cancellationToken))
        {
            yield return new DatumFile(file.Entry.Path, file.Entry.Hash, file.Entry.Size, file.Entry.IsDirectory);
        }
    }
}
