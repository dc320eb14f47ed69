using System.Security.Cryptography;
using System.Text;
using Pachyderm.Client;
using Pachyderm.EndToEnd.Tests.Support;
using Pachyderm.Wire.Pfs;
using FileInfo = Pachyderm.Wire.Pfs.FileInfo;

namespace Pachyderm.EndToEnd.Tests.Pfs;

/// <summary><c>put-file --history</c> between two servers.</summary>
public sealed class HistoryTests(PfsCluster cluster) : IClassFixture<PfsCluster>
{
    private readonly string _repo = "r" + Guid.NewGuid().ToString("N");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_commit_arrives_with_its_identifier_times_parent_and_exactly_its_files()
    {
        await using PachdProcess other = await PachdProcess.StartAsync(cluster[$"{_repo}-source"]);
        await using PachClient source = new(other.Address);
        await using PachClient target = new(cluster.Server.Address);
        await source.Repos.CreateAsync(_repo, cancellationToken: Cancel);
        await target.Repos.CreateAsync(_repo, cancellationToken: Cancel);
        await CommitAsync(source, async commit =>
        {
            await PutAsync(source, commit, "/a", "one");
            await PutAsync(source, commit, "/dir/b", "two");
            await PutAsync(source, commit, "/dir/sub/c", "three");
            await PutAsync(source, commit, "/odd/é ☃ [x]*? \\name", "odd");
            await PutAsync(source, commit, "/odd/new\nline", "odd, too");
            await PutAsync(source, commit, "/odd/%41", "");
            await PutAsync(source, commit, "/lonely/f", "f");
        });
        await CommitAsync(source, async commit =>
        {
            await PutAsync(source, commit, "/a", " and more");
            await source.Files.DeleteAsync(commit, "/dir/b", Cancel);
            await PutAsync(source, commit, "/dir/b", "TWO");
        });
        await CommitAsync(source, commit => source.Files.DeleteAsync(commit, "/dir", Cancel));
        await CommitAsync(source, _ => Task.CompletedTask);
        await CommitAsync(source, async commit =>
        {
            await source.Files.DeleteAsync(commit, "/a", Cancel);
            await PutAsync(source, commit, "/a/deep/er/file", "now a directory");
            await PutAsync(source, commit, "/large", Convert.ToBase64String(RandomNumberGenerator.GetBytes(6_000_000)));
            await source.Files.DeleteAsync(commit, "/lonely/f", Cancel);
        });
        await CommitAsync(source, async commit =>
        {
            await source.Files.DeleteAsync(commit, "/a", Cancel);
            await PutAsync(source, commit, "/a", "a file again");
            await PutAsync(source, commit, "/fresh/f", "gone at once");
            await source.Files.DeleteAsync(commit, "/fresh/f", Cancel);
            await PutAsync(source, commit, "/large", "tail");
        });
        await CommitAsync(source, commit => source.Files.PutManyAsync(commit, Many("/many", 300), cancellationToken: Cancel));
        CommitRef open = await source.Commits.StartAsync(_repo, "master", cancellationToken: Cancel);
        await PutAsync(source, open, "/unfinished", "x");

        PachctlResult result = (await cluster.TryAsync("put-file", _repo, "master", "-r", "--history", "-f", $"pfs://{other.Address}/{_repo}/master")).MustExitWith(0);

        Assert.Equal($"pachctl: commit {open.Id} is passed over: it is not finished\n", result.Errors);
        Assert.StartsWith("7 commits, 313 files, ", result.Output, StringComparison.Ordinal);
        CommitInfo[] expected = await source.Commits.ListAsync(_repo, "master", cancellationToken: Cancel).Where(commit => commit.Finished is not null).ToArrayAsync(Cancel);
        CommitInfo[] copied = await target.Commits.ListAsync(_repo, "master", cancellationToken: Cancel).ToArrayAsync(Cancel);
        Assert.Equal(7, copied.Length);
        Assert.Equal(expected, copied);
        foreach (CommitInfo commit in copied)
        {
            Assert.Equal(await TreeAsync(source, commit.Commit.Id), await TreeAsync(target, commit.Commit.Id));
        }
    }

    [Fact]
    public async Task A_second_run_sends_nothing_and_a_later_one_only_what_is_new()
    {
        await using PachdProcess other = await PachdProcess.StartAsync(cluster[$"{_repo}-source"]);
        await using PachClient source = new(other.Address);
        await using PachClient target = new(cluster.Server.Address);
        await source.Repos.CreateAsync(_repo, cancellationToken: Cancel);
        await target.Repos.CreateAsync(_repo, cancellationToken: Cancel);
        await CommitAsync(source, commit => source.Files.PutManyAsync(commit, Many("/many", 100), cancellationToken: Cancel));
        await CommitAsync(source, commit => PutAsync(source, commit, "/x", "1"));
        string[] command = ["put-file", _repo, "master", "/", "-r", "--history", "-f", $"pfs://{other.Address}/{_repo}/master"];

        Assert.Equal("2 commits, 101 files, 2401 bytes\n", await cluster.RunAsync(command));
        Assert.Equal("0 commits, 0 files, 0 bytes; 2 commits were there already\n", await cluster.RunAsync(command));
        await CommitAsync(source, commit => PutAsync(source, commit, "/many/new", "456"));
        await CommitAsync(source, commit => source.Files.DeleteAsync(commit, "/many/7", Cancel));
        Assert.Equal("2 commits, 1 file, 3 bytes; 2 commits were there already\n", await cluster.RunAsync(command));

        Assert.Equal(await TreeAsync(source, "master"), await TreeAsync(target, "master"));
        Assert.Equal(4, await target.Commits.ListAsync(_repo, cancellationToken: Cancel).CountAsync(Cancel));
    }

    [Fact]
    public async Task A_branch_that_was_forked_shares_the_commits_that_another_copy_has_brought()
    {
        await using PachdProcess other = await PachdProcess.StartAsync(cluster[$"{_repo}-source"]);
        await using PachClient source = new(other.Address);
        await using PachClient target = new(cluster.Server.Address);
        await source.Repos.CreateAsync(_repo, cancellationToken: Cancel);
        await target.Repos.CreateAsync(_repo, cancellationToken: Cancel);
        await CommitAsync(source, commit => PutAsync(source, commit, "/x", "1"));
        await source.Branches.SetAsync(new CommitRef(_repo, "master"), "dev", Cancel);
        await CommitAsync(source, commit => PutAsync(source, commit, "/y", "2"));
        await CommitAsync(source, commit => PutAsync(source, commit, "/z", "3"), "dev");

        await source.Branches.SetAsync(new CommitRef(_repo, "dev"), "rel/1.0", Cancel);
        await cluster.RunAsync("put-file", _repo, "master", "-r", "--history", "-f", $"pfs://{other.Address}/{_repo}/master");
        string told = await cluster.RunAsync("put-file", _repo, "dev", "-r", "--history", "-f", $"pfs://{other.Address}/{_repo}/dev");

        Assert.Equal("1 commit, 1 file, 1 byte; 1 commit was there already\n", told);
        Assert.Equal(3, await target.Commits.ListAsync(_repo, cancellationToken: Cancel).CountAsync(Cancel));
        Assert.Equal(await TreeAsync(source, "dev"), await TreeAsync(target, "dev"));

        told = await cluster.RunAsync("put-file", _repo, "rel/1.0", "-r", "--history", "-f", $"pfs://{other.Address}/{_repo}/rel/1.0");
        Assert.Equal("0 commits, 0 files, 0 bytes; 2 commits were there already\n", told);
        Assert.Equal("dev master rel/1.0", string.Join(' ', (await target.Branches.ListAsync(_repo, Cancel)).Select(branch => branch.Name).Order(StringComparer.Ordinal)));
        await cluster.RunAsync("put-file", _repo, "part", "/one", "-c", "-r", "-f", $"pfs://{other.Address}/{_repo}/rel/1.0/z");
        await cluster.RunAsync("put-file", _repo, "part", "/all", "-c", "-r", "-f", $"pfs://{other.Address}/{_repo}/rel/1.0");
        Assert.Equal("/all /one", await cluster.NamesAsync("list-file", _repo, "part"));
        Assert.Equal("/all/x /all/z", await cluster.NamesAsync("list-file", _repo, "part", "/all"));
    }

    [Fact]
    public async Task A_copy_that_was_killed_in_the_middle_of_a_commit_is_taken_up_by_the_next()
    {
        await using PachdProcess other = await PachdProcess.StartAsync(cluster[$"{_repo}-source"]);
        await using PachClient source = new(other.Address);
        await using PachClient target = new(cluster.Server.Address);
        await source.Repos.CreateAsync(_repo, cancellationToken: Cancel);
        await target.Repos.CreateAsync(_repo, cancellationToken: Cancel);
        await CommitAsync(source, commit => PutAsync(source, commit, "/x", "1"));
        await CommitAsync(source, async commit =>
        {
            await PutAsync(source, commit, "/x", "2");
            await PutAsync(source, commit, "/large", Convert.ToBase64String(RandomNumberGenerator.GetBytes(12_000_000)));
        });
        await CommitAsync(source, commit => PutAsync(source, commit, "/y", "3"));

        await using (StallingRelay relay = new(other.Address, 8_000_000))
        {
            await using PachctlProcess copying = cluster.StartInto(
                "/dev/null", "put-file", _repo, "master", "-r", "--history", "-f", $"pfs://{relay.Address}/{_repo}/master");
            await relay.Stalled;
            await copying.KillAsync();
        }

        CommitInfo[] left = await target.Commits.ListAsync(_repo, "master", cancellationToken: Cancel).ToArrayAsync(Cancel);
        Assert.Equal(2, left.Length);
        Assert.Null(left[0].Finished);
        await PutAsync(target, CommitRef.From(left[0].Commit), "/foreign", "written to what was left");
        Assert.Equal(
            "2 commits, 3 files, 16000003 bytes; 1 commit was there already\n",
            await cluster.RunAsync("put-file", _repo, "master", "-r", "--history", "-f", $"pfs://{other.Address}/{_repo}/master"));
        Assert.Equal(
            await source.Commits.ListAsync(_repo, "master", cancellationToken: Cancel).ToArrayAsync(Cancel),
            await target.Commits.ListAsync(_repo, "master", cancellationToken: Cancel).ToArrayAsync(Cancel));
        Assert.Equal(await TreeAsync(source, left[0].Commit.Id), await TreeAsync(target, left[0].Commit.Id));
        Assert.Equal(await TreeAsync(source, "master"), await TreeAsync(target, "master"));
    }

    [Fact]
    public async Task A_source_that_goes_away_leaves_no_open_commit_behind()
    {
        PachdProcess other = await PachdProcess.StartAsync(cluster[$"{_repo}-source"]);
        await using PachClient source = new(other.Address);
        await using PachClient target = new(cluster.Server.Address);
        await source.Repos.CreateAsync(_repo, cancellationToken: Cancel);
        await target.Repos.CreateAsync(_repo, cancellationToken: Cancel);
        await CommitAsync(source, commit => PutAsync(source, commit, "/large", Convert.ToBase64String(RandomNumberGenerator.GetBytes(12_000_000))));

        StallingRelay relay = new(other.Address, 8_000_000);
        await using PachctlProcess copying = cluster.StartInto(
            "/dev/null", "put-file", _repo, "master", "-r", "--history", "-f", $"pfs://{relay.Address}/{_repo}/master");
        await relay.Stalled;
        await relay.DisposeAsync();
        await other.DisposeAsync();

        PachctlResult result = (await copying.WaitAsync()).MustExitWith(1);
        Assert.Contains("the connection broke", Assert.Single(result.Errors.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
        Assert.Empty(await target.Commits.ListAsync(_repo, cancellationToken: Cancel).ToArrayAsync(Cancel));
        Assert.Empty(await target.Branches.ListAsync(_repo, Cancel));
    }

    [Fact]
    public async Task An_interrupted_copy_deletes_the_commit_that_it_was_at()
    {
        await using PachdProcess other = await PachdProcess.StartAsync(cluster[$"{_repo}-source"]);
        await using PachClient source = new(other.Address);
        await using PachClient target = new(cluster.Server.Address);
        await source.Repos.CreateAsync(_repo, cancellationToken: Cancel);
        await target.Repos.CreateAsync(_repo, cancellationToken: Cancel);
        CommitRef first = await CommitAsync(source, commit => PutAsync(source, commit, "/x", "1"));
        await CommitAsync(source, commit => PutAsync(source, commit, "/large", Convert.ToBase64String(RandomNumberGenerator.GetBytes(12_000_000))));

        await using StallingRelay relay = new(other.Address, 8_000_000);
        await using PachctlProcess copying = cluster.StartInto(
            "/dev/null", "put-file", _repo, "master", "-r", "--history", "-f", $"pfs://{relay.Address}/{_repo}/master");
        await relay.Stalled;
        await copying.SignalAsync("INT");

        Assert.Equal("pachctl: interrupted\n", (await copying.WaitAsync()).MustExitWith(130).Errors);
        CommitInfo left = Assert.Single(await target.Commits.ListAsync(_repo, cancellationToken: Cancel).ToArrayAsync(Cancel));
        Assert.Equal(first, CommitRef.From(left.Commit));
        Assert.NotNull(left.Finished);
    }

    [Fact]
    public async Task What_cannot_be_continued_is_refused_and_left_as_it_is()
    {
        await using PachdProcess other = await PachdProcess.StartAsync(cluster[$"{_repo}-source"]);
        await using PachClient source = new(other.Address);
        await using PachClient target = new(cluster.Server.Address);
        await source.Repos.CreateAsync(_repo, cancellationToken: Cancel);
        await CommitAsync(source, commit => PutAsync(source, commit, "/x", "1"));
        string url = $"pfs://{other.Address}/{_repo}/master";
        string[] command = ["put-file", _repo, "master", "-r", "--history", "-f"];
        await cluster.RefusesAsync($"pachyderm_pfs/repos/ {_repo} not found", [.. command, url]);
        await target.Repos.CreateAsync(_repo, cancellationToken: Cancel);

        await cluster.RefusesAsync("missing not found", [.. command, $"pfs://{other.Address}/{_repo}/missing"]);
        await cluster.RefusesAsync("leave out the path", [.. command, $"{url}/x"]);
        await cluster.RefusesAsync("is not of the form pfs://HOST:PORT/REPO/BRANCH", [.. command, $"pfs://{other.Address}/{_repo}"]);
        await cluster.RefusesAsync("nothing listens there", [.. command, $"pfs://127.0.0.1:1/{_repo}/master"]);
        Assert.Empty(await target.Branches.ListAsync(_repo, Cancel));

        CommitRef foreign = await CommitAsync(target, commit => PutAsync(target, commit, "/own", "1"));
        await cluster.RefusesAsync($"its newest commit {foreign.Id} is none of the source's", [.. command, url]);
        CommitRef open = await target.Commits.StartAsync(_repo, "fork", cancellationToken: Cancel);
        await cluster.RefusesAsync($"its newest commit {open.Id} is open, and none of the source's", ["put-file", _repo, "fork", "-r", "--history", "-f", url]);
        Assert.Equal("/own", await cluster.NamesAsync("list-file", _repo, "master"));
        Assert.Equal(2, await target.Commits.ListAsync(_repo, cancellationToken: Cancel).CountAsync(Cancel));

        Assert.Equal("1 commit, 1 file, 1 byte\n", await cluster.RunAsync("put-file", _repo, "aside", "-r", "--history", "-f", url));
        await CommitAsync(target, commit => PutAsync(target, commit, "/later", "1"), "aside");
        await cluster.RefusesAsync("is none of the source's; nothing was changed", ["put-file", _repo, "aside", "-r", "--history", "-f", url]);
    }

    [Theory]
    [InlineData("--history copies whole commits: add -r", "-f", "pfs://h/r/b")]
    [InlineData("--history takes one source", "-r", "-f", "pfs://h/r/b", "-f", "pfs://h/r/c")]
    [InlineData("--history takes one source", "-r", "-f", "http://h/r/b")]
    [InlineData("--history takes one source", "-r")]
    [InlineData("--history copies whole commits: leave out PATH", "/path", "-r", "-f", "pfs://h/r/b")]
    [InlineData("leave out --commit", "-c", "-r", "-f", "pfs://h/r/b")]
    [InlineData("leave out --overwrite", "-o", "-r", "-f", "pfs://h/r/b")]
    [InlineData("leave out --split", "--split", "line", "-r", "-f", "pfs://h/r/b")]
    [InlineData("leave out --input-file", "-i", "list", "-r", "-f", "pfs://h/r/b")]
    public async Task A_command_line_that_means_nothing_is_wrong_usage(string fault, params string[] arguments)
    {
        PachctlResult result = (await cluster.TryAsync(["put-file", _repo, "master", "--history", .. arguments])).MustExitWith(3);
        Assert.Contains(fault, result.Errors.Split('\n')[0], StringComparison.Ordinal);
    }

    private static Task PutAsync(PachClient client, CommitRef commit, string path, string content) =>
        client.Files.PutAsync(commit, path, new MemoryStream(Encoding.UTF8.GetBytes(content)), cancellationToken: Cancel);

    private static async IAsyncEnumerable<LocalFile> Many(string directory, int count)
    {
        for (int number = 0; number < count; number++)
        {
            byte[] content = Encoding.UTF8.GetBytes($"content of number {number:D6}");
            yield return new LocalFile($"{directory}/{number}", _ => ValueTask.FromResult<Stream>(new MemoryStream(content)));
        }

        await Task.CompletedTask;
    }

    private async Task<CommitRef> CommitAsync(PachClient client, Func<CommitRef, Task> write, string branch = "master")
    {
        CommitRef commit = await client.Commits.StartAsync(_repo, branch, cancellationToken: Cancel);
        await write(commit);
        await client.Commits.FinishAsync(commit, Cancel);
        return commit;
    }

    // Everything in a commit: directories, and files with their content.
    private async Task<string[]> TreeAsync(PachClient client, string commit)
    {
        CommitRef reference = new(_repo, commit);
        List<string> entries = [];
        await foreach (FileInfo file in client.Files.ListAsync(reference, "/", recursive: true, Cancel))
        {
            string content = "directory";
            if (file.FileType == FileType.File)
            {
                await using Stream stream = await client.Files.OpenAsync(reference, file.File.Path, cancellationToken: Cancel);
                content = Convert.ToHexString(await SHA256.HashDataAsync(stream, Cancel));
            }

            entries.Add($"{file.File.Path} {file.SizeBytes} {content}");
        }

        return [.. entries];
    }
}
