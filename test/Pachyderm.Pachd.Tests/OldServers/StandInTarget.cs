using Grpc.Core;

namespace Pachyderm.Pachd.Tests.OldServers;

/// <summary>A server that can be looked at, and cannot do what a copy of a history needs.</summary>
public sealed class StandInTarget : Wire.Pfs.API.APIBase
{
    public override Task<Wire.Pfs.CommitInfos> ListCommit(Wire.Pfs.ListCommitRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.Pfs.CommitInfos());

    public override Task<Wire.Pfs.BranchInfos> ListBranch(Wire.Pfs.ListBranchRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.Pfs.BranchInfos());
}
