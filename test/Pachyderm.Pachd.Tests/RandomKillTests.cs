using System.Diagnostics;
using System.Globalization;
using Grpc.Core;
using Pachyderm.ObjectStores.Tests;
using static Pachyderm.Pachd.Tests.PachdProcess;

namespace Pachyderm.Pachd.Tests;

/// <summary>
/// pachd, the shells of its workers and the programs of users are killed at random moments while commits go through three pipelines. In the
/// end everything is as if nothing had happened, and nothing was processed twice but what ran at a kill.
/// </summary>
public sealed class RandomKillTests : IDisposable
{
    private static readonly string[] Steps = ["first", "second", "third"];

    private readonly TemporaryDirectory directory = new();
    private readonly Random random = new(29);

    private enum Victim
    {
        Server,
        Shell,
        Program,
    }

    private static int Kills => Environment.GetEnvironmentVariable("PACHYDERM_LONG_TESTS") == "1" ? 100 : 8;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Killing_at_random_moments_changes_no_output_and_repeats_nothing_that_had_ended()
    {
        using RunLog log = new(directory["ran"]);
        PachdProcess pachd = await StartPachdAsync("disturbed");
        try
        {
            await CreatePipelinesAsync(pachd, log.Path);
            for (int kill = 0; kill < Kills; kill++)
            {
                await CommitAsync(pachd, kill);
                Task idle = FlushAsync(pachd);
                await Task.WhenAny(log.WaitForAsync(log.Count + random.Next(1, 40)), idle);
                Victim victim = (Victim)random.Next(3);
                if (victim == Victim.Server)
                {
                    pachd.Kill();
                    await pachd.WaitForExitAsync();
                    while (UserProcess.List(directory.Path, 0) is { Count: > 0 } left)
                    {
                        left.ForEach(process => process.Signal("KILL"));
                    }
                    log.Append("kill");
                    await pachd.DisposeAsync();
                    pachd = await StartPachdAsync("disturbed");
                }
                else
                {
                    KillOne(UserProcess.List(directory.Path, pachd.ProcessId).Where(process => process.IsProgram == (victim == Victim.Program)), log);
                }
                await idle.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            }
            await FlushAsync(pachd);
            Dictionary<string, (string Root, int Commits)> disturbed = await ReadAsync(pachd);
            Assert.Equal(await ReadUndisturbedAsync(), disturbed);
        }
        finally
        {
            await pachd.DisposeAsync();
        }
        CheckRepeats(System.IO.File.ReadAllLines(log.Path));
    }

    // What began twice must have had a kill between; and of what had ended, a kill may only repeat what was not recorded yet: the datum that
    // is taken over and the one that waits for that, of each pipeline's worker.
    private static void CheckRepeats(string[] lines)
    {
        const int NotRecorded = 3;
        Dictionary<string, (int Kill, bool Ended)> last = new(StringComparer.Ordinal);
        Dictionary<int, int> repeated = [];
        int kills = 0;
        foreach (string line in lines)
        {
            string[] words = line.Split(' ', 2);
            switch (words[0])
            {
                case "kill":
                    kills++;
                    break;
                case "begin":
                    if (last.TryGetValue(words[1], out (int Kill, bool Ended) before))
                    {
                        Assert.True(before.Kill < kills, $"{words[1]} ran twice without a kill between");
                        repeated[kills] = repeated.GetValueOrDefault(kills) + (before.Ended ? 1 : 0);
                    }
                    last[words[1]] = (kills, false);
                    break;
                default:
                    last[words[1]] = (kills, true);
                    break;
            }
        }
        Assert.True(kills > 0 && last.Count > 0, "nothing ran, or nothing was killed");
        Assert.All(last, static datum => Assert.True(datum.Value.Ended, datum.Key));
        Assert.All(repeated.Values, static count => Assert.InRange(count, 0, NotRecorded * Steps.Length));
    }

    private static Wire.Pps.CreatePipelineRequest Pipeline(string name, string repo, string glob, string log)
    {
        Wire.Pps.CreatePipelineRequest request = new()
        {
            Pipeline = new Wire.Pps.Pipeline { Name = name },
            Transform = new Wire.Pps.Transform
            {
                Cmd = { "sh", "-e" },
                Stdin =
                {
                    "cd $PACH_PFS",
                    $"datum=\"{name} $(cd in; md5sum * | md5sum)\"",
                    "echo begin $datum >>$RAN",
                    "sleep 0.02",
                    $"for file in in/*; do (cat $file; echo {name}) >out/${{file##*/}}; done",
                    "echo end $datum >>$RAN",
                },
            },
            Input = new Wire.Pps.Input { Atom = new Wire.Pps.AtomInput { Name = "in", Repo = repo, Glob = glob } },
            ParallelismSpec = new Wire.Pps.ParallelismSpec { Constant = 1 },
        };
        request.Transform.Env.Add("RAN", log);
        return request;
    }

    private static async Task CreatePipelinesAsync(PachdProcess pachd, string log)
    {
        Wire.Pps.API.APIClient pps = new(pachd.Channel);
        await pachd.CreateRepoAsync("data");
        await pps.CreatePipelineAsync(Pipeline("first", "data", "/*", log), cancellationToken: Token);
        await pps.CreatePipelineAsync(Pipeline("second", "first", "/*", log), cancellationToken: Token);
        await pps.CreatePipelineAsync(Pipeline("third", "second", "/", log), cancellationToken: Token);
    }

    private static async Task CommitAsync(PachdProcess pachd, int number)
    {
        string commit = await pachd.StartCommitAsync("data", "master");
        for (int file = 0; file < 4; file++)
        {
            byte[] content = System.Text.Encoding.UTF8.GetBytes($"{number} {file}\n");
            await pachd.PutAsync("data", commit, file == 0 ? "/common" : $"/{number}-{file}", content);
        }
        await pachd.FinishAsync("data", commit);
    }

    private static async Task FlushAsync(PachdProcess pachd)
    {
        using AsyncServerStreamingCall<Wire.Pfs.CommitInfo> call = pachd.Pfs.FlushCommit(
            new Wire.Pfs.FlushCommitRequest { Commits = { Commit("data", "master") } }, cancellationToken: Token);
        while (await call.ResponseStream.MoveNext(Token))
        {
            Assert.NotNull(call.ResponseStream.Current.Finished);
        }
    }

    private static async Task<Dictionary<string, (string Root, int Commits)>> ReadAsync(PachdProcess pachd)
    {
        Dictionary<string, (string, int)> found = new(StringComparer.Ordinal);
        foreach (string repo in Steps)
        {
            Wire.Pfs.FileInfo root = await pachd.Pfs.InspectFileAsync(
                new Wire.Pfs.InspectFileRequest { File = PachdProcess.File(repo, "master", "/") }, cancellationToken: Token);
            Wire.Pfs.CommitInfos commits = await pachd.Pfs.ListCommitAsync(
                new Wire.Pfs.ListCommitRequest { Repo = new Wire.Pfs.Repo { Name = repo } }, cancellationToken: Token);
            found.Add(repo, (Convert.ToHexString(root.Hash.Span), commits.CommitInfo.Count));
        }
        return found;
    }

    private static void KillOne(IEnumerable<UserProcess> processes, RunLog log)
    {
        if (processes.ToList() is not { Count: > 0 } found)
        {
            return;
        }

        // Stopped while the log is told, so that it cannot begin between that and its end.
        UserProcess victim = found[^1];
        victim.SignalGroup("STOP");
        log.Append("kill");
        victim.Signal("KILL");
        victim.SignalGroup("CONT");
    }

    private async Task<Dictionary<string, (string Root, int Commits)>> ReadUndisturbedAsync()
    {
        await using PachdProcess pachd = await StartPachdAsync("undisturbed");
        await CreatePipelinesAsync(pachd, directory["undisturbed-ran"]);
        for (int commit = 0; commit < Kills; commit++)
        {
            await CommitAsync(pachd, commit);
        }
        await FlushAsync(pachd);
        return await ReadAsync(pachd);
    }

    private Task<PachdProcess> StartPachdAsync(string name) => StartAsync(directory[name], "--sandbox", "none", "--nodes", "1");

    /// <summary>The file that programs append to.</summary>
    private sealed class RunLog : IDisposable
    {
        private readonly FileSystemWatcher watcher;
        private readonly Lock gate = new();
        private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public RunLog(string path)
        {
            Path = path;
            System.IO.File.WriteAllText(path, "");
            watcher = new FileSystemWatcher(System.IO.Path.GetDirectoryName(path)!, System.IO.Path.GetFileName(path));
            watcher.Changed += (_, _) => Signal();
            watcher.EnableRaisingEvents = true;
        }

        public string Path { get; }

        public int Count => System.IO.File.ReadAllLines(Path).Length;

        public void Append(string line) => System.IO.File.AppendAllText(Path, line + "\n");

        public async Task WaitForAsync(int lines)
        {
            while (true)
            {
                Task next;
                lock (gate)
                {
                    next = changed.Task;
                }
                if (Count >= lines)
                {
                    return;
                }
                await next.WaitAsync(Token);
            }
        }

        public void Dispose() => watcher.Dispose();

        private void Signal()
        {
            lock (gate)
            {
                changed.SetResult();
                changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }

    /// <summary>A process that a worker started: its shell, or a program.</summary>
    private sealed record UserProcess(int Id, int Group, bool IsProgram)
    {
        /// <summary>The processes that have a path in their command or their environment, but for one.</summary>
        public static List<UserProcess> List(string path, int except)
        {
            List<UserProcess> found = [];
            foreach (string entry in Directory.GetDirectories("/proc"))
            {
                if (!int.TryParse(Path.GetFileName(entry), CultureInfo.InvariantCulture, out int id) || id == except || id == Environment.ProcessId)
                {
                    continue;
                }
                try
                {
                    string environment = System.IO.File.ReadAllText($"{entry}/environ");
                    if (environment.Contains(path, StringComparison.Ordinal)
                        || System.IO.File.ReadAllText($"{entry}/cmdline").Contains(path, StringComparison.Ordinal))
                    {
                        found.Add(new UserProcess(id, GroupOf(id), environment.Contains("RAN=", StringComparison.Ordinal)));
                    }
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // It has ended meanwhile.
                    continue;
                }
            }

            // One that was forked but is not in its own group yet would take pachd, and these tests, with it.
            return except == 0 ? found : found.FindAll(process => process.Group != GroupOf(except));
        }

        public void Signal(string name) => Kill(name, Id);

        public void SignalGroup(string name) => Kill(name, -Group);

        private static int GroupOf(int id)
        {
            string stat = System.IO.File.ReadAllText($"/proc/{id}/stat");
            return int.Parse(
                stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[2], CultureInfo.InvariantCulture);
        }

        private static void Kill(string name, int target)
        {
            using Process kill = Process.Start(
                new ProcessStartInfo("kill", [$"-{name}", "--", target.ToString(CultureInfo.InvariantCulture)])
                {
                    RedirectStandardError = true,
                    UseShellExecute = false,
                })!;
            kill.WaitForExit();
        }
    }
}
