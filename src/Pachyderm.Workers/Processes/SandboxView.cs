using Microsoft.Win32.SafeHandles;
using Pachyderm.Workers.Native;

namespace Pachyderm.Workers.Processes;

/// <summary>
/// What a sandbox shows of the machine: its programs and its configuration as everybody may read them. Files below <c>/etc</c> that this
/// process may read and others may not, such as <c>/etc/shadow</c> for root, are covered.
/// </summary>
internal sealed class SandboxView
{
    private static readonly string[] ProgramDirectories =
        ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix/store", "/gnu/store"];

    private readonly List<string> _arguments = [];

    private SandboxView(string program)
    {
        Program = program;
        foreach (string directory in ProgramDirectories)
        {
            DirectoryInfo info = new(directory);
            if (info.LinkTarget is { } target)
            {
                _arguments.AddRange(["--symlink", target, directory]);
            }
            else if (info.Exists)
            {
                _arguments.AddRange(["--ro-bind", directory, directory]);
            }
        }

        _arguments.AddRange(["--ro-bind", "/etc", "/etc"]);
        using (SafeFileHandle etc = Posix.Open(directory: null, Posix.Bytes("/etc"), Posix.DirectoryOnly))
        {
            Cover(etc, "/etc");
        }

        // Where the addresses of name servers are often kept, outside /etc.
        if (new FileInfo("/etc/resolv.conf").ResolveLinkTarget(returnFinalTarget: true) is { Exists: true } resolver
            && !resolver.FullName.StartsWith("/etc/", StringComparison.Ordinal))
        {
            _arguments.AddRange(["--ro-bind", resolver.FullName, resolver.FullName]);
        }
    }

    /// <summary>The path of bwrap.</summary>
    internal string Program { get; }

    /// <summary>Looks at the machine; <see langword="null"/> without bubblewrap.</summary>
    internal static SandboxView? TryCreate()
    {
        string? program = Shell.BaseEnvironment["PATH"].Split(':').Select(directory => $"{directory}/bwrap").FirstOrDefault(File.Exists);
        return program is null ? null : new SandboxView(program);
    }

    /// <summary>Arguments of bwrap up to what differs from worker to worker.</summary>
    internal IEnumerable<string> Arguments(bool network) =>
    [
        "--unshare-all", .. network ? (string[])["--share-net"] : [], "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv",
        "--tmpfs", "/", .. _arguments, "--symlink", "../tmp", "/var/tmp", "--dev", "/dev", "--proc", "/proc",
    ];

    private void Cover(SafeFileHandle directory, string path)
    {
        foreach (byte[] name in Posix.Names(directory))
        {
            if (OddNames.Text(name) is not { } text || Posix.Status(directory, name) is not { } status
                || status.Kind is not (FileKind.Regular or FileKind.Directory))
            {
                continue;
            }

            string entry = $"{path}/{text}";
            int flags = status.Kind is FileKind.Directory ? Posix.DirectoryOnly : Posix.ReadOnly;
            using SafeFileHandle? opened = Posix.TryOpen(directory, name, flags | Posix.NoFollow | Posix.NonBlocking, out _);
            if (opened is null)
            {
                continue;
            }

            const int OthersRead = 4;
            const int OthersEnter = 5;
            if (status.Kind is FileKind.Regular)
            {
                if ((status.Permissions & OthersRead) == 0)
                {
                    _arguments.AddRange(["--ro-bind", "/dev/null", entry]);
                }
            }
            else if ((status.Permissions & OthersEnter) != OthersEnter)
            {
                _arguments.AddRange(["--tmpfs", entry, "--remount-ro", entry]);
            }
            else
            {
                Cover(opened, entry);
            }
        }
    }
}
