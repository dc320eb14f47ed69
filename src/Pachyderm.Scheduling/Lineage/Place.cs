using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Scheduling;

/// <summary>A file or directory in a commit, or all of it.</summary>
/// <param name="Commit">The commit.</param>
/// <param name="Path">The path; the root for all of it.</param>
internal readonly record struct Place(CommitRef Commit, TreePath Path)
{
    /// <summary>Whether it is a whole commit.</summary>
    public bool IsWhole => Path.IsRoot;

    /// <summary>The place as people see it.</summary>
    public LineageFile ToFile() =>
        new(new CommitName(new RepoName(Commit.Repo), new CommitId(Commit.Id)), Path.IsRoot ? "/" : Path.ToString());

    /// <summary>All of a commit.</summary>
    public static Place Whole(CommitRef commit) => new(commit, TreePath.Root);

    /// <summary>Where a file of a datum is.</summary>
    public static Place Of(DatumPart part) => new(part.Input.Commit, part.File.Path);
}

/// <summary>Places of one commit.</summary>
internal sealed class PlaceSet
{
    private readonly HashSet<TreePath> paths = [];
    private readonly HashSet<TreePath> above = [];

    /// <summary>Whether it is all of the commit.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>Adds a place.</summary>
    public void Add(TreePath path)
    {
        if (path.IsRoot)
        {
            IsWhole = true;
        }
        else if (paths.Add(path))
        {
            for (TreePath next = path; !next.IsRoot;)
            {
                next = next.Parent;
                if (!above.Add(next))
                {
                    break;
                }
            }
        }
    }

    /// <summary>Whether a path is one of the places, or above or below one.</summary>
    public bool Touches(TreePath path)
    {
        if (IsWhole || above.Contains(path))
        {
            return true;
        }
        for (TreePath next = path; !next.IsRoot; next = next.Parent)
        {
            if (paths.Contains(next))
            {
                return true;
            }
        }
        return false;
    }
}
