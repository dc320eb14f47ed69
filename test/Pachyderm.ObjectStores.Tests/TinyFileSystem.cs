using System.Diagnostics;

namespace Pachyderm.ObjectStores.Tests;

/// <summary>A file system in memory of a size of its own, for disks that fill up.</summary>
public sealed class TinyFileSystem : IDisposable
{
    private TinyFileSystem(string path) => Path = path;

    public string Path { get; }

    /// <summary>Mounts it; null if this process may not.</summary>
    public static TinyFileSystem? TryMount(string path, string options)
    {
        Directory.CreateDirectory(path);
        return OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && Run("mount", "-t", "tmpfs", "-o", options, "tmpfs", path) == 0
            ? new TinyFileSystem(path)
            : null;
    }

    /// <summary>Changes its options, such as <c>ro</c>.</summary>
    public void Remount(string options) => Assert.Equal(0, Run("mount", "-o", "remount," + options, Path));

    public void Dispose() => Assert.Equal(0, Run("umount", Path));

    private static int Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
        return process.ExitCode;
    }
}
