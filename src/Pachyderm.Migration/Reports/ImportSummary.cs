namespace Pachyderm.Migration.Reports;

/// <summary>What an import into a data directory of this release carried.</summary>
/// <param name="Data">The data directory.</param>
/// <param name="Content">Whether content was <c>adopted</c> in place or <c>copied</c>.</param>
/// <param name="Verified">How much was verified: <c>none</c>, <c>sample=N</c>, <c>full</c>.</param>
/// <param name="FilesCompared">Number of files whose content was read and compared.</param>
/// <param name="BytesCompared">Bytes of those.</param>
/// <param name="Repos">By repo.</param>
public sealed record ImportSummary(
    string Data, string Content, string Verified, long FilesCompared, long BytesCompared, IReadOnlyDictionary<string, ImportedRepo> Repos);

/// <summary>A repo before and after.</summary>
/// <param name="Before">In the source.</param>
/// <param name="After">In the data directory.</param>
public sealed record ImportedRepo(ImportedCommits Before, ImportedCommits After);

/// <summary>The commits of a repo.</summary>
/// <param name="Commits">Their number.</param>
/// <param name="Files">Number of files in all of them.</param>
/// <param name="Bytes">Bytes of those.</param>
/// <param name="Digest">Digest of identifier, hash of the root, files and bytes of every commit.</param>
public sealed record ImportedCommits(long Commits, long Files, long Bytes, string Digest);
