using System.Buffers.Text;
using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Pachyderm.Workers.Native;

namespace Pachyderm.Workers.Resources;

/// <summary>
/// A control group for the processes of one worker, in the unified hierarchy (version 2) or in those of the single controllers (version 1),
/// whichever the machine has and lets this process use.
/// </summary>
internal sealed class ControlGroup
{
    private readonly List<string> _directories = [];
    private readonly TimeProvider _time;
    private SafeFileHandle? _memoryEvents;

    private ControlGroup(TimeProvider time) => _time = time;

    /// <summary>The files to which a process writes 0 to enter the group, before it starts anything.</summary>
    internal IEnumerable<string> EntryFiles => _directories.Select(directory => $"{directory}/cgroup.procs");

    /// <summary>Whether the memory limit holds.</summary>
    internal bool LimitsMemory { get; private set; }

    /// <summary>Whether the limit of processor time holds.</summary>
    internal bool LimitsCpu { get; private set; }

    /// <summary>Whether the number of processes is bounded.</summary>
    internal bool LimitsProcesses { get; private set; }

    /// <summary>The name of a worker's group.</summary>
    internal static string NameOf(string worker) => $"pachyderm-{worker}";

    /// <summary>Removes the group of a worker whose process is gone, with whatever runs in it.</summary>
    internal static async Task RemoveLeftOverAsync(ControlGroupMounts mounts, string worker, TimeProvider time)
    {
        ControlGroup group = new(time);
        group._directories.AddRange(mounts.All.Select(parent => Path.Combine(parent, NameOf(worker))).Where(Directory.Exists));
        if (group._directories.Count > 0)
        {
            await group.KillAsync().ConfigureAwait(false);
            await group.RemoveAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Makes the group, or returns <see langword="null"/> where control groups cannot be used at all.</summary>
    internal static ControlGroup? TryCreate(ControlGroupMounts mounts, string name, ResourceLimits limits, int maxProcesses, TimeProvider time)
    {
        ControlGroup group = new(time);
        string? unified = mounts.Unified is { } parent && EnableControllers(parent) ? group.TryMake(parent, name) : null;
        string? memory = unified ?? group.TryMake(mounts.Memory, name);
        string? cpu = unified ?? group.TryMake(mounts.Cpu, name);
        string? processes = unified ?? group.TryMake(mounts.Processes, name);
        group._memoryEvents = memory is null ? null : OpenMemoryEvents(memory);
        if (memory is not null && limits.MemoryBytes is { } bytes)
        {
            group.LimitsMemory = TryWrite(memory, unified is null ? "memory.limit_in_bytes" : "memory.max", Text(bytes));
            // Without a bound on swap a worker would only get slow. Not every kernel counts swap.
            _ = TryWrite(memory, unified is null ? "memory.memsw.limit_in_bytes" : "memory.swap.max", unified is null ? Text(bytes) : "0");
        }

        if (cpu is not null && limits.Cpus is { } cpus)
        {
            const long Period = 100_000;
            string quota = Text(Math.Max(1000, (long)(cpus * Period)));
            group.LimitsCpu = unified is null
                ? TryWrite(cpu, "cpu.cfs_period_us", Text(Period)) && TryWrite(cpu, "cpu.cfs_quota_us", quota)
                : TryWrite(cpu, "cpu.max", $"{quota} {Text(Period)}");
        }

        group.LimitsProcesses = processes is not null && TryWrite(processes, "pids.max", Text(maxProcesses));
        return group._directories.Count == 0 ? null : group;
    }

    /// <summary>How many processes were killed because the group used too much memory.</summary>
    internal long CountMemoryKills()
    {
        if (_memoryEvents is null)
        {
            return 0;
        }

        // A few short lines. Read twice for each datum, so the file stays open.
        Span<byte> text = stackalloc byte[512];
        text = text[..RandomAccess.Read(_memoryEvents, text, fileOffset: 0)];
        foreach (Range line in text.Split((byte)'\n'))
        {
            if (text[line].StartsWith("oom_kill "u8) && Utf8Parser.TryParse(text[line]["oom_kill ".Length..], out long kills, out _))
            {
                return kills;
            }
        }

        return 0;
    }

    /// <summary>The processes in the group.</summary>
    internal IReadOnlyList<int> Processes() =>
        [.. File.ReadLines($"{_directories[0]}/cgroup.procs").Select(line => int.Parse(line, CultureInfo.InvariantCulture))];

    /// <summary>Kills every process in the group, those that are being born included, and returns when none is left.</summary>
    internal async Task KillAsync()
    {
        string kill = $"{_directories[0]}/cgroup.kill";
        TimeSpan pause = TimeSpan.FromMilliseconds(1);
        for (IReadOnlyList<int> processes = Processes(); processes.Count > 0; processes = Processes())
        {
            if (!File.Exists(kill) || !TryWrite(_directories[0], "cgroup.kill", "1"))
            {
                foreach (int process in processes)
                {
                    Posix.Signal(process, Posix.SigKill);
                }
            }

            await Task.Delay(pause, _time).ConfigureAwait(false);
            pause = TimeSpan.FromMilliseconds(Math.Min(50, pause.TotalMilliseconds * 2));
        }
    }

    /// <summary>Removes the group, which is empty.</summary>
    internal async Task RemoveAsync()
    {
        _memoryEvents?.Dispose();
        foreach (string directory in _directories)
        {
            for (int attempt = 0; Directory.Exists(directory); attempt++)
            {
                try
                {
                    Directory.Delete(directory);
                }
                catch (IOException) when (attempt < 100)
                {
                    // A process that was waited for leaves its group a moment later.
                    await Task.Delay(TimeSpan.FromMilliseconds(10), _time).ConfigureAwait(false);
                }
            }
        }
    }

    private static bool EnableControllers(string parent) =>
        TryWrite(parent, "cgroup.subtree_control", "+memory") & TryWrite(parent, "cgroup.subtree_control", "+cpu")
        & TryWrite(parent, "cgroup.subtree_control", "+pids");

    // Version 2, then version 1.
    private static SafeFileHandle? OpenMemoryEvents(string memory) => ((string[])["memory.events", "memory.oom_control"])
        .Select(name => Path.Combine(memory, name)).Where(File.Exists)
        .Select(static file => File.OpenHandle(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite)).FirstOrDefault();

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static bool TryWrite(string directory, string file, string text)
    {
        try
        {
            File.WriteAllText(Path.Combine(directory, file), text);
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private string? TryMake(string? parent, string name)
    {
        if (parent is null)
        {
            return null;
        }

        string directory = Path.Combine(parent, name);
        if (_directories.Contains(directory, StringComparer.Ordinal))
        {
            return directory;
        }

        try
        {
            Directory.CreateDirectory(directory);
            _directories.Add(directory);
            return directory;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
