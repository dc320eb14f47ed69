using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Pachyderm.Pfs;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pachd.Translation;

/// <summary>From the domain to messages.</summary>
internal static class Replies
{
    /// <summary>An empty message.</summary>
    public static readonly Empty Empty = new();

    private static readonly string EmptyTree = ChunkId.Of([]).ToString();

    /// <summary>The repo.</summary>
    public static Wire.Pfs.Repo ToWire(this RepoName repo) => new() { Name = repo.Value };

    /// <summary>The repo with its facts.</summary>
    public static Wire.Pfs.RepoInfo ToWire(this RepoInfo repo) => new()
    {
        Repo = repo.Name.ToWire(),
        Created = Timestamp.FromDateTimeOffset(repo.Created),
        SizeBytes = (ulong)repo.SizeBytes,
        Provenance = { repo.Provenance.Select(ToWire) },
        Description = repo.Description,
    };

    /// <summary>The commit.</summary>
    public static Wire.Pfs.Commit ToWire(this CommitName commit) => new() { Repo = commit.Repo.ToWire(), Id = commit.Id.Value };

    /// <summary>
    /// The commit with its facts. Its tree is named by the chunk of its root directory, and that of an empty one by the hash of nothing, so that a
    /// finished commit always has one.
    /// </summary>
    public static Wire.Pfs.CommitInfo ToWire(this CommitInfo commit) => new()
    {
        Commit = commit.Name.ToWire(),
        ParentCommit = commit.Parent is { } parent ? new CommitName(commit.Name.Repo, parent).ToWire() : null,
        Started = Timestamp.FromDateTimeOffset(commit.Started),
        Finished = commit.Finished is { } finished ? Timestamp.FromDateTimeOffset(finished) : null,
        SizeBytes = (ulong)commit.SizeBytes,
        Provenance = { commit.Provenance.Select(ToWire) },
        Tree = commit.IsOpen ? null : new Wire.Pfs.Object { Hash = commit.Tree is { Files: > 0 } tree ? tree.Node.ToString() : EmptyTree },
    };

    /// <summary>The branch.</summary>
    public static Wire.Pfs.BranchInfo ToWire(this BranchInfo branch) => new() { Name = branch.Name.Value, Head = branch.Head.ToWire() };

    /// <summary>The file or directory, without what is in it.</summary>
    public static Wire.Pfs.FileInfo ToWire(this CommitFile file)
    {
        TreeEntry entry = file.Entry;
        byte[] hash = entry.Hash.ToArray();
        return new Wire.Pfs.FileInfo
        {
            File = new Wire.Pfs.File { Commit = file.Commit.ToWire(), Path = file.Path },
            FileType = entry.IsDirectory ? Wire.Pfs.FileType.Dir : Wire.Pfs.FileType.File,
            SizeBytes = (ulong)entry.Size,
            Hash = UnsafeByteOperations.UnsafeWrap(hash),
        };
    }
}
