using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Pachyderm.Pachd.Translation;
using Pachyderm.Pfs;

namespace Pachyderm.Pachd.Services;

/// <summary><c>pfs.API</c>: repos, commits, branches; files are in the other part.</summary>
internal sealed partial class PfsService(PachydermFileSystem files, Following following) : Wire.Pfs.API.APIBase
{
    /// <inheritdoc/>
    public override async Task<Empty> CreateRepo(Wire.Pfs.CreateRepoRequest request, ServerCallContext context)
    {
        RepoName repo = Requests.Repo(request.Repo);
        IReadOnlyList<RepoName> provenance = Requests.Repos(request.Provenance);
        await (request.Update
            ? files.Repos.UpdateAsync(repo, provenance, request.Description, context.CancellationToken)
            : files.Repos.CreateAsync(repo, provenance, request.Description, context.CancellationToken));
        return Replies.Empty;
    }

    /// <inheritdoc/>
    public override async Task<Wire.Pfs.RepoInfo> InspectRepo(Wire.Pfs.InspectRepoRequest request, ServerCallContext context) =>
        (await files.Repos.InspectAsync(Requests.Repo(request.Repo), context.CancellationToken)).ToWire();

    /// <inheritdoc/>
    public override async Task<Wire.Pfs.RepoInfos> ListRepo(Wire.Pfs.ListRepoRequest request, ServerCallContext context)
    {
        ReplyBudget budget = new("repos", "pachyderm.native.v1.Files/ListRepos");
        Wire.Pfs.RepoInfos reply = new();
        foreach (RepoInfo repo in await files.Repos.ListAsync(Requests.Repos(request.Provenance), context.CancellationToken))
        {
            reply.RepoInfo.Add(budget.Take(repo.ToWire()));
        }
        return reply;
    }

    /// <inheritdoc/>
    public override async Task<Empty> DeleteRepo(Wire.Pfs.DeleteRepoRequest request, ServerCallContext context)
    {
        await (request.All
            ? files.Repos.DeleteAllAsync(context.CancellationToken)
            : files.Repos.DeleteAsync(Requests.Repo(request.Repo), request.Force, context.CancellationToken));
        return Replies.Empty;
    }

    /// <inheritdoc/>
    public override async Task<Empty> DeleteAll(Empty request, ServerCallContext context)
    {
        await files.Repos.DeleteAllAsync(context.CancellationToken);
        return Replies.Empty;
    }

    /// <inheritdoc/>
    public override async Task<Wire.Pfs.Commit> StartCommit(Wire.Pfs.StartCommitRequest request, ServerCallContext context)
    {
        CommitOrigin origin = Requests.Origin(request.Parent, request.Branch, request.Provenance);
        return (await files.Commits.StartAsync(origin, context.CancellationToken)).ToWire();
    }

    /// <inheritdoc/>
    public override async Task<Wire.Pfs.Commit> BuildCommit(Wire.Pfs.BuildCommitRequest request, ServerCallContext context)
    {
        CommitOrigin origin = Requests.Origin(request.Parent, request.Branch, request.Provenance);
        return (await CommitTrees.BuildAsync(files, origin, request.Tree?.Hash ?? "", context.CancellationToken)).ToWire();
    }

    /// <inheritdoc/>
    public override async Task<Empty> FinishCommit(Wire.Pfs.FinishCommitRequest request, ServerCallContext context)
    {
        await files.Commits.FinishAsync(Requests.Commit(request.Commit), context.CancellationToken);
        return Replies.Empty;
    }

    /// <inheritdoc/>
    public override async Task<Wire.Pfs.CommitInfo> InspectCommit(Wire.Pfs.InspectCommitRequest request, ServerCallContext context) =>
        (await files.Commits.InspectAsync(Requests.Commit(request.Commit), context.CancellationToken)).ToWire();

    /// <inheritdoc/>
    public override async Task<Wire.Pfs.CommitInfos> ListCommit(Wire.Pfs.ListCommitRequest request, ServerCallContext context)
    {
        ReplyBudget budget = new("commits", "pachyderm.native.v1.Files/ListCommits");
        Wire.Pfs.CommitInfos reply = new();
        await foreach (CommitInfo commit in files.CommitList.ListAsync(
            Requests.Repo(request.Repo), Requests.CommitOrNull(request.To), Requests.CommitOrNull(request.From), request.Number,
            context.CancellationToken))
        {
            reply.CommitInfo.Add(budget.Take(commit.ToWire()));
        }
        return reply;
    }

    /// <inheritdoc/>
    public override async Task<Empty> DeleteCommit(Wire.Pfs.DeleteCommitRequest request, ServerCallContext context)
    {
        await files.Commits.DeleteAsync(Requests.Commit(request.Commit), context.CancellationToken);
        return Replies.Empty;
    }

    /// <inheritdoc/>
    public override Task FlushCommit(
        Wire.Pfs.FlushCommitRequest request, IServerStreamWriter<Wire.Pfs.CommitInfo> responseStream,
        ServerCallContext context) => following.SendAsync(
        token => files.Feed.FlushAsync([.. request.Commits.Select(Requests.Commit)], Requests.Repos(request.ToRepos), token),
        Replies.ToWire,
        responseStream,
        context);

    /// <inheritdoc/>
    public override Task SubscribeCommit(
        Wire.Pfs.SubscribeCommitRequest request, IServerStreamWriter<Wire.Pfs.CommitInfo> responseStream,
        ServerCallContext context) => following.SendAsync(
        token => files.Feed.SubscribeAsync(
            Requests.Repo(request.Repo), new BranchName(request.Branch), Requests.CommitOrNull(request.From), token),
        Replies.ToWire,
        responseStream,
        context);

    /// <inheritdoc/>
    public override async Task<Wire.Pfs.BranchInfos> ListBranch(Wire.Pfs.ListBranchRequest request, ServerCallContext context)
    {
        ReplyBudget budget = new("branches", "InspectCommit");
        Wire.Pfs.BranchInfos reply = new();
        foreach (BranchInfo branch in await files.Branches.ListAsync(Requests.Repo(request.Repo), context.CancellationToken))
        {
            reply.BranchInfo.Add(budget.Take(branch.ToWire()));
        }
        return reply;
    }

    /// <inheritdoc/>
    public override async Task<Empty> SetBranch(Wire.Pfs.SetBranchRequest request, ServerCallContext context)
    {
        await files.Branches.SetAsync(Requests.Commit(request.Commit), new BranchName(request.Branch), context.CancellationToken);
        return Replies.Empty;
    }

    /// <inheritdoc/>
    public override async Task<Empty> DeleteBranch(Wire.Pfs.DeleteBranchRequest request, ServerCallContext context)
    {
        await files.Branches.DeleteAsync(Requests.Repo(request.Repo), new BranchName(request.Branch), context.CancellationToken);
        return Replies.Empty;
    }
}
