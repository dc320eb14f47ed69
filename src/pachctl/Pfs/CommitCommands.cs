using System.CommandLine;
using Pachyderm.Client;
using Pachyderm.Pachctl.Output;
using Pachyderm.Pachctl.Server;
using Pachyderm.Wire.Pfs;
using static Pachyderm.Pachctl.Server.ServerCommand;

namespace Pachyderm.Pachctl.Pfs;

/// <summary>Commands on commits.</summary>
internal static class CommitCommands
{
    private const int IdLength = 32;
    private static readonly string[] Columns = ["REPO", "ID", "PARENT", "STARTED", "DURATION", "SIZE"];

    public static Command StartCommit()
    {
        Argument<string> repo = Required("REPO", "The repo.");
        Argument<string?> branch = Optional("BRANCH", "The branch that moves to the new commit.");
        Option<string> parent = new("--parent", "-p")
        {
            Description = "The commit or branch whose files the new commit starts with (default: the newest of BRANCH).",
            HelpName = "COMMIT",
            DefaultValueFactory = _ => "",
        };
        return Create(
            "start-commit",
            "Open a commit, which takes files until it is finished, and print its identifier.",
            """
            Examples:
              pachctl start-commit images master              # on master, after what is there
              pachctl start-commit images test -p master      # a new branch that starts as master is now
              pachctl start-commit images                     # on no branch, and empty
            """,
            repo,
            branch,
            parent).Prints(async (parsed, client, output, cancel) =>
            {
                CommitRef commit = await client.Commits.StartAsync(
                    parsed.GetRequiredValue(repo), parsed.GetValue(branch) ?? "", parsed.GetValue(parent)!, cancellationToken: cancel);
                await output.WriteLineAsync(commit.Id);
            });
    }

    public static Command FinishCommit()
    {
        (Argument<string> repo, Argument<string> commit) = RepoAndCommit();
        return Create("finish-commit", "Finish a commit: from then on it never changes.", "", repo, commit)
            .Does((parsed, client, cancel) => client.Commits.FinishAsync(Ref(parsed, repo, commit), cancel));
    }

    public static Command DeleteCommit()
    {
        (Argument<string> repo, Argument<string> commit) = RepoAndCommit();
        return Create("delete-commit", "Delete a commit that is not finished, with everything written to it.", "", repo, commit)
            .Does((parsed, client, cancel) => client.Commits.DeleteAsync(Ref(parsed, repo, commit), cancel));
    }

    public static Command InspectCommit()
    {
        (Argument<string> repo, Argument<string> commit) = RepoAndCommit();
        Option<bool> raw = Raw();
        return Create("inspect-commit", "Describe a commit.", "", repo, commit, raw).Prints(async (parsed, client, output, cancel) =>
        {
            CommitInfo info = await client.Commits.InspectAsync(Ref(parsed, repo, commit), cancel);
            if (parsed.GetValue(raw))
            {
                RawJson.Write(output, info);
            }
            else
            {
                Details.Write(output, info, TimeProvider.System.GetUtcNow());
            }
        });
    }

    public static Command ListCommit()
    {
        Argument<string> repo = Required("REPO", "The repo.");
        Argument<string?> to = Optional("COMMIT", "A commit or branch: only this one and those before it are listed.");
        Option<string> from = new("--from", "-f")
        {
            Description = "Stop before this commit or branch.",
            HelpName = "COMMIT",
            DefaultValueFactory = _ => "",
        };
        Option<ulong> number = new("--number", "-n") { Description = "List at most this many; 0 for all.", HelpName = "N" };
        Option<bool> raw = Raw();
        return Create(
            "list-commit",
            "List commits, newest first.",
            """
            Examples:
              pachctl list-commit images                      # of all branches
              pachctl list-commit images master -n 20         # the last 20 of master
              pachctl list-commit images master --from test   # those of master that test does not have
            """,
            repo,
            to,
            from,
            number,
            raw).Prints(async (parsed, client, output, cancel) =>
            {
                IAsyncEnumerable<CommitInfo> commits = client.Commits.ListAsync(
                    parsed.GetRequiredValue(repo), parsed.GetValue(to) ?? "", parsed.GetValue(from)!, parsed.GetValue(number), cancel);
                TabTable? table = parsed.GetValue(raw) ? null : new TabTable(output, Columns);
                await foreach (CommitInfo commit in commits)
                {
                    Write(output, table, commit);
                }

                table?.Flush();
            });
    }

    public static Command FlushCommit()
    {
        Argument<string[]> commits = new("REPO/COMMIT")
        {
            Description = "Commits or branches to begin with.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Option<string[]> repos = new("--repos", "-r")
        {
            Description = "Wait for this repo only. Repeatable.",
            HelpName = "REPO",
            DefaultValueFactory = _ => [],
        };
        Option<bool> raw = Raw();
        return Create(
            "flush-commit",
            "Wait until everything that is computed from some commits is there, and print each commit as it comes.",
            """
            Examples:
              pachctl flush-commit images/master
              pachctl flush-commit images/master labels/master -r montage
            """,
            commits,
            repos,
            raw).Prints((parsed, client, output, cancel) => FollowAsync(
                output,
                parsed.GetValue(raw),
                client.Commits.FlushAsync(parsed.GetValue(commits)!.Select(CommitRef.Parse), parsed.GetValue(repos), cancel)));
    }

    public static Command SubscribeCommit()
    {
        Argument<string> repo = Required("REPO", "The repo.");
        Argument<string> branch = Required("BRANCH", "The branch, which need not exist yet.");
        Option<string?> from = new("--from") { Description = "Begin after this commit or branch.", HelpName = "COMMIT" };
        Option<bool> onlyNew = new("--new") { Description = "Begin after what is there now." };
        Option<bool> raw = Raw();
        Command command = Create(
            "subscribe-commit",
            "Print the finished commits of a branch, oldest first, and then each new one; ends with Ctrl-C.",
            "If pachd restarts, it goes on after the last commit that was printed.",
            repo,
            branch,
            from,
            onlyNew,
            raw);
        command.Validators.Add(result =>
        {
            if (result.GetValue(from) is not null && result.GetValue(onlyNew))
            {
                result.AddError("--new and --from cannot both be provided");
            }
        });
        return command.Prints(async (parsed, client, output, cancel) =>
        {
            (string repoName, string branchName) = (parsed.GetRequiredValue(repo), parsed.GetRequiredValue(branch));
            string start = parsed.GetValue(onlyNew)
                ? (await client.Commits.InspectAsync(new CommitRef(repoName, branchName), cancel)).Commit.Id
                : parsed.GetValue(from) ?? "";
            await FollowAsync(output, parsed.GetValue(raw), client.Commits.SubscribeAsync(repoName, branchName, start, cancel));
        });
    }

    /// <summary>The arguments that name a commit.</summary>
    internal static (Argument<string> Repo, Argument<string> Commit) RepoAndCommit() =>
        (Required("REPO", "The repo."), Required("COMMIT", "A commit's identifier, or a branch for its newest commit."));

    /// <summary>The commit that they name.</summary>
    internal static CommitRef Ref(ParseResult parsed, Argument<string> repo, Argument<string> commit) =>
        new(parsed.GetRequiredValue(repo), parsed.GetRequiredValue(commit));

    // Commits come one at a time, maybe hours apart: each is shown at once.
    private static async Task FollowAsync(TextWriter output, bool raw, IAsyncEnumerable<CommitInfo> commits)
    {
        TabTable? table = null;
        await foreach (CommitInfo commit in commits)
        {
            table ??= raw ? null : new TabTable(output, Columns).Unbuffered(0, IdLength, IdLength);
            Write(output, table, commit);
            await output.FlushAsync();
        }
    }

    private static void Write(TextWriter output, TabTable? table, CommitInfo commit)
    {
        if (table is null)
        {
            RawJson.Write(output, commit);
            return;
        }

        table.Add(
            commit.Commit.Repo?.Name ?? "",
            commit.Commit.Id,
            commit.ParentCommit is { Id.Length: > 0 } parent ? parent.Id : "<none>",
            Ages.Since(commit.Started, TimeProvider.System.GetUtcNow()),
            Ages.Between(commit.Started, commit.Finished),
            commit.Finished is null ? "-" : Sizes.Format(commit.SizeBytes));
    }
}
