using System.IO.Hashing;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pps.Outputs;

/// <summary>
/// Puts the outputs of the datums of a job together (spec/pps.md section 6): what several datums write to one path is appended. The order
/// is that of the datums in <see cref="Datums.DatumSet"/>, not that in which they happen to end as upstream has it, so a job has one
/// possible output. It remembers 16 bytes and a number for each path. Not safe for concurrent use.
/// </summary>
public sealed class OutputMerge
{
    // By the hash of a path: the datum that wrote it first; its complement if it is a directory.
    private readonly Dictionary<UInt128, int> paths = [];
    private int last = -1;
    private TreePath lastDirectory = TreePath.Root;

    /// <summary>
    /// Whether no two datums wrote to the same path, and none left an empty directory. Then the next job may change its parent's output
    /// instead of putting all together anew (<see cref="OutputChange"/>).
    /// </summary>
    public bool IsDisjoint { get; private set; } = true;

    /// <summary>Adds the output of a datum.</summary>
    /// <param name="datum">Its place; datums come in ascending order.</param>
    /// <param name="entries">What it wrote.</param>
    /// <returns>The writes to the output tree, which begins empty.</returns>
    /// <exception cref="PpsException">One datum wrote a file where another wrote a directory.</exception>
    public IEnumerable<TreeWrite> Add(int datum, IEnumerable<OutputEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        if (datum <= last)
        {
            throw new ArgumentOutOfRangeException(nameof(datum), datum, "Datums come in ascending order.");
        }
        last = datum;
        return AddEntries(datum, entries);
    }

    private IEnumerable<TreeWrite> AddEntries(int datum, IEnumerable<OutputEntry> entries)
    {
        foreach (OutputEntry entry in entries)
        {
            TreePath directory = entry.File is null ? entry.Path : entry.Path.Parent;
            if (directory != lastDirectory)
            {
                for (TreePath above = directory; !above.IsRoot; above = above.Parent)
                {
                    Claim(above, datum, isDirectory: true);
                }
                lastDirectory = directory;
            }
            if (entry.File is not null)
            {
                Claim(entry.Path, datum, isDirectory: false);
            }
            else
            {
                IsDisjoint = false;
            }
            yield return entry.ToWrite();
        }
    }

    private void Claim(TreePath path, int datum, bool isDirectory)
    {
        UInt128 key = XxHash128.HashToUInt128(path.Bytes);
        if (paths.TryAdd(key, isDirectory ? ~datum : datum))
        {
            return;
        }
        int first = paths[key];
        bool wasDirectory = first < 0;
        if (wasDirectory != isDirectory)
        {
            (int file, int below) = isDirectory ? (first, datum) : (datum, ~first);
            throw new PpsException(
                PpsErrorKind.FailedPrecondition,
                $"outputs do not fit together: \"{path}\" is a file of datum {file} and a directory of datum {below}");
        }
        IsDisjoint &= isDirectory || first == datum;
    }
}
