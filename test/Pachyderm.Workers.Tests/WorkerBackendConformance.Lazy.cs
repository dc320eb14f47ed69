namespace Pachyderm.Workers.Tests;

/// <summary>Files that are fetched when they are read.</summary>
public abstract partial class WorkerBackendConformance
{
    [Fact]
    public async Task A_lazy_file_is_fetched_when_it_is_read_and_others_cost_nothing()
    {
        byte[] large = new byte[1_000_000];
        MemoryTree input = new MemoryTree("in", lazy: true).With("/a/f", "hello\n").With("/a/g", large).With("/h", "never");
        DatumOutcome outcome = await RunShellAsync("cd $PACH_PFS; [ -p in/h ] && cat in/a/f >out/f; wc -c <in/a/g >out/n", input);
        AssertSuccess(outcome);
        Assert.Equal("/f=hello /n=1000000", Sink.ToString());
        Assert.Equal(["/a/f", "/a/g"], input.Fetched);
        Assert.Equal(1_000_006, outcome.Statistics.DownloadBytes);
    }

    [Fact]
    public async Task Many_lazy_files_are_read_at_once_and_in_any_order()
    {
        MemoryTree input = new("in", lazy: true);
        for (int i = 0; i < 500; i++)
        {
            input.With($"/{i % 7}/f{i}", $"{i}\n");
        }

        AssertSuccess(await RunShellAsync("cd $PACH_PFS; ls -r in/*/* | xargs -P 8 -n 10 cat | awk '{s+=$1} END {print s}' >out/sum", input));
        Assert.Equal("/sum=124750", Sink.ToString());
        Assert.Equal(500, input.Fetched.Count);
    }

    [Fact]
    public async Task A_reader_may_stop_early_and_a_second_reading_fails_instead_of_waiting()
    {
        GeneratedFile endless = new("/endless", long.MaxValue, async (stream, stop) =>
        {
            byte[] block = new byte[10_000];
            while (true)
            {
                await stream.WriteAsync(block, stop);
            }
        });
        DatumOutcome outcome = await RunShellAsync(
            "cd $PACH_PFS; head -c 5 in/endless | wc -c >out/n; cat in/f >out/f; cat in/f >out/again || echo refused >out/again",
            new MemoryTree("in", lazy: true).With(endless).With("/f", "x"));
        AssertSuccess(outcome);
        Assert.Equal("/again=refused /f=x /n=5", Sink.ToString());
    }

    [Fact]
    public async Task A_lazy_file_that_cannot_be_fetched_ends_the_command_and_is_no_fault_of_the_datum()
    {
        GeneratedFile broken = new("/f", 10, async (stream, stop) =>
        {
            await stream.WriteAsync(new byte[5], stop);
            throw new InvalidDataException("damaged");
        });
        IOException failure = await Assert.ThrowsAsync<IOException>(
            () => RunShellAsync("cat $PACH_PFS/in/f; exec sleep 1000", new MemoryTree("in", lazy: true).With(broken)));
        Assert.IsType<InvalidDataException>(failure.InnerException);
    }

    [Fact]
    public async Task A_command_that_ends_while_it_reads_leaves_nothing_streaming()
    {
        TaskCompletionSource cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        GeneratedFile slow = new("/f", 10, async (stream, stop) =>
        {
            await stream.WriteAsync(new byte[5], stop);
            await using CancellationTokenRegistration registration = stop.Register(cancelled.SetResult);
            await Task.Delay(Timeout.Infinite, stop);
        });
        AssertSuccess(await RunShellAsync(
            "head -c 1 $PACH_PFS/in/f >/dev/null; head -c 100 $PACH_PFS/in/g & exit 0",
            new MemoryTree("in", lazy: true).With(slow).With(new GeneratedFile("/g", 1, (_, stop) => Task.Delay(Timeout.Infinite, stop)))));
        await cancelled.Task.WaitAsync(Stop);
    }

    [Fact]
    public async Task Links_that_a_command_puts_in_the_way_of_lazy_files_lead_the_server_nowhere()
    {
        string victim = $"{Scratch}.victim";
        Directory.CreateDirectory(victim);
        await File.WriteAllTextAsync($"{victim}/f", "mine", Stop);
        TaskCompletionSource swapped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Log = new MemoryLog
        {
            Observe = (_, _) =>
            {
                swapped.TrySetResult();
                return ValueTask.CompletedTask;
            },
        };
        GeneratedFile file = new("/f", 5, async (stream, stop) =>
        {
            await swapped.Task.WaitAsync(stop);
            await stream.WriteAsync("theirs"u8.ToArray(), stop);
        });
        AssertSuccess(await RunShellAsync(
            $"cd $PACH_PFS; exec 3<in/f; mv in moved; ln -s '{victim}' in; echo swapped; cat <&3 >out/f", new MemoryTree("in", lazy: true).With(file)));
        Assert.Equal("/f=theirs", Sink.ToString());
        Assert.Equal("mine", await File.ReadAllTextAsync($"{victim}/f", Stop));
        Directory.Delete(victim, recursive: true);
    }
}
