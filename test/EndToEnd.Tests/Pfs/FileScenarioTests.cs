using System.Globalization;
using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests.Pfs;

/// <summary>What a user does with files, by pachctl and a real pachd.</summary>
public class FileScenarioTests(PfsCluster cluster) : IClassFixture<PfsCluster>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_file_that_was_put_is_got_back_and_appended_to_and_replaced()
    {
        await cluster.RunAsync("create-repo", "basics");
        (await cluster.ShellAsync("printf 'one\\n' | \"$@\"", "put-file", "basics", "master", "/f", "-c")).MustExitWith(0);
        (await cluster.ShellAsync("printf 'two\\n' | \"$@\"", "put-file", "basics", "master", "f", "-c")).MustExitWith(0);
        Assert.Equal("one\ntwo\n", await cluster.RunAsync("get-file", "basics", "master", "/f"));

        (await cluster.ShellAsync("printf three | \"$@\"", "put-file", "basics", "master", "/f", "-c", "-o")).MustExitWith(0);

        Assert.Equal("three", await cluster.RunAsync("get-file", "basics", "master", "/f"));
        Assert.Equal(3, (await cluster.RunAsync("list-commit", "basics", "master")).Split('\n').Length - 2);
        Assert.Equal($"{"NAME",-20}{"TYPE",-20}{"SIZE",-20}\n{"/f",-20}{"file",-20}{"5B",-20}\n", await cluster.RunAsync("list-file", "basics", "master"));
    }

    [Fact]
    public async Task A_directory_goes_in_and_comes_out_as_it_was()
    {
        string source = cluster["tree"];
        Directory.CreateDirectory(Path.Combine(source, "sub", "deep"));
        for (int number = 0; number < 300; number++)
        {
            byte[] content = new byte[number * 37];
            new Random(number).NextBytes(content);
            await File.WriteAllBytesAsync(Path.Combine(source, number % 2 == 0 ? "sub" : "sub/deep", $"file, {number}"), content, Cancel);
        }

        await File.WriteAllBytesAsync(Path.Combine(source, "large"), new byte[12_345_678], Cancel);
        await cluster.RunAsync("create-repo", "trees");

        await cluster.RunAsync("put-file", "trees", "master", "/", "-c", "-r", "-f", source);
        await cluster.RunAsync("get-file", "trees", "master", "/", "-r", "-o", cluster["tree-out"]);

        (await cluster.ShellAsync($"diff -r {source} {cluster["tree-out"]}")).MustExitWith(0);
        await cluster.RunAsync("get-file", "trees", "master", "/large", "-o", cluster["large-out"]);
        Assert.Equal(12_345_678, new FileInfo(cluster["large-out"]).Length);
        Assert.Equal("/large /sub", await cluster.NamesAsync("list-file", "trees", "master"));
        Assert.Contains("Children: large sub", await cluster.RunAsync("inspect-file", "trees", "master", "/"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_files_and_lists_of_files_go_below_the_path()
    {
        await cluster.RunAsync("create-repo", "several");
        Directory.CreateDirectory(cluster["names"]);
        string[] sources = [cluster["names/a"], cluster["names/b,c"]];
        foreach (string source in sources)
        {
            await File.WriteAllTextAsync(source, Path.GetFileName(source), Cancel);
        }

        await File.WriteAllTextAsync(cluster["list"], string.Join('\n', sources) + "\n\n", Cancel);

        await cluster.RunAsync("put-file", "several", "master", "flags", "-c", "-f", sources[0], "-f", sources[1]);
        await cluster.RunAsync("put-file", "several", "master", "listed", "-c", "-i", cluster["list"]);
        await cluster.RunAsync("put-file", "several", "master", "-c", "-f", sources[1]);

        foreach (string prefix in (string[])["/flags", "/listed", ""])
        {
            Assert.Equal("b,c", await cluster.RunAsync("get-file", "several", "master", prefix + sources[1]));
        }
    }

    [Fact]
    public async Task Content_is_split_by_lines_and_by_json_values()
    {
        await cluster.RunAsync("create-repo", "splits");
        (await cluster.ShellAsync("printf 'foo\\nbar\\nbuz\\nfiz\\n' | \"$@\"", "put-file", "splits", "master", "/lines", "-c", "--split", "line", "--target-file-bytes", "8")).MustExitWith(0);
        (await cluster.ShellAsync("printf '{}{} {}' | \"$@\"", "put-file", "splits", "master", "/values", "-c", "--split", "json")).MustExitWith(0);

        Assert.Equal("/lines/0000000000000000 /lines/0000000000000001", await cluster.NamesAsync("list-file", "splits", "master", "/lines"));
        Assert.Equal("buz\nfiz\n", await cluster.RunAsync("get-file", "splits", "master", "/lines/0000000000000001"));
        Assert.Equal(
            "/values/0000000000000000 /values/0000000000000001 /values/0000000000000002", await cluster.NamesAsync("glob-file", "splits", "master", "/values/*"));
    }

    [Fact]
    public async Task An_upload_that_fails_leaves_no_commit_behind()
    {
        await cluster.RunAsync("create-repo", "failing");
        (await cluster.ShellAsync("printf 1 | \"$@\"", "put-file", "failing", "master", "/a", "-c")).MustExitWith(0);
        Directory.CreateDirectory(cluster["broken"]);
        await File.WriteAllTextAsync(cluster["broken/good"], "good", Cancel);
        File.CreateSymbolicLink(cluster["broken/dangling"], cluster["nowhere"]);

        await cluster.RefusesAsync("dangling", "put-file", "failing", "master", "/d", "-c", "-r", "-f", cluster["broken"]);
        await cluster.RefusesAsync("doesn't exist", "put-file", "failing", "master", "/x", "-c", "-f", cluster["missing"]);
        PachctlResult conflict = await cluster.ShellAsync("printf 1 | \"$@\"", "put-file", "failing", "master", "/a/b", "-c");

        conflict.MustExitWith(1);
        Assert.Equal(2, (await cluster.RunAsync("list-commit", "failing")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal("/a", await cluster.NamesAsync("list-file", "failing", "master"));
    }

    [Fact]
    public async Task A_commit_is_worked_on_in_steps_and_compared()
    {
        await cluster.RunAsync("create-repo", "steps");
        (await cluster.ShellAsync("printf 1 | \"$@\"", "put-file", "steps", "master", "/old", "-c")).MustExitWith(0);
        string id = (await cluster.RunAsync("start-commit", "steps", "master")).Trim();
        Assert.Matches("^[0-9a-f]{32}$", id);
        (await cluster.ShellAsync("printf 12 | \"$@\"", "put-file", "steps", id, "/new")).MustExitWith(0);
        await cluster.RunAsync("delete-file", "steps", "master", "/old");
        Assert.Contains($"{"-",-20}{"-",-20}", await cluster.RunAsync("list-commit", "steps", id, "-n", "1"), StringComparison.Ordinal);
        await cluster.RunAsync("finish-commit", "steps", "master");

        Assert.Equal(
            $"New Files:\n{"NAME",-20}{"TYPE",-20}{"SIZE",-20}\n{"/new",-20}{"file",-20}{"2B",-20}\nOld Files:\n{"NAME",-20}{"TYPE",-20}{"SIZE",-20}\n{"/old",-20}{"file",-20}{"1B",-20}\n",
            await cluster.RunAsync("diff-file", "steps", "master", "/"));
        await cluster.RefusesAsync("is not open", "put-file", "steps", "master", "/x", "-f", "/etc/hostname");
        await cluster.RefusesAsync("has already been finished", "finish-commit", "steps", id);
        await cluster.RefusesAsync("cannot delete finished commit", "delete-commit", "steps", id);
        await cluster.RefusesAsync("not found", "get-file", "steps", "master", "/old");
        await cluster.RefusesAsync("is a directory", "get-file", "steps", "master", "/");
        Assert.Contains($"Commit: steps/{id}", await cluster.RunAsync("inspect-commit", "steps", "master"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Output_that_nobody_reads_ends_a_download_quietly()
    {
        await cluster.RunAsync("create-repo", "pipes");
        (await cluster.ShellAsync("head -c 20000000 /dev/zero | \"$@\"", "put-file", "pipes", "master", "/big", "-c")).MustExitWith(0);

        PachctlResult result = await cluster.ShellAsync("{ \"$@\"; echo $? >&2; } | head -c 3 | wc -c", "get-file", "pipes", "master", "/big");

        Assert.Equal(("3", "141\n"), (result.Output.Trim(), result.Errors));
    }

    [Fact]
    public async Task Raw_lists_are_objects_of_json_and_nothing_else()
    {
        await cluster.RunAsync("create-repo", "raw");
        (await cluster.ShellAsync("printf 1234 | \"$@\"", "put-file", "raw", "master", "/a", "-c")).MustExitWith(0);
        (await cluster.ShellAsync("printf 1234 | \"$@\"", "put-file", "raw", "master", "/b", "-c")).MustExitWith(0);

        string[] objects = (await cluster.RunAsync("list-file", "raw", "master", "--raw")).Split("\n}\n", StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(2, objects.Length);
        foreach (string text in objects)
        {
            using var json = System.Text.Json.JsonDocument.Parse(text + "}");
            Assert.Equal("4", json.RootElement.GetProperty("sizeBytes").GetString());
        }
    }

    [Fact]
    public async Task What_was_acknowledged_survives_a_power_cut()
    {
        await cluster.RunAsync("create-repo", "durable");
        await cluster.RunAsync("start-commit", "durable", "master");
        (await cluster.ShellAsync("printf before | \"$@\"", "put-file", "durable", "master", "/f")).MustExitWith(0);

        await cluster.RestartAsync();

        await cluster.RunAsync("finish-commit", "durable", "master");
        Assert.Equal("before", await cluster.RunAsync("get-file", "durable", "master", "/f"));
    }

    [Fact]
    public async Task A_subscription_prints_each_commit_at_once_and_ends_when_nobody_reads()
    {
        await cluster.RunAsync("create-repo", "feed");
        Task<PachctlResult> subscription = cluster.ShellAsync("{ \"$@\"; echo $? >&2; } | head -n 2", "subscribe-commit", "feed", "master");
        for (int number = 0; !subscription.IsCompleted; number++)
        {
            (await cluster.ShellAsync("printf x | \"$@\"", "put-file", "feed", "master", string.Create(CultureInfo.InvariantCulture, $"/{number}"), "-c")).MustExitWith(0);
        }

        PachctlResult result = await subscription;
        Assert.Matches("^REPO +ID +PARENT +STARTED +DURATION +SIZE +\nfeed +[0-9a-f]{32} +<none> ", result.Output);
        Assert.Equal("141\n", result.Errors);
    }

    [Fact]
    public async Task An_interrupt_ends_a_subscription_with_130_and_a_line()
    {
        await cluster.RunAsync("create-repo", "interrupted");
        (await cluster.ShellAsync("printf x | \"$@\"", "put-file", "interrupted", "master", "/f", "-c")).MustExitWith(0);

        await using PachctlProcess subscription = cluster.StartInto(cluster["seen"], "subscribe-commit", "interrupted", "master");
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(20));
        while (new FileInfo(cluster["seen"]) is not { Exists: true, Length: > 0 })
        {
            await timer.WaitForNextTickAsync(Cancel);
        }

        await subscription.SignalAsync("INT");

        PachctlResult result = (await subscription.WaitAsync()).MustExitWith(130);
        Assert.Equal("pachctl: interrupted\n", result.Errors);
    }
}
