using Pachyderm.Pfs;

namespace Pachyderm.Pachd.Services;

/// <summary>Commits that are built from the tree of another.</summary>
internal static class CommitTrees
{
    /// <summary>Makes a finished commit with a tree that a client names as an object.</summary>
    public static Task<CommitName> BuildAsync(PachydermFileSystem files, CommitOrigin origin, string tree, CancellationToken cancellationToken) =>
        throw new PfsException(PfsErrorKind.Unimplemented, $"cannot build a commit of {origin.Repo} from object {tree}");
}
