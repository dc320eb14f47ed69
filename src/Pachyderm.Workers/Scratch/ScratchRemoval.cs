using System.Diagnostics;
using Pachyderm.Errors;

namespace Pachyderm.Workers.Scratch;

/// <summary>Removes directories in which user code had its way.</summary>
internal static class ScratchRemoval
{
    /// <summary>
    /// Removes a directory and everything in it, whatever its names and permissions, and follows no link. No process may be at work in it.
    /// </summary>
    internal static async Task RemoveAsync(string directory)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
            return;
        }
        catch (DirectoryNotFoundException)
        {
            return;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Names that are not UTF-8, paths longer than the system takes at once, directories without rights: these two programs
            // work from directory to directory and with bytes.
            await RunAsync("chmod", "-R", "u+rwX", "--", directory).ConfigureAwait(false);
            await RunAsync("rm", "-rf", "--", directory).ConfigureAwait(false);
        }

        if (Directory.Exists(directory))
        {
            throw new OperatorException("scratch-not-removed", directory, "this scratch directory could not be removed",
                "remove it by hand, and look whether something is mounted in it or another user's files are");
        }
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { UseShellExecute = false, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        // What it says about single files does not matter: whether the directory is gone is looked at.
        _ = await process.StandardError.ReadToEndAsync().ConfigureAwait(false);
        await process.WaitForExitAsync().ConfigureAwait(false);
    }
}
