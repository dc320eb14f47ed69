using System.Runtime.CompilerServices;
using Pachyderm.Client.Transport;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pfs;
using PfsApi = Pachyderm.Wire.Pfs.API;

namespace Pachyderm.Client;

/// <summary>
/// Repos. Every method throws <see cref="PachException"/> if the server refuses, <see cref="PachConnectionException"/> without a
/// connection.
/// </summary>
public sealed class RepoOperations
{
    private readonly Connection _connection;
    private readonly PfsApi.APIClient _pfs;
    private readonly Files.FilesClient _native;

    internal RepoOperations(Connection connection)
    {
        _connection = connection;
        _pfs = new PfsApi.APIClient(connection.Invoker);
        _native = new Files.FilesClient(connection.Invoker);
    }

    /// <summary>Makes a repo, or changes one.</summary>
    /// <param name="name">Letters, digits, underscores and dashes.</param>
    /// <param name="description">What it is for.</param>
    /// <param name="provenance">Repos that its content is computed from.</param>
    /// <param name="update">Whether an existing repo gets this description and provenance; otherwise an existing one is an error.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task CreateAsync(
        string name, string description = "", IEnumerable<string>? provenance = null, bool update = false,
        CancellationToken cancellationToken = default)
    {
        CreateRepoRequest request = new() { Repo = new Repo { Name = name }, Description = description, Update = update };
        request.Provenance.AddRange(ToWire(provenance));
        return _connection.CallAsync(_pfs.CreateRepoAsync(request, cancellationToken: cancellationToken));
    }

    /// <summary>Describes a repo.</summary>
    public Task<RepoInfo> InspectAsync(string name, CancellationToken cancellationToken = default) =>
        _connection.CallAsync(
            _pfs.InspectRepoAsync(new InspectRepoRequest { Repo = new Repo { Name = name } }, cancellationToken: cancellationToken));

    /// <summary>Lists repos, the one that changed last first.</summary>
    /// <param name="provenance">Only those that have all of these repos in their provenance.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async IAsyncEnumerable<RepoInfo> ListAsync(
        IEnumerable<string>? provenance = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ListRepoRequest request = new();
        request.Provenance.AddRange(ToWire(provenance));
        IAsyncEnumerable<RepoInfos> pieces = _connection.ReadOrFallBackAsync(
            "ListRepos",
            () => _native.ListRepos(request, cancellationToken: cancellationToken),
            () => _connection.OnceAsync(() => _pfs.ListRepoAsync(request, cancellationToken: cancellationToken)),
            cancellationToken);
        await foreach (RepoInfos piece in pieces)
        {
            foreach (RepoInfo repo in piece.RepoInfo)
            {
                yield return repo;
            }
        }
    }

    /// <summary>Deletes a repo with everything in it.</summary>
    /// <param name="name">The repo.</param>
    /// <param name="force">Even if the content of other repos was computed from it.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task DeleteAsync(string name, bool force = false, CancellationToken cancellationToken = default) => _connection.CallAsync(
        _pfs.DeleteRepoAsync(
            new DeleteRepoRequest { Repo = new Repo { Name = name }, Force = force }, cancellationToken: cancellationToken));

    /// <summary>Deletes all repos.</summary>
    public Task DeleteAllAsync(CancellationToken cancellationToken = default) =>
        _connection.CallAsync(
            _pfs.DeleteRepoAsync(new DeleteRepoRequest { Force = true, All = true }, cancellationToken: cancellationToken));

    private static IEnumerable<Repo> ToWire(IEnumerable<string>? names) => (names ?? []).Select(name => new Repo { Name = name });
}
