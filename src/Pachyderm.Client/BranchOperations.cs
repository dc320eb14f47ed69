using Pachyderm.Client.Transport;
using Pachyderm.Wire.Pfs;
using PfsApi = Pachyderm.Wire.Pfs.API;

namespace Pachyderm.Client;

/// <summary>Branches: names for commits. Errors as in <see cref="RepoOperations"/>.</summary>
public sealed class BranchOperations
{
    private readonly Connection _connection;
    private readonly PfsApi.APIClient _pfs;

    internal BranchOperations(Connection connection) => (_connection, _pfs) = (connection, new PfsApi.APIClient(connection.Invoker));

    /// <summary>Lists the branches of a repo, the one that moved last first.</summary>
    public async Task<IReadOnlyList<BranchInfo>> ListAsync(string repo, CancellationToken cancellationToken = default)
    {
        ListBranchRequest request = new() { Repo = new Repo { Name = repo } };
        return (await _connection.CallAsync(_pfs.ListBranchAsync(request, cancellationToken: cancellationToken))).BranchInfo;
    }

    /// <summary>Makes or moves a branch.</summary>
    /// <param name="commit">Where it points: a commit, or another branch, whose newest commit is taken.</param>
    /// <param name="branch">Its name.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task SetAsync(CommitRef commit, string branch, CancellationToken cancellationToken = default) =>
        _connection.CallAsync(
            _pfs.SetBranchAsync(new SetBranchRequest { Commit = commit.ToWire(), Branch = branch }, cancellationToken: cancellationToken));

    /// <summary>Deletes a branch. Its commits stay.</summary>
    public Task DeleteAsync(string repo, string branch, CancellationToken cancellationToken = default) => _connection.CallAsync(
        _pfs.DeleteBranchAsync(
            new DeleteBranchRequest { Repo = new Repo { Name = repo }, Branch = branch }, cancellationToken: cancellationToken));
}
