using Pachyderm.Errors;

namespace Pachyderm.Pachd.Hosting;

/// <summary>Refuses calls that write, where the data may only be read.</summary>
/// <param name="refusal">Why; null if writes are welcome.</param>
internal sealed class ReadOnlyGuard(OperatorException? refusal)
{
    private static readonly HashSet<string> Writes = new(StringComparer.Ordinal)
    {
        "/pfs.API/CreateRepo", "/pfs.API/DeleteRepo", "/pfs.API/StartCommit", "/pfs.API/FinishCommit", "/pfs.API/DeleteCommit",
        "/pfs.API/BuildCommit",
        "/pfs.API/SetBranch", "/pfs.API/DeleteBranch", "/pfs.API/PutFile", "/pfs.API/DeleteFile", "/pfs.API/DeleteAll",
        "/pfs.ObjectAPI/PutObject", "/pfs.ObjectAPI/TagObject", "/pfs.ObjectAPI/DeleteObjects", "/pfs.ObjectAPI/DeleteTags",
        "/pachyderm.native.v1.Files/PutFiles", "/pachyderm.native.v1.Files/PutContent",
        "/pachyderm.native.v1.Files/StartCommitCopy", "/pachyderm.native.v1.Files/FinishCommitCopy",
        "/pachyderm.native.v1.Maintenance/CollectGarbage",
        "/pachyderm.native.v1.Admin/Extract", "/pachyderm.native.v1.Admin/Restore",
        "/pachyderm.native.v1.Maintenance/Consolidate",
        "/pps.API/CreateJob", "/pps.API/StopJob", "/pps.API/DeleteJob", "/pps.API/RestartDatum",
        "/pps.API/CreatePipeline", "/pps.API/StartPipeline", "/pps.API/StopPipeline", "/pps.API/DeletePipeline",
        "/pps.API/GarbageCollect", "/pps.API/DeleteAll",
    };

    /// <summary>Lets a call through, or not.</summary>
    /// <exception cref="OperatorException">The call writes, and writes are refused.</exception>
    public void Check(string method)
    {
        if (Writes.Contains(method))
        {
            CheckWrite();
        }
    }

    /// <summary>Lets what writes through, or not.</summary>
    /// <exception cref="OperatorException">Writes are refused.</exception>
    public void CheckWrite()
    {
        if (refusal is not null)
        {
            throw new OperatorException(refusal.Id, refusal.Thing, refusal.Problem, refusal.Remedy, refusal);
        }
    }
}
