using System.Collections.Concurrent;
using System.Diagnostics;

namespace Pachyderm.Workers.Processes;

/// <summary>
/// Starts processes that end with this one. The kernel ends them when the thread that started them ends, and threads of the pool come and
/// go, so there is one thread for this that lives as long as the process.
/// </summary>
internal static class ProcessLauncher
{
    private static readonly BlockingCollection<(ProcessStartInfo Start, TaskCompletionSource<Process> Result)> Requests = [];
    private static readonly Thread Launcher = CreateThread();

    /// <summary>Starts a process.</summary>
    internal static Task<Process> StartAsync(ProcessStartInfo start)
    {
        TaskCompletionSource<Process> result = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Requests.Add((start, result));
        return Launcher.IsAlive ? result.Task : throw new InvalidOperationException("the thread that starts processes has ended");
    }

    private static Thread CreateThread()
    {
        Thread thread = new(Work) { IsBackground = true, Name = "process launcher" };
        thread.Start();
        return thread;
    }

    private static void Work()
    {
        foreach ((ProcessStartInfo start, TaskCompletionSource<Process> result) in Requests.GetConsumingEnumerable())
        {
            try
            {
                result.SetResult(Process.Start(start)!);
            }
            catch (Exception failure) when (failure is InvalidOperationException or System.ComponentModel.Win32Exception or IOException)
            {
                result.SetException(failure);
            }
        }
    }
}
