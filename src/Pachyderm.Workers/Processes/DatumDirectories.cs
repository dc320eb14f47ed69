using System.Collections.Concurrent;
using System.Globalization;
using Pachyderm.Workers.Scratch;

namespace Pachyderm.Workers.Processes;

/// <summary>
/// The datum directories of a worker, which are emptied and used again where user code cannot have changed the directories themselves.
/// Making and removing them, with a script each, is half of what a small datum costs the file system, and some file systems search through
/// what was lately removed for each file that is made.
/// </summary>
/// <param name="area">The worker's scratch directory.</param>
/// <param name="control">Absolute path of the directory of scripts.</param>
/// <param name="reuse">Whether directories are used again; see <see cref="ICommandHost.HidesDirectories"/>.</param>
internal sealed class DatumDirectories(ScratchArea area, string control, bool reuse)
{
    private readonly ConcurrentStack<DatumDirectory> _free = [];
    private long _last;

    /// <summary>A directory with a <c>pfs</c> in it, which is empty but for <see cref="DatumDirectory.Kept"/>.</summary>
    internal DatumDirectory Take()
    {
        if (_free.TryPop(out DatumDirectory? free))
        {
            return free;
        }

        string number = Interlocked.Increment(ref _last).ToString(CultureInfo.InvariantCulture);
        DatumDirectory made = new($"{area.Directory}/datum-{number}", $"run-{number}");
        ScratchArea.CreateDirectory(made.Root);
        ScratchArea.CreateDirectory(made.Pfs);
        return made;
    }

    /// <summary>Takes back a directory in which no process is at work any more, and removes what is in it.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="names">Names of the directories that the datum had in <c>pfs</c>.</param>
    internal void Return(DatumDirectory directory, IEnumerable<string> names)
    {
        if (reuse)
        {
            directory.Kept.Clear();
            directory.Kept.AddRange(names.Where(name => ScratchRemoval.TryRestore($"{directory.Pfs}/{name}")));
            ScratchRemoval.Empty(directory.Pfs, directory.Kept);
            ScratchRemoval.Empty(directory.Root, [Path.GetFileName(directory.Pfs)]);
            _free.Push(directory);
            return;
        }

        // Both are gone already when the worker is.
        ScratchRemoval.Remove(directory.Root);
        string script = ScriptPathOf(directory);
        if (File.Exists(script))
        {
            File.Delete(script);
        }
    }

    /// <summary>Where a datum's script is written.</summary>
    internal string ScriptPathOf(DatumDirectory directory) => $"{control}/{directory.Script}";
}
