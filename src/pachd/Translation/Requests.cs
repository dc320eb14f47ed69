using Google.Protobuf.WellKnownTypes;
using Pachyderm.Pfs;
using Pachyderm.Storage.Content;

namespace Pachyderm.Pachd.Translation;

/// <summary>
/// From messages to the domain. What a message leaves out is an empty name, which nothing has; only what cannot be meant is refused.
/// </summary>
internal static class Requests
{
    /// <summary>The repo.</summary>
    public static RepoName Repo(Wire.Pfs.Repo? repo) => new(repo?.Name ?? "");

    /// <summary>The repos.</summary>
    public static IReadOnlyList<RepoName> Repos(IEnumerable<Wire.Pfs.Repo> repos) => [.. repos.Select(Repo)];

    /// <summary>A commit that has to be named.</summary>
    /// <exception cref="PfsException">It is not.</exception>
    public static CommitReference Commit(Wire.Pfs.Commit? commit) =>
        commit is null
            ? throw new PfsException(PfsErrorKind.InvalidArgument, "cannot inspect nil commit")
            : new CommitReference(Repo(commit.Repo), commit.Id);

    /// <summary>A commit that may be left out.</summary>
    public static CommitReference? CommitOrNull(Wire.Pfs.Commit? commit) => string.IsNullOrEmpty(commit?.Id) ? null : Commit(commit);

    /// <summary>A commit by its identifier.</summary>
    public static CommitName CommitName(Wire.Pfs.Commit commit) => new(Repo(commit.Repo), new CommitId(commit.Id));

    /// <summary>The commit that a file is in.</summary>
    /// <exception cref="PfsException">File or commit are not given.</exception>
    public static CommitReference CommitOf(Wire.Pfs.File? file) =>
        file is null ? throw new PfsException(PfsErrorKind.InvalidArgument, "no file is given") : Commit(file.Commit);

    /// <summary>Chunks by name and length.</summary>
    /// <exception cref="PfsException">There are not as many names as lengths.</exception>
    public static IReadOnlyList<ChunkReference> Chunks(Wire.Native.ChunkNames names)
    {
        if (names.Hashes.Length != names.Lengths.Count * ChunkId.Length)
        {
            throw new PfsException(PfsErrorKind.InvalidArgument, "there are not as many names of chunks as lengths");
        }
        return
        [
            .. names.Lengths.Select((length, index) =>
                new ChunkReference(new ChunkId(names.Hashes.Span.Slice(index * ChunkId.Length, ChunkId.Length)), length)),
        ];
    }

    /// <summary>A time that may be left out.</summary>
    /// <exception cref="PfsException">It is none.</exception>
    public static DateTimeOffset? Moment(Timestamp? time)
    {
        try
        {
            return time?.ToDateTimeOffset();
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentOutOfRangeException)
        {
            throw new PfsException(PfsErrorKind.InvalidArgument, "the time of the commit is none", exception);
        }
    }

    /// <summary>Where a commit begins.</summary>
    public static CommitOrigin Origin(Wire.Pfs.Commit? parent, string branch, IEnumerable<Wire.Pfs.Commit> provenance) => new(
        Repo(parent?.Repo), string.IsNullOrEmpty(parent?.Id) ? null : parent.Id, branch.Length == 0 ? null : new BranchName(branch),
        [.. provenance.Select(CommitName)]);
}
