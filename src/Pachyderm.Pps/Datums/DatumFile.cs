using System.Text;
using Pachyderm.Pps.Specs;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pps.Datums;

/// <summary>A file or directory that a glob matched.</summary>
/// <param name="Path">Where it is; the root is empty.</param>
/// <param name="Hash">Identifies its content.</param>
/// <param name="Size">Bytes of the file, or of all files below the directory.</param>
/// <param name="IsDirectory">Whether it is a directory.</param>
public readonly record struct DatumFile(TreePath Path, ChunkId Hash, long Size, bool IsDirectory);

/// <summary>What the files of one atom or cron have in common. Compared by content.</summary>
/// <param name="Name">Name below <c>/pfs</c>.</param>
/// <param name="Commit">The commit that is read.</param>
/// <param name="Branch">The branch whose commits trigger jobs.</param>
/// <param name="Glob">The pattern that the files match.</param>
/// <param name="Lazy">Whether files are fetched only when the program opens them.</param>
public sealed record DatumInput(string Name, CommitRef Commit, string Branch, string Glob, bool Lazy)
{
    /// <summary>The name in UTF-8, as it is hashed.</summary>
    internal byte[] NameBytes { get; } = Encoding.UTF8.GetBytes(Name);

    /// <inheritdoc/>
    public bool Equals(DatumInput? other) =>
        other is not null
        && Name == other.Name
        && Commit == other.Commit
        && Branch == other.Branch
        && Glob == other.Glob
        && Lazy == other.Lazy;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Commit, Branch, Glob, Lazy);

    /// <summary>That of an atom or a cron of a job.</summary>
    internal static DatumInput Of(Input leaf) => leaf switch
    {
        AtomInput atom => new DatumInput(atom.Name, atom.Source()!.Value, atom.Branch, atom.Glob, atom.Lazy),
        CronInput cron => new DatumInput(cron.Name, cron.Source()!.Value, CronInput.TickBranch, CronInput.TickFile, Lazy: false),
        _ => throw new ArgumentOutOfRangeException(nameof(leaf)),
    };
}

/// <summary>One file of a datum, with the input that it is from.</summary>
/// <param name="Input">The atom or cron.</param>
/// <param name="File">The file or directory.</param>
public readonly record struct DatumPart(DatumInput Input, DatumFile File);

/// <summary>What is processed at once.</summary>
/// <param name="Index">Its place among the datums of its job, from 0.</param>
/// <param name="Parts">Its files, in the order of the inputs.</param>
public sealed record Datum(int Index, ValueList<DatumPart> Parts);
