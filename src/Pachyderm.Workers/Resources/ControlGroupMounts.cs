namespace Pachyderm.Workers.Resources;

/// <summary>Where groups for workers can be made: the groups of this process in the hierarchies that the machine has mounted.</summary>
/// <param name="Unified">In the hierarchy of version 2, if it has the memory controller; it goes before the others.</param>
/// <param name="Memory">In the version 1 hierarchy that limits memory.</param>
/// <param name="Cpu">In the one that limits processor time.</param>
/// <param name="Processes">In the one that limits the number of processes.</param>
internal sealed record ControlGroupMounts(string? Unified, string? Memory, string? Cpu, string? Processes)
{
    /// <summary>Each place once.</summary>
    internal IEnumerable<string> All => ((string?[])[Unified, Memory, Cpu, Processes]).OfType<string>().Distinct(StringComparer.Ordinal);

    /// <summary>Reads what the kernel says of this process.</summary>
    internal static ControlGroupMounts Read() =>
        Parse(File.ReadAllLines("/proc/self/mountinfo"), File.ReadAllLines("/proc/self/cgroup"));

    /// <summary>Puts the two lists together.</summary>
    internal static ControlGroupMounts Parse(IReadOnlyList<string> mounts, IReadOnlyList<string> groups)
    {
        string? unified = Find(mounts, groups, controller: "");
        if (unified is not null && !HasMemory(unified))
        {
            unified = null;
        }

        return new ControlGroupMounts(
            unified, Find(mounts, groups, "memory"), Find(mounts, groups, "cpu"), Find(mounts, groups, "pids"));
    }

    private static bool HasMemory(string directory)
    {
        string file = Path.Combine(directory, "cgroup.controllers");
        return File.Exists(file) && File.ReadAllText(file).Split(' ', '\n').Contains("memory", StringComparer.Ordinal);
    }

    private static string? Find(IReadOnlyList<string> mounts, IReadOnlyList<string> groups, string controller)
    {
        // 4:cpu,cpuacct:/path
        string? group = groups.Select(line => line.Split(':', 3))
            .FirstOrDefault(fields => fields.Length == 3 && fields[1].Split(',').Contains(controller, StringComparer.Ordinal))?[2];
        if (group is null)
        {
            return null;
        }

        foreach (string line in mounts)
        {
            // 30 25 0:26 /root /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
            string[] halves = line.Split(" - ", 2);
            string[] place = halves[0].Split(' ');
            string[] kind = halves.Length == 2 ? halves[1].Split(' ') : [];
            if (place.Length < 5 || kind.Length < 3)
            {
                continue;
            }

            bool fits = controller.Length == 0
                ? kind[0] == "cgroup2"
                : kind[0] == "cgroup" && kind[2].Split(',').Contains(controller, StringComparer.Ordinal);
            if (fits && Below(group, place[3]) is { } relative)
            {
                return place[4].TrimEnd('/') + relative.TrimEnd('/');
            }
        }

        return null;
    }

    private static string? Below(string group, string root) => root switch
    {
        "/" => group,
        _ when group == root => "",
        _ when group.StartsWith(root + "/", StringComparison.Ordinal) => group[root.Length..],
        _ => null,
    };
}
