using Pachyderm.Pps.Datums;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pps.Identity;

/// <summary>Why a datum was processed, or not.</summary>
public enum DatumReason
{
    /// <summary>Its result was known.</summary>
    Known,

    /// <summary>There is no earlier job to compare with.</summary>
    FirstJob,

    /// <summary>An earlier job had the same datum, but it has no result: it failed, or the job was stopped.</summary>
    NoResult,

    /// <summary>The pipeline has a new salt: it was made anew, or updated so that everything is processed again.</summary>
    NewSalt,

    /// <summary>Files have other contents.</summary>
    ContentChanged,

    /// <summary>Files have other paths.</summary>
    PathChanged,

    /// <summary>Inputs have other names.</summary>
    InputRenamed,

    /// <summary>Files were not there before.</summary>
    NewFile,

    /// <summary>All files were there before, but not in one datum.</summary>
    NewCombination,
}

/// <summary>How a file of a datum differs from that of the closest earlier datum.</summary>
/// <param name="Now">The file.</param>
/// <param name="Before">The file of the earlier datum; null if there was none.</param>
public sealed record PartDifference(DatumPart Now, DatumPart? Before)
{
    private const int ShortDigits = 12;

    /// <summary>One line for a person.</summary>
    public override string ToString()
    {
        string where = Place(Now);
        if (Before is not { } before)
        {
            return $"{where}: new";
        }
        if (before.Input.Name != Now.Input.Name)
        {
            return $"{where}: its input was named {before.Input.Name}";
        }
        return before.File.Path != Now.File.Path
            ? $"{where}: was at {Slash(before.File.Path)}"
            : $"{where}: content changed from {Short(before.File.Hash)} to {Short(Now.File.Hash)}";
    }

    private static string Place(DatumPart part) => $"{part.Input.Name}:{Slash(part.File.Path)}";

    private static string Slash(TreePath path) => path.IsRoot ? "/" : path.ToString();

    private static string Short(ChunkId hash) => hash.ToString()[..ShortDigits];
}

/// <summary>Why a datum was processed, or not.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Closest">The place of the closest datum in the earlier job; null if none is close.</param>
/// <param name="Parts">The files that make the difference.</param>
public sealed record DatumDifference(DatumReason Reason, int? Closest, ValueList<PartDifference> Parts)
{
    /// <summary>One line for a person.</summary>
    public override string ToString() => Reason switch
    {
        DatumReason.Known => "skipped: its result was known",
        DatumReason.FirstJob => "ran: there is no earlier job",
        DatumReason.NoResult => "ran: an earlier job had it, but there is no result",
        DatumReason.NewSalt => "ran: the pipeline was made anew or updated with reprocess",
        DatumReason.NewCombination => "ran: its files were not combined before",
        _ => $"ran: {string.Join("; ", Parts)}",
    };
}
