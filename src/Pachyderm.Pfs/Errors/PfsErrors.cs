namespace Pachyderm.Pfs;

/// <summary>The refusals, in the words that clients of 1.5 match on (spec/pfs.md section 11).</summary>
internal static class PfsErrors
{
    private const string Prefix = "pachyderm_pfs";

    public static PfsException RepoNotFound(RepoName repo) => NotFound($"{Prefix}/repos/ {repo} not found");

    public static PfsException DeletedRepoNotFound(RepoName repo) => NotFound($"{Prefix}/repoRefCounts/ {repo} not found");

    public static PfsException RepoExists(RepoName repo) =>
        new(PfsErrorKind.AlreadyExists, $"{Prefix}/repoRefCounts/ {repo} already exists");

    public static PfsException InvalidRepoName(RepoName repo) =>
        Invalid($"repo name ({OneLine(repo.Value)}) invalid: only alphanumeric characters, underscores, and dashes are allowed");

    public static PfsException RepoIsProvenance(RepoName repo, IReadOnlyList<string> users) => Refused(
        $"cannot delete the provenance of other repos: {repo} is the provenance of "
        + string.Join(", ", users.Take(5)) + (users.Count > 5 ? ", ..." : ""));

    public static PfsException ProvenanceCycle(RepoName repo, RepoName provenance) =>
        Invalid($"repo {repo} cannot have {provenance} in its provenance: {provenance} comes from {repo}");

    public static PfsException CommitNotFound(RepoName repo, string id) => NotFound($"{Prefix}/commits/{repo}/ {OneLine(id)} not found");

    public static PfsException CommitExists(CommitName commit) =>
        new(PfsErrorKind.AlreadyExists, $"{Prefix}/commits/{commit.Repo}/ {commit.Id} already exists");

    public static PfsException InvalidIdentifier(CommitId id) =>
        Invalid($"{OneLine(id.ToString())} cannot be the identifier of a commit: it is no UUID of version 4 in 32 lower-case digits");

    public static PfsException WriteToMissingCommit(RepoName repo, string id) =>
        NotFound($"commit {id} is not open: {Prefix}/commits/{repo}/ {id} not found");

    public static PfsException BranchNotFound(RepoName repo, BranchName branch) =>
        NotFound($"{Prefix}/branches/{repo}/ {OneLine(branch.Value)} not found");

    public static PfsException NoCommitGiven() => Invalid("cannot inspect nil commit");

    public static PfsException InvalidBranchName(BranchName branch) => branch.Value switch
    {
        { Length: CommitId.Length } => Invalid("branch name cannot be of the same length as commit IDs"),
        "" or null => Invalid("the name of a branch cannot be empty"),
        _ => Invalid("the name of a branch cannot contain a null character"),
    };

    public static PfsException ParentNotFinished(CommitId parent) => Refused($"parent commit {parent} has not been finished");

    public static PfsException NotOpen(string id) => Refused($"commit {id} is not open");

    public static PfsException DeleteFileInFinished(CommitReference commit) =>
        Refused($"commit {OneLine(commit.Text)} in repo {commit.Repo} has already finished");

    public static PfsException FinishedTwice(CommitName commit) => Refused($"commit {commit} has already been finished");

    public static PfsException DeleteFinished(CommitName commit) => Refused($"cannot delete finished commit {commit}");

    public static PfsException OtherRepo(RepoName repo) => Invalid($"`from` and `to` commits need to be from repo {repo}");

    public static PfsException FromWithoutTo() => Invalid("cannot use `from` commit without `to` commit");

    public static PfsException FromOtherRepo(RepoName repo) => Invalid($"the `from` commit needs to be from repo {repo}");

    public static PfsException NoCommits() => Invalid("fromCommits cannot be empty");

    public static PfsException FileNotFound(string path, CommitName commit) =>
        NotFound($"file {OneLine(path)} not found in repo {commit.Repo} at commit {commit.Id}");

    public static PfsException NoNode(string path) => NotFound($"no node at \"{OneLine(path)}\"");

    public static PfsException NotADirectory(string path) => Refused($"the file at \"{OneLine(path)}\" is not a directory");

    public static PfsException IsADirectory(string path) => Refused($"{OneLine(path)} is a directory");

    public static PfsException NullInPath(string path) =>
        Invalid($"filename cannot contain null character: {OneLine(path.Replace("\0", "\\0", StringComparison.Ordinal))}");

    public static PfsException InvalidPath(string path, string reason) => Invalid($"cannot write to \"{OneLine(path)}\": {reason}");

    public static PfsException ObjectNotFound(string hash) => NotFound($"objectInfoGetter: object {OneLine(hash)} not found");

    public static PfsException TagNotFound(string tag) => NotFound($"tagGetter: tag {OneLine(tag)} not found");

    public static PfsException TaggedObjectMissing(string hash) =>
        NotFound($"object {OneLine(hash)} does not exist: object {OneLine(hash)} not found");

    public static PfsException BadSplitDelimiter(int delimiter) => Invalid($"unrecognized delimiter {delimiter}");

    public static PfsException Conflict(Exception conflict) => new(PfsErrorKind.FailedPrecondition, OneLine(conflict.Message), conflict);

    public static PfsException Refused(string message) => new(PfsErrorKind.FailedPrecondition, message);

    public static PfsException Invalid(string message) => new(PfsErrorKind.InvalidArgument, message);

    public static PfsException NotFound(string message) => new(PfsErrorKind.NotFound, message);

    /// <summary>A text from a caller, fit for one line.</summary>
    public static string OneLine(string? text)
    {
        const int longest = 1_000;
        string line = (text ?? "").ReplaceLineEndings(" ");
        return line.Length <= longest ? line : line[..longest] + "...";
    }
}
