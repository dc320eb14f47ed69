using Pachyderm.Errors;
using Pachyderm.Workers.Processes;

namespace Pachyderm.Workers.Tests;

/// <summary>Processes in a sandbox that is used for datum after datum.</summary>
public sealed class SandboxedProcessTests : WorkerBackendConformance
{
    [Fact]
    public async Task User_code_sees_programs_and_public_configuration_and_nothing_else_of_the_machine()
    {
        AssertSuccess(await RunShellAsync("ls -A / | tr '\\n' ' '; echo; [ \"$(cat /etc/shadow 2>/dev/null | wc -c)\" = 0 ] && echo hidden"));
        string[] entries = Log.Lines[0].Text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Empty(entries.Except(
            ["bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "nix", "gnu", "opt", "pfs", "proc", "run", "sbin", "scratch", "tmp", "usr", "var"]));
        Assert.Contains("hidden", Log.Lines.Select(line => line.Text));
    }

    [Fact]
    public async Task User_code_cannot_write_outside_its_own_directories()
    {
        AssertSuccess(await RunShellAsync(
            """
            for d in / /etc /usr /usr/bin /dev /run /run/pach /var /opt; do
              { echo x >$d/written || mkdir $d/written; } 2>/dev/null && echo "wrote to $d"
            done
            mount -t tmpfs none /pfs/out 2>/dev/null && echo mounted
            chroot /tmp /bin/true 2>/dev/null && echo chrooted
            for d in /pfs /tmp /scratch /dev/shm /var/tmp; do echo x >$d/written || echo "cannot write to $d"; done
            """));
        Assert.Empty(Log.Lines);
        Assert.False(File.Exists("/etc/written") || File.Exists("/usr/bin/written"));
    }

    [Fact]
    public async Task Nothing_of_a_datum_reaches_the_next_one()
    {
        WorkerSpec spec = ShellSpec(
            """
            ls -A /tmp /scratch /dev/shm /var/tmp /pfs/out | grep -v ':$' | tr -d '\n'; ls /pfs | tr '\n' ' '
            ipcs -m | grep -c '^0x'; ps -A 2>/dev/null | grep -c sleep
            for d in /tmp /scratch /dev/shm /pfs /pfs/in; do echo x >$d/left; mkdir $d/leftdir; chmod 0 $d/leftdir; done
            ipcmk -M 1024 >/dev/null; setsid sleep 3600 & chmod 0 /tmp /pfs /scratch /dev/shm; exit 0
            """);
        await using IWorker worker = await Backend.StartAsync(spec, Stop);
        for (int i = 0; i < 3; i++)
        {
            AssertSuccess(await RunAsync(worker, Work(new MemoryTree("in").With("/f", "x")), Stop));
        }

        Assert.Equal(string.Join('|', Enumerable.Repeat("in out 0|0", 3)), Log.ToString());
    }

    [Theory]
    [InlineData("-M 1024")]
    [InlineData("-S 1")]
    [InlineData("-Q")]
    public async Task No_kind_of_System_V_object_reaches_the_next_datum(string made)
    {
        await using IWorker worker = await Backend.StartAsync(ShellSpec($"ipcs | grep -c '^0x'; ipcmk {made} >/dev/null"), Stop);
        AssertSuccess(await RunAsync(worker, Work(), Stop));
        AssertSuccess(await RunAsync(worker, Work(), Stop));
        Assert.Equal("0|0", Log.ToString());
    }

    [Fact]
    public async Task Each_datum_can_have_a_sandbox_of_its_own()
    {
        await UseAsync(options => options with { ReuseSandbox = false });
        await using IWorker worker = await Backend.StartAsync(ShellSpec("cat /proc/1/stat | cut -d' ' -f22"), Stop);
        AssertSuccess(await RunAsync(worker, Work(), Stop));
        AssertSuccess(await RunAsync(worker, Work(), Stop));
        Assert.Equal(2, Log.Lines.Select(line => line.Text).Distinct().Count());
    }

    [Fact]
    public async Task A_command_that_kills_everything_in_its_sandbox_fails_and_the_next_datum_runs()
    {
        // Process 1 and this machine are out of reach: the sandbox has processes of its own.
        await using IWorker worker = await Backend.StartAsync(ShellSpec("[ $$ -lt 1000 ] || exit 9; [ -e /pfs/go ] || kill -KILL -1; sleep 0.1"), Stop);
        AssertFailure("and all around it was killed", await RunAsync(worker, Work(), Stop));
        AssertSuccess(await RunAsync(worker, Work(new MemoryTree("go").With("/x", "")), Stop));
    }

    [Fact]
    public async Task A_command_cannot_hold_up_the_end_by_what_it_does_to_its_streams()
    {
        AssertSuccess(await RunShellAsync(
            "perl -MFcntl -e 'for (*STDOUT, *STDERR) { fcntl($_, F_SETFL, O_NONBLOCK | O_WRONLY) or die } print \"x\" x 60000'"));
        Assert.Equal(60_000, Log.Characters);
    }

    [Fact]
    public async Task Files_of_the_machine_can_be_shown()
    {
        string secret = $"{Scratch}.secret";
        await File.WriteAllTextAsync(secret, "hush", Stop);
        WorkerSpec spec = ShellSpec("cat /secrets/key; echo x >/secrets/key") with { Mounts = [new ReadOnlyMount(secret, "/secrets/key")] };
        Assert.False((await RunAsync(spec, Work())).Succeeded);
        Assert.Contains("hush", Log.Lines.Select(line => line.Text));
        Assert.Equal("hush", await File.ReadAllTextAsync(secret, Stop));
        File.Delete(secret);
        OperatorException refusal = await Assert.ThrowsAsync<OperatorException>(() => Backend.StartAsync(spec, Stop));
        Assert.Equal("mount-missing", refusal.Id);
    }

    [Fact]
    public async Task The_network_can_be_kept_away()
    {
        await UseAsync(options => options with { Network = false });
        AssertSuccess(await RunShellAsync("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '"));
        Assert.Equal("lo", Log.ToString());
    }

    [Fact]
    public async Task Too_much_memory_fails_the_datum()
    {
        WorkerSpec spec = Spec("perl", "-e", "my $text = 'x' x 300000000; print length $text") with { Limits = new ResourceLimits(64 << 20, Cpus: null) };
        DatumOutcome outcome = await RunAsync(spec, Work());
        bool limited = Backend.Notes.All(note => !note.Contains("memory limit", StringComparison.Ordinal));
        AssertFailure(limited ? "used more than 67108864 bytes of memory" : "perl", outcome);
    }

    [Fact]
    public async Task Processes_without_end_stay_within_the_worker()
    {
        await UseAsync(options => options with { MaxProcesses = 50 });
        // Without control groups it ends by itself.
        DatumOutcome outcome = await RunShellAsync("f() { [ $1 = 0 ] || { f $(($1-1)) | f $(($1-1)) & }; }; f 8; exit 0");
        Assert.NotNull(outcome.ExitCode);
        Assert.Empty(Marked().Skip(1));
    }

    [Fact]
    public async Task Scratch_and_processes_of_a_server_that_died_are_removed_at_the_next_start()
    {
        string dead = $"{Scratch}/dead-{Guid.NewGuid():n}";
        Directory.CreateDirectory($"{dead}/datum-1/pfs/out");
        await File.WriteAllTextAsync($"{dead}/lock", "", Stop);
        await using IWorker alive = await Backend.StartAsync(Spec("true"), Stop);
        using System.Diagnostics.Process left = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("sleep", "3600") { Environment = { ["PACH_WORKER"] = Path.GetFileName(dead) } })!;
        await using (ProcessWorkerBackend next = await ProcessWorkerBackend.CreateAsync(
            new WorkerOptions { ScratchDirectory = Scratch }, ProcessIsolation.Automatic, Stop))
        {
            await left.WaitForExitAsync(Stop);
            Assert.False(Directory.Exists(dead));
        }

        AssertSuccess(await RunAsync(alive, Work(), Stop));
    }

    [Fact]
    public async Task A_scratch_directory_with_other_things_in_it_is_refused()
    {
        Directory.CreateDirectory($"{Scratch}/mine");
        OperatorException refusal = await Assert.ThrowsAsync<OperatorException>(() => ProcessWorkerBackend.CreateAsync(
            new WorkerOptions { ScratchDirectory = Scratch }, ProcessIsolation.Automatic, Stop));
        Assert.Equal("scratch-foreign", refusal.Id);
        Directory.Delete($"{Scratch}/mine");
    }

    [Theory]
    [InlineData("", "has no command")]
    [InlineData("a\0b", "zero byte")]
    public async Task A_command_that_no_process_can_have_is_refused(string command, string problem)
    {
        OperatorException refusal = await Assert.ThrowsAsync<OperatorException>(() => Backend.StartAsync(Spec(command), Stop));
        Assert.Contains(problem, refusal.Message, StringComparison.Ordinal);
    }

    protected override async Task<IWorkerBackend> CreateAsync(WorkerOptions options, CancellationToken cancellationToken) =>
        await ProcessWorkerBackend.CreateAsync(options, ProcessIsolation.Required, cancellationToken);
}
