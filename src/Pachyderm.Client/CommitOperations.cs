using System.Runtime.CompilerServices;
using Grpc.Core;
using Pachyderm.Client.Transport;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pfs;
using PfsApi = Pachyderm.Wire.Pfs.API;

namespace Pachyderm.Client;

/// <summary>Commits: states of a repo. Errors as in <see cref="RepoOperations"/>.</summary>
public sealed class CommitOperations
{
    private const int MostReconnects = 8;
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly Connection _connection;
    private readonly PfsApi.APIClient _pfs;
    private readonly Files.FilesClient _native;

    internal CommitOperations(Connection connection)
    {
        _connection = connection;
        _pfs = new PfsApi.APIClient(connection.Invoker);
        _native = new Files.FilesClient(connection.Invoker);
    }

    /// <summary>Opens a commit, which then takes files until it is finished.</summary>
    /// <param name="repo">The repo.</param>
    /// <param name="branch">The branch that moves to the new commit; none if empty.</param>
    /// <param name="parent">The commit whose files it starts with, or a branch; if empty, the branch's newest commit.</param>
    /// <param name="provenance">Commits of other repos that its content is computed from.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<CommitRef> StartAsync(
        string repo, string branch = "", string parent = "", IEnumerable<CommitRef>? provenance = null,
        CancellationToken cancellationToken = default)
    {
        StartCommitRequest request = new() { Parent = new CommitRef(repo, parent).ToWire(), Branch = branch };
        request.Provenance.AddRange((provenance ?? []).Select(commit => commit.ToWire()));
        return CommitRef.From(await _connection.CallAsync(_pfs.StartCommitAsync(request, cancellationToken: cancellationToken)));
    }

    /// <summary>Makes a finished commit of a serialized tree that was put as an object.</summary>
    /// <param name="parent">The repo, and the parent as in <see cref="StartAsync"/>.</param>
    /// <param name="treeHash">The object's hash.</param>
    /// <param name="branch">The branch that moves to the new commit; none if empty.</param>
    /// <param name="provenance">Commits of other repos that its content is computed from.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<CommitRef> BuildAsync(
        CommitRef parent, string treeHash, string branch = "", IEnumerable<CommitRef>? provenance = null,
        CancellationToken cancellationToken = default)
    {
        BuildCommitRequest request = new() { Parent = parent.ToWire(), Branch = branch, Tree = new Wire.Pfs.Object { Hash = treeHash } };
        request.Provenance.AddRange((provenance ?? []).Select(commit => commit.ToWire()));
        return CommitRef.From(await _connection.CallAsync(_pfs.BuildCommitAsync(request, cancellationToken: cancellationToken)));
    }

    /// <summary>Finishes a commit: from then on it never changes.</summary>
    public Task FinishAsync(CommitRef commit, CancellationToken cancellationToken = default) =>
        _connection.CallAsync(
            _pfs.FinishCommitAsync(new FinishCommitRequest { Commit = commit.ToWire() }, cancellationToken: cancellationToken));

    /// <summary>Opens a commit that is to be a copy of another cluster's.</summary>
    internal Task<Commit> StartCopyAsync(StartCommitCopyRequest request, CancellationToken cancellationToken) =>
        _connection.CallAsync(_native.StartCommitCopyAsync(request, cancellationToken: cancellationToken));

    /// <summary>Finishes a commit that is a copy of another cluster's.</summary>
    internal Task FinishCopyAsync(FinishCommitCopyRequest request, CancellationToken cancellationToken) =>
        _connection.CallAsync(_native.FinishCommitCopyAsync(request, cancellationToken: cancellationToken));

    /// <summary>Describes a commit.</summary>
    public Task<CommitInfo> InspectAsync(CommitRef commit, CancellationToken cancellationToken = default) =>
        _connection.CallAsync(
            _pfs.InspectCommitAsync(new InspectCommitRequest { Commit = commit.ToWire() }, cancellationToken: cancellationToken));

    /// <summary>Deletes a commit that is not finished, with what was written to it. Its branch goes back to its parent.</summary>
    public Task DeleteAsync(CommitRef commit, CancellationToken cancellationToken = default) =>
        _connection.CallAsync(
            _pfs.DeleteCommitAsync(new DeleteCommitRequest { Commit = commit.ToWire() }, cancellationToken: cancellationToken));

    /// <summary>Lists commits, newest first.</summary>
    /// <param name="repo">The repo.</param>
    /// <param name="to">The commit or branch to begin with and go back from; all commits of the repo if empty.</param>
    /// <param name="from">Where to stop: a commit or branch, not listed itself.</param>
    /// <param name="number">Most commits; 0 for all.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async IAsyncEnumerable<CommitInfo> ListAsync(
        string repo, string to = "", string from = "", ulong number = 0,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ListCommitRequest request = new() { Repo = new Repo { Name = repo }, Number = number };
        if (to?.Length > 0)
        {
            request.To = new CommitRef(repo, to).ToWire();
        }

        if (from?.Length > 0)
        {
            request.From = new CommitRef(repo, from).ToWire();
        }

        IAsyncEnumerable<CommitInfos> pieces = _connection.ReadOrFallBackAsync(
            "ListCommits",
            () => _native.ListCommits(request, cancellationToken: cancellationToken),
            () => _connection.OnceAsync(() => _pfs.ListCommitAsync(request, cancellationToken: cancellationToken)),
            cancellationToken);
        await foreach (CommitInfos piece in pieces)
        {
            foreach (CommitInfo commit in piece.CommitInfo)
            {
                yield return commit;
            }
        }
    }

    /// <summary>Waits for the commits that are computed from others, and yields each as it is made.</summary>
    /// <param name="commits">The commits at the beginning, at least one.</param>
    /// <param name="toRepos">Repos to wait for; all whose provenance has the repos of <paramref name="commits"/> if empty.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public IAsyncEnumerable<CommitInfo> FlushAsync(
        IEnumerable<CommitRef> commits, IEnumerable<string>? toRepos = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(commits);
        FlushCommitRequest request = new();
        request.Commits.AddRange(commits.Select(commit => commit.ToWire()));
        request.ToRepos.AddRange((toRepos ?? []).Select(name => new Repo { Name = name }));
        return _connection.ReadAsync(() => _pfs.FlushCommit(request, cancellationToken: cancellationToken), cancellationToken);
    }

    /// <summary>
    /// Yields the finished commits of a branch, oldest first, and then each new one, without an end. If the connection breaks it is set
    /// up again, and goes on after the last commit that was yielded; it gives up when eight attempts in a row have failed.
    /// </summary>
    /// <param name="repo">The repo.</param>
    /// <param name="branch">The branch, which need not exist yet.</param>
    /// <param name="from">Neither this commit nor its ancestors are yielded; a commit or branch, nothing if empty.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async IAsyncEnumerable<CommitInfo> SubscribeAsync(
        string repo, string branch, string from = "", [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        SubscribeCommitRequest request = new() { Repo = new Repo { Name = repo }, Branch = branch };
        if (from?.Length > 0)
        {
            request.From = new CommitRef(repo, from).ToWire();
        }

        for (int failures = 0; ; failures++)
        {
            using AsyncServerStreamingCall<CommitInfo> call = _pfs.SubscribeCommit(request, cancellationToken: cancellationToken);
            long started = _connection.Options.Time.GetTimestamp();
            Exception? broken = null;
            while (broken is null)
            {
                try
                {
                    if (!await _connection.MoveNextAsync(call.ResponseStream, cancellationToken))
                    {
                        yield break;
                    }
                }
                catch (Exception exception) when (exception is PachConnectionException or PachException { Status: StatusCode.Unavailable })
                {
                    broken = exception;
                    break;
                }

                failures = 0;
                CommitInfo commit = call.ResponseStream.Current;
                request.From = commit.Commit;
                yield return commit;
            }

            // Whatever was up for a while was not a failed attempt.
            failures = _connection.Options.Time.GetElapsedTime(started) > LongestPause ? 0 : failures;
            if (failures >= MostReconnects)
            {
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(broken!);
            }

            await Task.Delay(Pause(failures), _connection.Options.Time, cancellationToken);
        }
    }

    private static TimeSpan Pause(int failures)
    {
        TimeSpan pause = TimeSpan.FromMilliseconds(100 << failures);
        return pause < LongestPause ? pause : LongestPause;
    }
}
