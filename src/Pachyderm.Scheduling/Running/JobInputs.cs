using Pachyderm.Pfs;
using Pachyderm.Pps;

namespace Pachyderm.Scheduling;

/// <summary>The commits that a job reads, kept from being collected as long as it runs.</summary>
/// <param name="reader">Opens commits.</param>
internal sealed class JobInputs(FileReader reader) : IDisposable
{
    private readonly Dictionary<CommitRef, CommitView> views = [];

    /// <summary>An open commit.</summary>
    public CommitView this[CommitRef commit] => views[commit];

    /// <summary>Opens commits that are not open yet.</summary>
    /// <exception cref="PfsException">One is missing.</exception>
    public async Task OpenAsync(IEnumerable<CommitRef> commits, CancellationToken cancellationToken)
    {
        foreach (CommitRef commit in commits)
        {
            if (!views.ContainsKey(commit))
            {
                CommitName name = new(new RepoName(commit.Repo), new CommitId(commit.Id));
                views.Add(commit, await reader.OpenAsync(new CommitReference(name), cancellationToken));
            }
        }
    }

    /// <summary>Opens the parent of a commit.</summary>
    /// <returns>The parent; null if it has none.</returns>
    /// <exception cref="PfsException">The commit is missing.</exception>
    public async Task<CommitRef?> OpenParentAsync(CommitRef commit, CancellationToken cancellationToken)
    {
        CommitName name = new(new RepoName(commit.Repo), new CommitId(commit.Id));
        if (await reader.OpenParentAsync(name, cancellationToken) is not { } view)
        {
            return null;
        }
        CommitRef parent = new(view.Commit.Repo.Value, view.Commit.Id.Value);
        if (!views.TryAdd(parent, view))
        {
            view.Dispose();
        }
        return parent;
    }

    /// <summary>Lets go of the commits.</summary>
    public void Dispose()
    {
        foreach (CommitView view in views.Values)
        {
            view.Dispose();
        }
    }
}
