namespace Pachyderm.Workers.Tests;

/// <summary>Commands that mean harm, or do it anyhow.</summary>
public abstract partial class WorkerBackendConformance
{
    private const string Daemons =
        "trap '' TERM; (trap '' TERM HUP; setsid sh -c 'sleep 3600 & exec sleep 3600' >/dev/null 2>&1 &) ; nohup sleep 3600 >/dev/null 2>&1 & ";

    [Fact]
    public async Task What_a_command_leaves_running_is_gone_when_the_datum_is()
    {
        await using IWorker worker = await Backend.StartAsync(ShellSpec(Daemons + "sleep 3600 & echo x >$PACH_PFS/out/x"), Stop);
        await using IPreparedDatum prepared = await worker.PrepareAsync(Work(), Stop);
        int before = Marked().Count;
        await prepared.RunAsync(Log, Stop);
        Assert.Equal(before, Marked().Count);
        AssertSuccess(await prepared.CollectAsync(Sink, Stop));
    }

    [Fact]
    public async Task A_cancelled_command_is_asked_to_end_and_has_time_for_it()
    {
        await using IWorker worker = await Backend.StartAsync(
            ShellSpec("trap 'echo x >$PACH_PFS/in/bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done"), Stop);
        using CancellationTokenSource cancel = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        Log = new MemoryLog { Observe = (_, _) => new ValueTask(cancel.CancelAsync()) };
        await using IPreparedDatum prepared = await worker.PrepareAsync(Work(new MemoryTree("in").With("/f", "x")), Stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => prepared.RunAsync(Log, cancel.Token));
        Assert.Single(Directory.EnumerateFiles(Scratch, "bye", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_cancelled_command_that_ignores_it_is_killed_with_all_that_it_started()
    {
        await UseAsync(options => options with { KillGrace = TimeSpan.FromMilliseconds(50) });
        await CancelWhenReadyAsync(Daemons + "echo ready; while :; do sleep 0.01; done");
        Assert.Empty(Marked());
    }

    [Fact]
    public async Task A_cancelled_command_that_prints_without_end_into_a_full_log_is_ended()
    {
        await UseAsync(options => options with { KillGrace = TimeSpan.FromMilliseconds(50) });
        using CancellationTokenSource cancel = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        Log = new MemoryLog
        {
            Observe = async (_, stop) =>
            {
                await cancel.CancelAsync();
                await Task.Delay(Timeout.Infinite, stop);
            },
        };
        await using IWorker worker = await Backend.StartAsync(Spec("yes"), Stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(worker, Work(), cancel.Token));
    }

    [Fact]
    public async Task A_worker_goes_on_after_a_cancelled_datum()
    {
        await UseAsync(options => options with { KillGrace = TimeSpan.FromMilliseconds(50) });
        await using IWorker worker = await Backend.StartAsync(ShellSpec("[ -e $PACH_PFS/go ] && exit 0; trap '' TERM; echo ready; while :; do sleep 0.01; done"), Stop);
        await CancelWhenReadyAsync(worker);
        AssertSuccess(await RunAsync(worker, Work(new MemoryTree("go").With("/x", "")), Stop));
    }

    [Theory]
    [InlineData("dd if=/dev/zero of=$PACH_PFS/out/big bs=1M count=1000")]
    [InlineData("cd $PACH_PFS/out; while :; do echo x >$i; i=x$((n=n+1)); done")]
    [InlineData("cd ${TMPDIR:-/tmp}; while :; do head -c 1000000 /dev/zero >x$((n=n+1)); done")]
    [InlineData("head -c 9000000 /dev/zero | split -b 1000 -a 4 - $PACH_PFS/out/f")]
    public async Task A_command_that_fills_the_disk_is_ended(string script)
    {
        await UseAsync(options => options with { MaxScratchBytes = 8 << 20, KillGrace = TimeSpan.FromMilliseconds(50) });
        AssertFailure("wrote more than 8388608 bytes", await RunShellAsync(script));
        Assert.Empty(Sink.Entries);
    }

    [Fact]
    public async Task A_command_that_eats_into_the_last_free_space_is_ended()
    {
        await UseAsync(options => options with { FreeSpaceReserve = long.MaxValue, KillGrace = TimeSpan.FromMilliseconds(50) });
        AssertFailure("bytes left", await RunShellAsync("exec sleep 3600"));
    }

    [Fact]
    public async Task A_hundred_thousand_files_come_out()
    {
        AssertSuccess(await RunShellAsync("mkdir $PACH_PFS/out/d; seq 100000 | split -l 1 -a 5 - $PACH_PFS/out/d/f"));
        Assert.Equal(100_000, Sink.Entries.Count);
        Assert.Equal(5_000_050_000, Sink.Entries.Values.Sum(value => long.Parse(value, System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task A_gigabyte_of_lines_passes_through_in_bounded_memory()
    {
        long before = GC.GetTotalMemory(forceFullCollection: true);
        AssertSuccess(await RunShellAsync("yes $(head -c 999 /dev/zero | tr '\\0' x) 2>/dev/null | head -c 1000000000"));
        Assert.Equal(1_000_000_000, Log.Characters);
        Log = new MemoryLog();
        Assert.True(GC.GetTotalMemory(forceFullCollection: true) - before < 64 << 20);
    }

    [Fact]
    public async Task Commands_of_two_workers_do_not_meet()
    {
        await using IWorker first = await Backend.StartAsync(ShellSpec("cat $PACH_PFS/in/f >$PACH_PFS/out/f; ls $PACH_PFS"), Stop);
        await using IWorker second = await Backend.StartAsync(ShellSpec("cat $PACH_PFS/in/f >$PACH_PFS/out/f; ls $PACH_PFS"), Stop);
        MemorySink[] sinks = await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            MemorySink sink = new();
            DatumWork work = Work(new MemoryTree("in").With("/f", $"{i}"));
            await using IPreparedDatum prepared = await (i % 2 == 0 ? first : second).PrepareAsync(work, Stop);
            await prepared.RunAsync(Log, Stop);
            AssertSuccess(await prepared.CollectAsync(sink, Stop));
            return sink;
        }));
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"/f={i}"), sinks.Select(sink => sink.ToString()));
        Assert.All(Log.Lines, line => Assert.True(line.Text is "in" or "out"));
    }

    [Fact]
    public async Task Scratch_is_removed_at_whatever_stage_a_datum_is_given_up()
    {
        await using IWorker worker = await Backend.StartAsync(ShellSpec("echo x >$PACH_PFS/out/x"), Stop);
        // The first leaves empty directories to the others, where they may be used again.
        await (await worker.PrepareAsync(Work(new MemoryTree("in").With("/f", "x")), Stop)).DisposeAsync();
        string[] before = Listing();
        IPreparedDatum prepared = await worker.PrepareAsync(Work(new MemoryTree("in").With("/f", "x")), Stop);
        Assert.NotEqual(before, Listing());
        await prepared.DisposeAsync();
        Assert.Equal(before, Listing());

        IPreparedDatum ran = await worker.PrepareAsync(Work(new MemoryTree("in", lazy: true).With("/f", "x")), Stop);
        await ran.RunAsync(Log, Stop);
        await ran.DisposeAsync();
        Assert.Equal(before, Listing());

        using CancellationTokenSource cancel = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        GeneratedFile slow = new("/f", 1, async (_, stop) =>
        {
            await cancel.CancelAsync();
            await Task.Delay(Timeout.Infinite, stop);
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => worker.PrepareAsync(Work(new MemoryTree("in").With(slow)), cancel.Token));
        Assert.Equal(before, Listing());

        string[] Listing() => [.. Directory.EnumerateFileSystemEntries(Scratch, "*", SearchOption.AllDirectories).Order()];
    }

    [Fact]
    public async Task Datums_flow_in_their_order()
    {
        await using IWorker worker = await Backend.StartAsync(ShellSpec("cat $PACH_PFS/in/f >$PACH_PFS/out/f"), Stop);
        List<string> ended = [];
        await DatumFlow.RunAsync(
            worker,
            Each(Enumerable.Range(0, 30).Select(i => Work(new MemoryTree("in").With("/f", $"{i}")) with { Id = $"{i}" }), Stop),
            Log,
            _ => new MemorySink(),
            (work, sink, outcome) =>
            {
                AssertSuccess(outcome);
                ended.Add($"{work.Id}{sink}");
                return Task.CompletedTask;
            },
            Stop);
        Assert.Equal(Enumerable.Range(0, 30).Select(i => $"{i}/f={i}"), ended);
    }

    [Theory]
    [InlineData("chmod 500 $PACH_PFS/out $PACH_PFS/a")]
    [InlineData("chmod 0 $PACH_PFS/out $PACH_PFS/a")]
    [InlineData("chmod 777 $PACH_PFS/out $PACH_PFS/a $PACH_PFS")]
    [InlineData("setfacl -d -m u::rwx,g::rwx,o::rwx $PACH_PFS/out $PACH_PFS/a 2>/dev/null || chmod g+s $PACH_PFS/out")]
    [InlineData("cd $PACH_PFS/out; i=0; while [ $i -lt 300 ]; do : >long-name-long-name-long-name-long-name-$i; i=$((i+1)); done; rm *")]
    [InlineData("rm -r $PACH_PFS/a $PACH_PFS/out; ln -s /etc $PACH_PFS/a; mkdir $PACH_PFS/out")]
    [InlineData("touch $PACH_PFS/beside $PACH_PFS/a/beside; mkdir -p $PACH_PFS/c/d; mv $PACH_PFS/a $PACH_PFS/b $PACH_PFS/out")]
    public async Task What_a_datum_does_to_its_directories_does_not_reach_the_next(string command)
    {
        await using IWorker worker = await Backend.StartAsync(
            ShellSpec($"if [ -e $PACH_PFS/b ]; then {command}; else cd $PACH_PFS; stat -c '%n %a %s %u' a out >out/seen; ls . a >>out/seen; fi; true"),
            Stop);
        MemorySink first = new();
        await RunToEndAsync(new MemoryTree("a").With("/x", "1"), first);
        for (int round = 0; round < 2; round++)
        {
            await RunToEndAsync(new MemoryTree("a").With("/f", "1"), new MemorySink(), new MemoryTree("b").With("/f", "2"));
            MemorySink next = new();
            await RunToEndAsync(new MemoryTree("a").With("/x", "1"), next);
            Assert.Equal(first.ToString(), next.ToString());
        }

        async Task RunToEndAsync(MemoryTree input, MemorySink sink, params MemoryTree[] more)
        {
            await using IPreparedDatum datum = await worker.PrepareAsync(Work([input, .. more]), Stop);
            await datum.RunAsync(Log, Stop);
            await datum.CollectAsync(sink, Stop);
        }
    }

    [Fact]
    public async Task A_flow_ends_with_the_first_exception_and_leaves_nothing()
    {
        await using IWorker worker = await Backend.StartAsync(ShellSpec("cat $PACH_PFS/in/f >$PACH_PFS/out/f"), Stop);
        int ended = 0;
        await Assert.ThrowsAsync<InvalidDataException>(() => DatumFlow.RunAsync(
            worker,
            Each(Enumerable.Range(0, 1000).Select(i => Work(new MemoryTree("in").With("/f", $"{i}"))), Stop),
            Log,
            _ => new MemorySink(),
            (_, _, _) => ++ended == 5 ? throw new InvalidDataException("enough") : Task.CompletedTask,
            Stop));
        Assert.Equal(5, ended);
        Assert.DoesNotContain(
            Directory.EnumerateDirectories(Scratch, "datum-*", SearchOption.AllDirectories)
                .SelectMany(datum => Directory.EnumerateFileSystemEntries(datum, "*", SearchOption.AllDirectories)),
            path => Path.GetFileName(path) is not ("pfs" or "in" or "out"));
    }

    [Fact]
    public async Task Disposing_a_worker_ends_what_it_runs()
    {
        await using IWorker worker = await Backend.StartAsync(ShellSpec(Daemons + "echo ready; exec sleep 3600"), Stop);
        TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Log = new MemoryLog { Observe = (_, _) => { ready.TrySetResult(); return ValueTask.CompletedTask; } };
        await using IPreparedDatum prepared = await worker.PrepareAsync(Work(), Stop);
        Task run = prepared.RunAsync(Log, Stop);
        await ready.Task.WaitAsync(Stop);
        await worker.DisposeAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Empty(Marked());
    }

    private async Task CancelWhenReadyAsync(string script)
    {
        await using IWorker worker = await Backend.StartAsync(ShellSpec(script), Stop);
        await CancelWhenReadyAsync(worker);
    }

    private async Task CancelWhenReadyAsync(IWorker worker)
    {
        using CancellationTokenSource cancel = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        Log = new MemoryLog { Observe = (line, _) => line.Text == "ready" ? new ValueTask(cancel.CancelAsync()) : ValueTask.CompletedTask };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(worker, Work(), cancel.Token));
    }
}
