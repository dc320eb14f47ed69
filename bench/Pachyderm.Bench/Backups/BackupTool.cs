using System.Diagnostics;
using Pachyderm.Bench.Measuring;

namespace Pachyderm.Bench.Backups;

/// <summary>A program that backs a directory up into a repository of its own, which is flushed to the disk before the time is taken.</summary>
internal sealed class BackupTool
{
    private static readonly Dictionary<string, string> NoVariables = new(StringComparer.Ordinal);

    private readonly string _repository;
    private readonly Func<string, string, CancellationToken, Task<ProcessCost>> _backUp;
    private readonly Func<string, string, string, CancellationToken, Task<ProcessCost>> _restore;

    private BackupTool(
        string name, string repository, Func<string, string, CancellationToken, Task<ProcessCost>> backUp,
        Func<string, string, string, CancellationToken, Task<ProcessCost>> restore) =>
        (Name, _repository, _backUp, _restore) = (name, repository, backUp, restore);

    public string Name { get; }

    /// <summary>Bytes of the repository.</summary>
    public long StoredBytes => BytesIn(_repository);

    /// <summary>pachctl of this checkout, in the clear or encrypted.</summary>
    public static BackupTool Pachctl(string parent, PachctlProcess pachctl, string? passphrase)
    {
        string repository = Path.Combine(parent, passphrase is null ? "pachctl" : "pachctl-encrypted");
        List<string> options = ["--backup", repository];
        if (passphrase is not null)
        {
            string file = Path.Combine(parent, "passphrase");
            File.WriteAllText(file, passphrase + "\n");
            options.AddRange(["--passphrase-file", file]);
        }

        return new BackupTool(
            passphrase is null ? "pachctl" : "pachctl, encrypted", repository,
            (data, name, stop) => pachctl.RunAsync(["backup", "create", "--data", data, "--name", name, .. options], stop),
            (name, _, target, stop) => pachctl.RunAsync(["backup", "restore", name, "--data", target, .. options], stop));
    }

    /// <summary>restic of the system, which always encrypts, with its cache as it is used.</summary>
    public static BackupTool Restic(string parent)
    {
        string repository = Path.Combine(parent, "restic");
        Dictionary<string, string> variables = new(StringComparer.Ordinal)
        {
            ["RESTIC_PASSWORD"] = "bench",
            ["RESTIC_REPOSITORY"] = repository,
            ["RESTIC_CACHE_DIR"] = Path.Combine(parent, "restic-cache"),
        };
        return new BackupTool(
            "restic, encrypted", repository,
            async (data, name, stop) =>
            {
                if (!Directory.Exists(repository))
                {
                    await RunAsync(["init"], stop);
                }

                return await RunAsync(["backup", "--tag", name, data], stop);
            },
            (name, data, target, stop) => RunAsync(["restore", "latest", "--tag", name, "--target", target, "--include", data], stop));

        Task<ProcessCost> RunAsync(string[] arguments, CancellationToken stop) =>
            PachctlProcess.RunAsync("restic", ["--quiet", .. arguments], variables, stop);
    }

    /// <summary><c>cp -r</c>, which copies everything each time: the limit.</summary>
    public static BackupTool Copy(string parent)
    {
        string repository = Path.Combine(parent, "copies");
        Directory.CreateDirectory(repository);
        return new BackupTool(
            "cp -r", repository,
            (data, name, stop) => RunAsync(data, Path.Combine(repository, name), stop),
            (name, _, target, stop) => RunAsync(Path.Combine(repository, name), target, stop));

        static Task<ProcessCost> RunAsync(string from, string to, CancellationToken stop) =>
            PachctlProcess.RunAsync("cp", ["-r", from, to], NoVariables, stop);
    }

    /// <summary>Backs a directory up.</summary>
    public Task<ProcessCost> BackUpAsync(string data, string name, CancellationToken cancellationToken) =>
        FlushedAsync(() => _backUp(data, name, cancellationToken), cancellationToken);

    /// <summary>Restores a backup.</summary>
    /// <param name="name">The backup.</param>
    /// <param name="data">The directory that was backed up.</param>
    /// <param name="target">Where it goes; does not exist.</param>
    /// <param name="cancellationToken">Stops.</param>
    public Task<ProcessCost> RestoreAsync(string name, string data, string target, CancellationToken cancellationToken) =>
        FlushedAsync(() => _restore(name, data, target, cancellationToken), cancellationToken);

    /// <summary>Size of all files below a directory; 0 if there is none.</summary>
    public static long BytesIn(string directory) => !Directory.Exists(directory)
        ? 0
        : new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

    /// <summary>Reads all files below a directory, so that the system has them in memory as far as there is room.</summary>
    public static async Task ReadAllAsync(string directory, CancellationToken cancellationToken)
    {
        foreach (FileInfo file in new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            await using FileStream stream = file.OpenRead();
            await stream.CopyToAsync(Stream.Null, cancellationToken);
        }
    }

    /// <summary>Compares all files below a directory with those of the same path in what was restored.</summary>
    /// <exception cref="InvalidOperationException">One differs.</exception>
    public static async Task RequireSameAsync(string directory, string restored, CancellationToken cancellationToken)
    {
        // restic restores the whole path.
        string name = Path.GetFileName(directory);
        string found = Directory.EnumerateDirectories(restored, name, SearchOption.AllDirectories).MinBy(path => path.Length)
            ?? throw new InvalidOperationException($"{restored} has no {name}");
        await PachctlProcess.RunAsync("diff", ["-rq", directory, found], NoVariables, cancellationToken);
    }

    private async Task<ProcessCost> FlushedAsync(Func<Task<ProcessCost>> work, CancellationToken cancellationToken)
    {
        await PachctlProcess.RunAsync("sync", [], NoVariables, cancellationToken);
        long started = Stopwatch.GetTimestamp();
        ProcessCost cost = await work();
        await PachctlProcess.RunAsync("sync", ["-f", Path.GetDirectoryName(_repository)!], NoVariables, cancellationToken);
        return cost with { Elapsed = Stopwatch.GetElapsedTime(started) };
    }
}
