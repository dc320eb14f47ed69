using System.Globalization;
using System.Text;
using Pachyderm.Errors;
using Pachyderm.Workers.Native;

namespace Pachyderm.Workers.Processes;

/// <summary>Finds and ends the processes of a command where no namespace or control group keeps them together.</summary>
internal static class ProcessTree
{
    /// <summary>The environment variable that marks processes of a worker.</summary>
    internal const string MarkVariable = "PACH_WORKER";

    private static readonly TimeSpan LongestKill = TimeSpan.FromSeconds(30);

    /// <summary>The processes that descend from one that lives, itself excluded.</summary>
    internal static List<int> Descendants(int root)
    {
        ILookup<int, int> children = Snapshot().ToLookup(entry => entry.Parent, entry => entry.Id);
        List<int> found = [];
        Queue<int> pending = new([root]);
        while (pending.TryDequeue(out int parent))
        {
            foreach (int child in children[parent])
            {
                found.Add(child);
                pending.Enqueue(child);
            }
        }

        return found;
    }

    /// <summary>
    /// Kills a command's processes until none is left: those of its session, its descendants, and those that carry the worker's mark in
    /// their environment. Only one that leaves the session, loses its parent and clears its environment all at once gets away.
    /// </summary>
    internal static async Task KillAsync(int root, string mark, TimeProvider time)
    {
        await KillAsync(() => Find(root, mark), time).ConfigureAwait(false);
    }

    /// <summary>Kills the processes that carry a mark in their environment.</summary>
    internal static Task KillMarkedAsync(string mark, TimeProvider time) => KillAsync(() => Find(root: 0, mark), time);

    /// <summary>The processes of a command, zombies excluded.</summary>
    internal static List<int> Find(int root, string mark)
    {
        byte[] variable = Encoding.UTF8.GetBytes($"{MarkVariable}={mark}\0");
        HashSet<int> found = root == 0 ? [] : [.. Descendants(root)];
        return [.. Snapshot()
            .Where(entry => entry.State != 'Z' && entry.Id != Environment.ProcessId)
            .Where(entry => found.Contains(entry.Id) || (root != 0 && entry.Session == root) || Carries(entry.Id, variable))
            .Select(entry => entry.Id)];
    }

    private static async Task KillAsync(Func<List<int>> find, TimeProvider time)
    {
        long start = time.GetTimestamp();
        TimeSpan pause = TimeSpan.FromMilliseconds(1);
        for (List<int> processes = find(); processes.Count > 0; processes = find())
        {
            if (time.GetElapsedTime(start) > LongestKill)
            {
                throw new OperatorException("process-not-killed", $"process {processes[0]}", "it does not end although it was killed",
                    "see what it waits for: most often a disk or a network file system that does not answer");
            }

            processes.ForEach(process => Posix.Signal(process, Posix.SigKill));
            await Task.Delay(pause, time).ConfigureAwait(false);
            pause = TimeSpan.FromMilliseconds(Math.Min(50, pause.TotalMilliseconds * 2));
        }
    }

    private static List<Entry> Snapshot()
    {
        List<Entry> entries = [];
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out int id))
            {
                continue;
            }

            // 17 (any name) S parent group session ...
            string? line = TryRead(directory + "/stat") is { } bytes ? Encoding.UTF8.GetString(bytes) : null;
            string[]? fields = line?[(line.LastIndexOf(')') + 2)..].Split(' ');
            if (fields is { Length: > 4 })
            {
                entries.Add(new Entry(id, fields[0][0], int.Parse(fields[1], CultureInfo.InvariantCulture),
                    int.Parse(fields[3], CultureInfo.InvariantCulture)));
            }
        }

        return entries;
    }

    private static bool Carries(int process, byte[] variable)
    {
        if (TryRead(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/environ")) is not { } environment)
        {
            return false;
        }

        int at = environment.AsSpan().IndexOf(variable);
        return at == 0 || (at > 0 && environment[at - 1] == 0);
    }

    private static byte[]? TryRead(string file)
    {
        try
        {
            return File.ReadAllBytes(file);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The process is gone by now, or another user's.
            return null;
        }
    }

    private readonly record struct Entry(int Id, char State, int Parent, int Session);
}
