using System.Text;

namespace Pachyderm.Workers.Tests;

/// <summary>What becomes of <c>/pfs/out</c>, which is as hostile as the command that filled it.</summary>
public abstract partial class WorkerBackendConformance
{
    [Fact]
    public async Task Output_comes_in_the_order_of_its_names_with_empty_directories_and_whatever_its_permissions()
    {
        AssertSuccess(await RunShellAsync(
            "cd $PACH_PFS/out; mkdir -p d/e f g; echo 1 >d/x; echo 2 >b; echo 3 >'g/ä \\'; chmod 0 b d/x d g; chmod 555 ."));
        Assert.Equal(@"/b=2 /d/e=/ /d/x=1 /f=/ /g/ä \=3", Sink.ToString());
    }

    [Fact]
    public async Task Links_to_inputs_are_taken_from_the_input_without_a_copy()
    {
        MemoryTree input = new MemoryTree("in", lazy: true).With("/d/f", "secret").With("/d/g", "x").WithEmptyDirectory("/e");
        AssertSuccess(await RunShellAsync(
            """
            cd $PACH_PFS/out; mkdir s
            ln -s $PACH_PFS/in/d/f file; ln -s /pfs/in/d/g fixed; ln -s $PACH_PFS/in/d/ dir; ln -s $PACH_PFS/in all
            ln -s ../../in/d/f s/relative; ln -s file again; ln -s s/../dir/./f through; ln -s $PACH_PFS/in/e empty
            """,
            input));
        Assert.Equal(
            "/again=in:/d/f /all=in:/ /dir=in:/d /empty=in:/e /file=in:/d/f /fixed=in:/d/g /s/relative=in:/d/f /through=in:/d/f",
            Sink.ToString());
        Assert.Empty(input.Fetched);
    }

    [Fact]
    public async Task A_link_to_what_the_command_added_to_an_input_gives_its_content()
    {
        Sink = new MemorySink { Known = ["in:/f"] };
        AssertSuccess(await RunShellAsync(
            "cd $PACH_PFS/in; echo new >n; mkdir m; echo deep >m/x; ln -s $PWD/f ../out/f; ln -s $PWD/n ../out/n; ln -s $PWD/m ../out/m",
            new MemoryTree("in").With("/f", "old")));
        Assert.Equal("/f=in:/f /m/x=deep /n=new", Sink.ToString());
    }

    [Fact]
    public async Task A_link_within_the_output_gives_the_content_once_more()
    {
        AssertSuccess(await RunShellAsync(
            "cd $PACH_PFS/out; mkdir d; echo x >d/f; ln -s d/f a; ln -s $PACH_PFS/out/d b; ln d/f hard; ln -s . d/../c 2>&1; rm c; ln -s ../d/f d/g"));
        Assert.Equal("/a=x /b/f=x /b/g=x /d/f=x /d/g=x /hard=x", Sink.ToString());
    }

    [Theory]
    [InlineData("/etc/passwd", "outside /pfs")]
    [InlineData("../../../../../../../../etc/passwd", "outside /pfs")]
    [InlineData("/", "outside /pfs")]
    [InlineData("/pfsx/in/f", "outside /pfs")]
    [InlineData("/pfs", "is /pfs itself")]
    [InlineData("/pfs/../etc/passwd", "outside /pfs")]
    [InlineData("..", "is /pfs itself")]
    [InlineData("nothing", "where nothing is")]
    [InlineData("/pfs/in/nothing", "where nothing is")]
    [InlineData("/pfs/in/f/x", "where nothing is")]
    [InlineData("/pfs/in/f/..", "where nothing is")]
    [InlineData("link", "without an end")]
    [InlineData(".", "contains it")]
    [InlineData("/pfs/in/outside", "outside /pfs")]
    public async Task A_link_that_leads_nowhere_good_fails_the_datum(string target, string reason)
    {
        Sink = new MemorySink { Known = ["in:/f"] };
        DatumOutcome outcome = await RunShellAsync(
            $"ln -s /etc $PACH_PFS/in/outside; ln -s '{target}' $PACH_PFS/out/link", new MemoryTree("in").With("/f", "x"));
        AssertFailure(reason, outcome);
        AssertFailure("/pfs/out/link", outcome);
        Assert.Equal(0, outcome.ExitCode);
        Assert.DoesNotContain(Sink.Entries.Values, value => value.Contains("root", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Directories_of_links_that_multiply_fail_the_datum() =>
        AssertFailure("more than 100000 links", await RunShellAsync(
            "cd $PACH_PFS/out; mkdir d0; for i in $(seq 20); do p=$((i-1)); mkdir d$i; for l in a b c; do ln -s ../d$p d$i/$l; done; done"));

    [Theory]
    [InlineData("mkfifo x", "/pfs/out/d/x is a named pipe")]
    [InlineData("ln -s $PACH_PFS/in/f x", "/pfs/out/d/x is a named pipe")]
    [InlineData("perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) or die; bind(S, sockaddr_un(\"x\")) or die'", "/pfs/out/d/x is a socket")]
    public async Task What_is_no_file_fails_the_datum(string make, string reason)
    {
        Sink = new MemorySink { Known = [] };
        AssertFailure(reason, await RunShellAsync(
            $"mkdir $PACH_PFS/out/d; cd $PACH_PFS/out/d; {make}", new MemoryTree("in", lazy: true).With("/f", "x")));
    }

    [Fact]
    public async Task Names_that_are_not_text_fail_the_datum_and_are_shown()
    {
        DatumOutcome outcome = await RunShellAsync(@"cd $PACH_PFS/out; mkdir d; cd d; n=$(printf 'a\377b'); echo x >$n; mkdir ${TMPDIR:-/tmp}/$n");
        AssertFailure(@"/pfs/out/d/a\xffb is not UTF-8", outcome);
    }

    [Fact]
    public async Task Odd_names_outside_the_output_do_not_matter_and_are_removed() => AssertSuccess(await RunShellAsync(
        @"n=$(printf '\377\n\001'); for d in . ${TMPDIR:-/tmp} $PACH_PFS $PACH_PFS/in; do mkdir -p $d/""$n/$n""; echo x >$d/""$n/$n/f""; done",
        new MemoryTree("in").With("/f", "x")));

    [Theory]
    [InlineData("rm -r $PACH_PFS/out")]
    [InlineData("rm -r $PACH_PFS/out; echo x >$PACH_PFS/out")]
    [InlineData("rm -r $PACH_PFS/out; ln -s /etc $PACH_PFS/out")]
    public async Task An_output_directory_that_is_gone_fails_the_datum(string script) =>
        AssertFailure("/pfs/out is no directory any more", await RunShellAsync(script));

    [Fact]
    public async Task Directories_without_end_fail_the_datum_and_are_removed() => AssertFailure(
        "more than 1000 deep",
        await RunShellAsync("cd $PACH_PFS/out; perl -e 'for (1..3000) { mkdir \"dddddddddd\"; chdir \"dddddddddd\" or die }'"));

    [Fact]
    public async Task A_sink_that_fails_is_no_fault_of_the_datum()
    {
        await using IWorker worker = await Backend.StartAsync(ShellSpec("echo x >$PACH_PFS/out/x"), Stop);
        await using IPreparedDatum prepared = await worker.PrepareAsync(Work(), Stop);
        await prepared.RunAsync(Log, Stop);
        await Assert.ThrowsAsync<InvalidDataException>(() => prepared.CollectAsync(new BrokenSink(), Stop));
    }

    [Fact]
    public async Task Large_and_binary_files_come_back_as_they_were()
    {
        byte[] content = new byte[3_000_001];
        new Random(7).NextBytes(content);
        string expected = Encoding.UTF8.GetString(content);
        AssertSuccess(await RunShellAsync("cp $PACH_PFS/in/* $PACH_PFS/out", new MemoryTree("in").With("/f", content).With("/empty", "")));
        Assert.Equal(expected, Sink.Entries["/f"]);
        Assert.Equal("", Sink.Entries["/empty"]);
    }

    private sealed class BrokenSink : IOutputSink
    {
        public Task AddFileAsync(string path, Stream content, CancellationToken cancellationToken) =>
            throw new InvalidDataException("the store is full");

        public Task AddDirectoryAsync(string path, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task<bool> AddInputAsync(string path, string inputName, string inputPath, CancellationToken cancellationToken) =>
            Task.FromResult(true);
    }
}
