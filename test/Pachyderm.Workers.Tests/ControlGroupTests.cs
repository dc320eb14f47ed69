using Pachyderm.Workers.Resources;

namespace Pachyderm.Workers.Tests;

public sealed class ControlGroupTests
{
    [Fact]
    public void Groups_are_found_in_the_hierarchies_of_version_1()
    {
        ControlGroupMounts found = ControlGroupMounts.Parse(
            [
                "30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct",
                "31 25 0:27 /docker/1 /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory",
                "32 25 0:28 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw",
            ],
            ["4:cpu,cpuacct:/a", "3:memory:/docker/1/b", "2:pids:/c", "0::/d"]);
        Assert.Equal(new ControlGroupMounts(null, "/sys/fs/cgroup/memory/b", "/sys/fs/cgroup/cpu,cpuacct/a", null), found);
    }

    [Fact]
    public void A_group_out_of_sight_is_none() => Assert.Empty(ControlGroupMounts.Parse(
        ["31 25 0:27 /docker/1 /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory"], ["3:memory:/other"]).All);

    [Fact]
    public async Task Version_2_gets_limits_by_its_own_files()
    {
        // The files that the kernel would make; without a hierarchy of version 2 only their names and texts can be looked at.
        string root = Directory.CreateTempSubdirectory("workers").FullName;
        await File.WriteAllTextAsync($"{root}/cgroup.controllers", "cpu memory pids\n", TestContext.Current.CancellationToken);
        ControlGroupMounts mounts = ControlGroupMounts.Parse([$"31 25 0:27 / {root} rw,nosuid - cgroup2 cgroup2 rw"], ["0::/"]);
        ControlGroup group = ControlGroup.TryCreate(mounts, "w", new ResourceLimits(1000, 0.5), maxProcesses: 7, TimeProvider.System)!;
        Assert.True(group.LimitsMemory && group.LimitsCpu && group.LimitsProcesses);
        Assert.Equal("+pids", await File.ReadAllTextAsync($"{root}/cgroup.subtree_control", TestContext.Current.CancellationToken));
        Assert.Equal([$"{root}/w/cgroup.procs"], group.EntryFiles);
        Assert.Equal(
            ["1000", "0", "50000 100000", "7"],
            new[] { "memory.max", "memory.swap.max", "cpu.max", "pids.max" }.Select(file => File.ReadAllText($"{root}/w/{file}")));
        Directory.Delete(root, recursive: true);
    }
}
