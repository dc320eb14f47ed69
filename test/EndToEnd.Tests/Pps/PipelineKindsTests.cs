using System.Text.Json;
using Pachyderm.EndToEnd.Tests.Pfs;
using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests.Pps;

/// <summary>What pipelines can be, as doc/pipelines.md tells it, by pachctl and a real pachd.</summary>
public class PipelineKindsTests(PfsCluster cluster) : IClassFixture<PfsCluster>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Inputs_are_crossed_and_united()
    {
        await CommitAsync("x", ("/1", "a"), ("/2", "b"));
        await CommitAsync("y", ("/3", "c"));
        const string Names = "cd $PACH_PFS; for f in x/* y/*; do [ -e $f ] && printf '%s ' $f >> out/list; done; echo >> out/list";
        object x = new { atom = new { repo = "x", glob = "/*" } }, y = new { atom = new { repo = "y", glob = "/*" } };
        await CreateAsync(new { pipeline = new { name = "crossed" }, transform = Shell(Names), input = new { cross = new[] { x, y } } });
        await CreateAsync(new { pipeline = new { name = "united" }, transform = Shell(Names), input = new { union = new[] { x, y } } });
        await cluster.RunAsync("flush-commit", "x/master", "y/master");

        Assert.Equal("x/1 y/3 \nx/2 y/3 \n", await cluster.RunAsync("get-file", "crossed", "master", "/list"));
        Assert.Equal("x/1 \nx/2 \ny/3 \n", await cluster.RunAsync("get-file", "united", "master", "/list"));
        string list = await cluster.RunAsync("list-pipeline");
        Assert.Contains("(x:/* ⨯ y:/*)", list, StringComparison.Ordinal);
        Assert.Contains("(x:/* ∪ y:/*)", list, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_incremental_pipeline_sees_what_is_new_and_its_output_of_last_time()
    {
        await CommitAsync("numbers", ("/1", "1"), ("/2", "2"));
        await CreateAsync(new
        {
            pipeline = new { name = "sum" },
            incremental = true,
            transform = Shell("cd $PACH_PFS; read n < out/sum || n=0; for f in numbers/*; do n=$((n + $(cat $f))); echo saw $f; done; echo $n > out/sum"),
            input = new { atom = new { repo = "numbers", glob = "/" } },
        });
        await cluster.RunAsync("flush-commit", "numbers/master");
        Assert.Equal("3\n", await cluster.RunAsync("get-file", "sum", "master", "/sum"));

        await CommitAsync("numbers", ("/3", "40"));
        await cluster.RunAsync("flush-commit", "numbers/master");

        Assert.Equal("43\n", await cluster.RunAsync("get-file", "sum", "master", "/sum"));
        Assert.Equal("saw numbers/3\n", await cluster.RunAsync("get-logs", "--job", await NewestJobAsync("sum")));
    }

    [Fact]
    public async Task A_failing_datum_fails_its_job_alone_and_runs_again_after_the_fix()
    {
        await CommitAsync("mixed", ("/bad", "b"), ("/good", "g"));
        const string Script = "cd $PACH_PFS; if [ -e mixed/bad ]; then echo no luck >&2; exit 3; fi; cp mixed/* out";
        await CreateAsync(new { pipeline = new { name = "fragile" }, transform = Shell(Script), enable_stats = true, input = new { atom = new { repo = "mixed", glob = "/*" } } });
        string failed = await NewestJobAsync("fragile");

        string told = await cluster.RunAsync("inspect-job", failed, "-b");

        Assert.Contains("State: failure", told, StringComparison.Ordinal);
        Assert.Matches("Reason: 1 of 2 datums failed; .*mixed:/bad.* exit code 3: no luck", told);
        Assert.Equal(string.Concat(Enumerable.Repeat("no luck\n", 4)), await cluster.RunAsync("get-logs", "--job", failed, "--inputs", "/bad"));
        string datums = await cluster.RunAsync("list-datum", failed);
        Assert.Matches("(?s)failed .*success ", datums);
        string datum = datums.Split('\n')[1].Split(' ')[0];
        Assert.Matches("State +FAILED", await cluster.RunAsync("inspect-datum", failed, datum));
        await cluster.RefusesAsync("not found", "list-file", "fragile", "master");

        await UpdateAsync(new { pipeline = new { name = "fragile" }, transform = Shell("cp $PACH_PFS/mixed/* $PACH_PFS/out"), input = new { atom = new { repo = "mixed", glob = "/*" } } });
        await CommitAsync("mixed", ("/late", "l"));
        await cluster.RunAsync("flush-commit", "mixed/master", "-r", "fragile");

        Assert.Equal("/bad /good /late", await cluster.NamesAsync("list-file", "fragile", "master"));
        string why = await cluster.RunAsync("explain-job", await NewestJobAsync("fragile"));
        Assert.Matches("ran: an earlier job had it, but there is no result +/bad", why);
        Assert.Matches("skipped: its result was known +/good", why);
        Assert.Matches("ran: mixed:/late: new +/late", why);
    }

    [Fact]
    public async Task A_rejected_update_leaves_the_old_version_running_and_an_update_is_for_new_data_or_for_all()
    {
        await CommitAsync("versions", ("/a", "a"));
        await CreateAsync(Version("one", "/*"));
        await cluster.RunAsync("flush-commit", "versions/master");

        await cluster.RefusesAsync("glob \"/[a\" is malformed", "update-pipeline", "-f", await WriteAsync(Version("never", "/[a")));
        await cluster.RefusesAsync("input must specify a glob", "update-pipeline", "-f", await WriteAsync(Version("never", "")), "--reprocess");
        await CommitAsync("versions", ("/b", "b"));
        await cluster.RunAsync("flush-commit", "versions/master");
        Assert.Equal("one\n", await cluster.RunAsync("get-file", "versioned", "master", "/b"));

        await UpdateAsync(Version("two", "/*"));
        await CommitAsync("versions", ("/c", "c"));
        await cluster.RunAsync("flush-commit", "versions/master");
        Assert.Equal("one\n", await cluster.RunAsync("get-file", "versioned", "master", "/a"));
        Assert.Equal("two\n", await cluster.RunAsync("get-file", "versioned", "master", "/c"));

        await UpdateAsync(Version("three", "/*"), "--reprocess");
        await cluster.RunAsync("flush-commit", "versions/master");
        Assert.Equal("three\n", await cluster.RunAsync("get-file", "versioned", "master", "/a"));
        Assert.Equal("/a /b", await cluster.NamesAsync("list-file", "versioned", "master-v1"));
        Assert.Equal("/a /b /c", await cluster.NamesAsync("list-file", "versioned", "master-v2"));

        static object Version(string text, string glob) => new
        {
            pipeline = new { name = "versioned" },
            transform = Shell($"for f in $PACH_PFS/versions/*; do echo {text} > $PACH_PFS/out/$(basename $f); done"),
            input = new { atom = new { repo = "versions", glob } },
        };
    }

    [Fact]
    public async Task Output_goes_to_a_directory_and_a_paused_pipeline_catches_up()
    {
        await CommitAsync("sent", ("/d/a", "first"));
        await CreateAsync(new
        {
            pipeline = new { name = "sender" },
            transform = Shell("cp -r $PACH_PFS/sent/. $PACH_PFS/out/"),
            input = new { atom = new { repo = "sent", glob = "/" } },
            egress = new { URL = $"file://{cluster["egress"]}/here" },
        });
        await cluster.RunAsync("inspect-job", await NewestJobAsync("sender"), "-b");
        Assert.Equal("first", await File.ReadAllTextAsync(cluster["egress/here/d/a"], Cancel));

        await cluster.RunAsync("stop-pipeline", "sender");
        await CommitAsync("sent", ("/d/b", "second"));
        await CommitAsync("sent", ("/d/b", "third"));
        Assert.Matches("sender +sent:/ +sender/master .* paused", await cluster.RunAsync("list-pipeline"));
        Assert.Single(await JobsAsync("sender"));
        await cluster.RunAsync("start-pipeline", "sender");
        await cluster.RunAsync("flush-commit", "sent/master");
        string[] jobs = await JobsAsync("sender");
        foreach (string job in jobs)
        {
            await cluster.RunAsync("inspect-job", job, "-b");
        }

        Assert.Equal(3, jobs.Length);
        Assert.Equal("secondthird", await File.ReadAllTextAsync(cluster["egress/here/d/b"], Cancel));
        await cluster.RefusesAsync(
            "not below a directory that this server may send outputs to", "create-pipeline", "-f",
            await WriteAsync(new { pipeline = new { name = "outside" }, transform = Shell("true"), input = new { atom = new { repo = "sent", glob = "/" } }, egress = new { URL = "file:///etc" } }));
    }

    [Fact]
    public async Task A_cron_commits_the_time_and_runs_its_pipeline()
    {
        await CreateAsync(new { pipeline = new { name = "clock" }, transform = Shell("cp $PACH_PFS/tick/time $PACH_PFS/out"), input = new { cron = new { name = "tick", spec = "@every 1s" } } });

        PachctlResult watched = await cluster.ShellAsync("\"$@\" | head -n 2", "subscribe-commit", "clock", "master");

        Assert.Contains("\nclock ", watched.Output, StringComparison.Ordinal);
        Assert.Matches("^\"20[0-9-]+T[0-9:]+Z\"$", await cluster.RunAsync("get-file", "clock", "master", "/time"));
        Assert.Contains("tick:@every 1s", await cluster.RunAsync("list-pipeline"), StringComparison.Ordinal);
        await cluster.RunAsync("delete-pipeline", "clock", "--delete-repo");
    }

    private static object Shell(string script) => new { cmd = (string[])["sh"], stdin = (string[])[script] };

    private async Task CreateAsync(object spec) => await cluster.RunAsync("create-pipeline", "-f", await WriteAsync(spec));

    private async Task UpdateAsync(object spec, params string[] flags) => await cluster.RunAsync(["update-pipeline", "-f", await WriteAsync(spec), .. flags]);

    private async Task<string> WriteAsync(object spec)
    {
        string path = cluster[$"{Guid.NewGuid():n}.json"];
        await File.WriteAllTextAsync(path, JsonSerializer.Serialize(spec), Cancel);
        return path;
    }

    private async Task CommitAsync(string repo, params (string Path, string Content)[] files)
    {
        await cluster.TryAsync("create-repo", repo);
        await cluster.RunAsync("start-commit", repo, "master");
        foreach ((string path, string content) in files)
        {
            (await cluster.ShellAsync($"printf '{content}' | \"$@\"", "put-file", repo, "master", path)).MustExitWith(0);
        }

        await cluster.RunAsync("finish-commit", repo, "master");
    }

    private async Task<string[]> JobsAsync(string pipeline) =>
        [.. (await cluster.RunAsync("list-job", "-p", pipeline)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(static line => line.Split(' ')[0])];

    // A commit makes its job a moment after it is finished, and a watch tells of it.
    private async Task<string> NewestJobAsync(string pipeline)
    {
        await cluster.ShellAsync("d=$(mktemp -d); mkfifo $d/lines; \"$@\" > $d/lines & head -n 2 < $d/lines; kill $!; rm -r $d", "list-job", "-p", pipeline, "--watch");
        return (await JobsAsync(pipeline))[0];
    }
}
