using Pachyderm.Pachctl.Output;
using Pachyderm.Wire.Pps;

namespace Pachyderm.Pachctl.Pps;

/// <summary>Jobs as they change: on a terminal a table that is drawn again, elsewhere a line for each change.</summary>
internal static class JobWatch
{
    private const int LinesAround = 2;
    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(100);

    /// <summary>Shows jobs until nothing more comes, which is when the caller's token says so.</summary>
    public static Task RunAsync(TextWriter output, IAsyncEnumerable<JobInfo> changes, bool raw, CancellationToken cancellationToken) =>
        raw || Console.IsOutputRedirected ? PrintAsync(output, changes, raw) : DrawAsync(output, changes, cancellationToken);

    /// <summary>Prints a line for each change.</summary>
    internal static async Task PrintAsync(TextWriter output, IAsyncEnumerable<JobInfo> changes, bool raw)
    {
        TabTable? table = raw ? null : JobTable.Unbuffered(output);
        await foreach (JobInfo job in changes)
        {
            if (table is null)
            {
                RawJson.WriteLine(output, job);
            }
            else
            {
                JobTable.Add(table, job, TimeProvider.System.GetUtcNow());
            }

            await output.FlushAsync();
        }
    }

    private static async Task DrawAsync(TextWriter output, IAsyncEnumerable<JobInfo> changes, CancellationToken cancellationToken)
    {
        Dictionary<string, JobInfo> jobs = new(StringComparer.Ordinal);
        int drawn = 0;
        bool changed = false;
        await using IAsyncEnumerator<JobInfo> coming = changes.GetAsyncEnumerator(cancellationToken);
        Task<bool> next = coming.MoveNextAsync().AsTask();
        using PeriodicTimer timer = new(Redraw);
        Task<bool> tick = timer.WaitForNextTickAsync(cancellationToken).AsTask();
        while (true)
        {
            // Many changes at once are one drawing.
            if (await Task.WhenAny(next, tick) == tick)
            {
                await tick;
                tick = timer.WaitForNextTickAsync(cancellationToken).AsTask();
                if (changed)
                {
                    drawn = Draw(output, jobs.Values, drawn);
                    changed = false;
                    await output.FlushAsync(cancellationToken);
                }

                continue;
            }

            if (!await next)
            {
                return;
            }

            jobs[coming.Current.Job?.Id ?? ""] = coming.Current;
            changed = true;
            next = coming.MoveNextAsync().AsTask();
        }
    }

    // Those that fit on the screen, newest first; what was drawn before is written over.
    private static int Draw(TextWriter output, IEnumerable<JobInfo> jobs, int drawn)
    {
        int room = Math.Max(1, Console.WindowHeight - LinesAround);
        JobInfo[] shown = [.. JobCommands.NewestFirst(jobs).Take(room)];
        if (drawn > 0)
        {
            output.Write($"\x1b[{drawn}A\r\x1b[J");
        }

        JobTable.Write(output, shown, TimeProvider.System.GetUtcNow());
        return shown.Length + 1;
    }
}
