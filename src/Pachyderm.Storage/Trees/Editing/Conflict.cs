namespace Pachyderm.Storage.Trees.Editing;

/// <summary>A write that cannot be applied.</summary>
/// <param name="Write">Its number; of several, the first counts.</param>
/// <param name="Message">One line for the caller.</param>
internal sealed record Conflict(int Write, string Message)
{
    internal static Conflict DirectoryThere(int write, TreePath path) =>
        new(write, $"could not put file at \"{path}\"; a node of type directory is already there");

    /// <summary>A file is where a directory is needed.</summary>
    /// <param name="write">The number of the write.</param>
    /// <param name="child">The path below the file that the write goes through.</param>
    internal static Conflict FileThere(int write, TreePath child) =>
        new(write, $"attempted to visit \"{child}\", but it's not a directory");
}
