namespace Pachyderm.Workers.Tests;

/// <summary>What a command finds, and how its end is told.</summary>
public abstract partial class WorkerBackendConformance
{
    [Fact]
    public async Task A_command_finds_its_inputs_by_their_full_paths_and_an_empty_directory_for_its_output()
    {
        MemoryTree left = new MemoryTree("left").With("/a/b.txt", "one\n").With("/c", "two\n").WithEmptyDirectory("/a/empty");
        MemoryTree right = new MemoryTree("right").With("/a/b.txt", "three\n");
        DatumOutcome outcome = await RunShellAsync(
            "cd $PACH_PFS; cat left/a/b.txt left/c right/a/b.txt >out/sum; l=$(find . | LC_ALL=C sort); echo $l >out/list",
            left, right);

        AssertSuccess(outcome);
        Assert.Equal("one\ntwo\nthree\n", Sink.Entries["/sum"]);
        Assert.Equal(
            ". ./left ./left/a ./left/a/b.txt ./left/a/empty ./left/c ./out ./out/sum ./right ./right/a ./right/a/b.txt\n",
            Sink.Entries["/list"]);
        Assert.Equal(14, outcome.Statistics.DownloadBytes);
        Assert.Equal(14 + Sink.Entries["/list"].Length, outcome.Statistics.UploadBytes);
    }

    [Fact]
    public async Task A_command_gets_the_environment_of_the_pipeline_and_of_the_datum_and_nothing_of_the_server()
    {
        Environment.SetEnvironmentVariable("SERVER_SECRET", "hush");
        WorkerSpec spec = Spec("env", "-0") with
        {
            Environment = new Dictionary<string, string>
            {
                ["PLAIN"] = "a",
                ["QUOTED"] = "it's \"$HOME\" `id`\nnext",
                ["odd.name"] = "b",
                ["IFS"] = "x",
                ["PACH_JOB_ID"] = "loses",
                ["MORE"] = "loses",
            },
        };
        DatumWork work = Work() with { Environment = new Dictionary<string, string> { ["MORE"] = "wins" } };
        AssertSuccess(await RunAsync(spec, work));
        string[] variables = string.Join('\n', Log.Lines.Select(line => line.Text)).Split('\0');
        foreach (string expected in (string[])["PLAIN=a", "QUOTED=it's \"$HOME\" `id`\nnext", "odd.name=b", "IFS=x", "PACH_JOB_ID=j1", "MORE=wins"])
        {
            Assert.Contains(expected, variables);
        }

        Assert.DoesNotContain(variables, variable => variable.StartsWith("SERVER_SECRET", StringComparison.Ordinal));
        Assert.Contains(variables, variable => variable.StartsWith("PATH=/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Standard_input_is_the_lines_joined_and_one_more_newline()
    {
        AssertSuccess(await RunAsync(Spec("od", "-An", "-c") with { Stdin = ["a b", "", "c"] }, Work()));
        AssertSuccess(await RunAsync(Spec("od", "-An", "-c"), Work()));
        Assert.Equal(@"a b\n\nc\n|\n", Log.ToString().Replace("   ", "", StringComparison.Ordinal).Replace("  ", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Arguments_reach_the_command_as_they_are()
    {
        string[] words = ["", " ", "it's", "$HOME", "a\nb", "*", "\\", "ä"];
        AssertSuccess(await RunAsync(Spec(["printf", "[%s]", .. words]), Work()));
        Assert.Equal(string.Concat(words.Select(word => $"[{word}]")), string.Join('\n', Log.Lines.Select(line => line.Text)));
    }

    [Fact]
    public async Task The_working_directory_is_empty_writable_and_gone_with_the_datum()
    {
        await using IWorker worker = await Backend.StartAsync(ShellSpec("ls -A; echo x >left; ls -A $HOME; ls -A /tmp | wc -l >$HOME/y"), Stop);
        AssertSuccess(await RunAsync(worker, Work(), Stop));
        AssertSuccess(await RunAsync(worker, Work(), Stop));
        Assert.Equal("left|left", Log.ToString());
    }

    [Fact]
    public async Task Output_is_logged_by_line_with_its_stream_and_datum()
    {
        AssertSuccess(await RunShellAsync(@"echo one; echo two >&2; printf 'a\r\n\nmissing end'"));
        Assert.All(Log.Lines, line => Assert.Equal("d1", line.DatumId));
        Assert.Equal(["one", "a\r", "", "missing end"], Log.Lines.Where(line => line.Source == LogSource.StandardOutput).Select(line => line.Text));
        Assert.Equal(["two"], Log.Lines.Where(line => line.Source == LogSource.StandardError).Select(line => line.Text));
        Assert.Equal(["missing end"], Log.Lines.Where(line => !line.Terminated).Select(line => line.Text));
    }

    [Fact]
    public async Task Long_lines_are_split_between_characters_and_odd_bytes_replaced()
    {
        await UseAsync(options => options with { MaxLineBytes = 16 });
        AssertSuccess(await RunShellAsync(@"printf '0123456789abcde\303\244tail\nx\377y\n'"));
        Assert.Equal(["0123456789abcde", "ätail", "x\ufffdy"], Log.Lines.Select(line => line.Text));
        Assert.Equal([false, true, true], Log.Lines.Select(line => line.Terminated));
    }

    [Theory]
    [InlineData("exit 3", 3, "ended with exit code 3")]
    [InlineData("kill -SEGV $$", 139, "ended by SIGSEGV")]
    [InlineData("nosuchcommand", 127, "not found")]
    public async Task A_command_that_fails_says_how(string script, int exitCode, string reason)
    {
        DatumOutcome outcome = await RunShellAsync($"echo x >$PACH_PFS/out/x; {script}");
        AssertFailure(reason, outcome);
        Assert.Equal(exitCode, outcome.ExitCode);
        Assert.Empty(Sink.Entries);
    }

    [Theory]
    [InlineData("nosuchcommand", 127)]
    [InlineData("/nosuch/command", 127)]
    [InlineData("/etc/passwd", 126)]
    [InlineData("/usr", 126)]
    public async Task A_command_that_cannot_be_started_fails(string command, int exitCode)
    {
        DatumOutcome outcome = await RunAsync(Spec(command), Work());
        AssertFailure(command, outcome);
        Assert.Equal(exitCode, outcome.ExitCode);
    }

    [Fact]
    public async Task Accepted_exit_codes_are_success()
    {
        DatumOutcome outcome = await RunAsync(ShellSpec("echo x >$PACH_PFS/out/x; exit 7") with { AcceptReturnCodes = [4, 7] }, Work());
        AssertSuccess(outcome);
        Assert.Equal(7, outcome.ExitCode);
        Assert.Equal("/x=x", Sink.ToString());
    }

    [Fact]
    public async Task Previous_output_is_there_to_be_changed()
    {
        MemoryTree previous = new MemoryTree("any").With("/sum", "41\n").With("/d/gone", "x").WithEmptyDirectory("/e");
        DatumWork work = Work() with { PreviousOutput = previous };
        AssertSuccess(await RunAsync(ShellSpec("cd $PACH_PFS/out; rm d/gone; echo 42 >>sum"), work));
        Assert.Equal("/d=/ /e=/ /sum=41\n42", Sink.ToString());
    }

    [Fact]
    public async Task What_a_command_does_to_its_input_does_not_reach_the_stored_file()
    {
        string stored = Path.Combine(Scratch, "..", $"{Path.GetFileName(Scratch)}.stored");
        await File.WriteAllTextAsync(stored, "precious\n", Stop);
        File.SetUnixFileMode(stored, UnixFileMode.UserRead);
        GeneratedFile file = new("/f", 9, (_, _) => throw new InvalidOperationException("it is on this machine")) { LocalPath = stored };
        DatumOutcome outcome = await RunShellAsync("cd $PACH_PFS; echo x >>in/f; ln in/f out/f; chmod 777 in/f", new MemoryTree("in").With(file));
        AssertSuccess(outcome);
        Assert.Equal("precious\nx\n", Sink.Entries["/f"]);
        Assert.Equal("precious\n", await File.ReadAllTextAsync(stored, Stop));
        Assert.Equal(UnixFileMode.UserRead, File.GetUnixFileMode(stored));
        File.Delete(stored);
    }

    [Theory]
    [InlineData("/../x")]
    [InlineData("/a/../../x")]
    [InlineData("/a//b")]
    [InlineData("/./a")]
    [InlineData("/")]
    public async Task An_input_path_that_no_file_can_have_fails_the_datum(string path)
    {
        DatumOutcome outcome = await RunShellAsync("echo ran", new MemoryTree("in").With(path, "x"));
        AssertFailure("cannot be a file of this machine", outcome);
        Assert.Null(outcome.ExitCode);
        Assert.Empty(Log.Lines);
        Assert.Empty(Directory.EnumerateFiles(Scratch, "x", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("out")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("")]
    public async Task An_input_name_that_cannot_be_one_fails_the_datum(string name) =>
        AssertFailure("cannot be the name of an input", await RunShellAsync("true", new MemoryTree(name).With("/x", "x")));

    [Fact]
    public async Task A_source_that_fails_is_no_fault_of_the_datum()
    {
        GeneratedFile broken = new("/f", 1, (_, _) => throw new InvalidDataException("damaged"));
        await Assert.ThrowsAsync<InvalidDataException>(() => RunShellAsync("true", new MemoryTree("in").With(broken)));
    }

    [Fact]
    public async Task A_sink_for_lines_that_fails_ends_the_command()
    {
        Log = new MemoryLog { Observe = (_, _) => throw new InvalidDataException("no more lines") };
        IOException failure = await Assert.ThrowsAsync<IOException>(() => RunShellAsync("echo x; exec sleep 1000"));
        Assert.IsType<InvalidDataException>(failure.InnerException);
    }
}
