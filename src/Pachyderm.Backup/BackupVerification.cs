namespace Pachyderm.Backup;

/// <summary>Outcome of the verification of a backup.</summary>
/// <param name="Name">The backup.</param>
/// <param name="ReadData">Whether everything was read and hashed, or only its presence and size looked at.</param>
/// <param name="Files">Files and links that were looked at.</param>
/// <param name="Bytes">Their size in bytes.</param>
/// <param name="ProblemCount">How many problems there are.</param>
/// <param name="Problems">The first 100 of them.</param>
public sealed record BackupVerification(
    string Name, bool ReadData, long Files, long Bytes, long ProblemCount, IReadOnlyList<BackupProblem> Problems)
{
    /// <summary>Whether nothing is wrong.</summary>
    public bool IsSound => ProblemCount == 0;
}

/// <summary>Something that is wrong with a backup.</summary>
/// <param name="Thing">The file of the content store, or <c>metadata</c> or <c>list of files</c>.</param>
/// <param name="Problem">What is wrong, without a final full stop.</param>
public sealed record BackupProblem(string Thing, string Problem);
