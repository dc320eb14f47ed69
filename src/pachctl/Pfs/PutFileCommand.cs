using System.CommandLine;
using System.CommandLine.Parsing;
using Pachyderm.Client;
using Pachyderm.Pachctl.Output;
using Pachyderm.Pachctl.Server;
using Pachyderm.Wire.Pfs;
using static Pachyderm.Pachctl.Server.ServerCommand;

namespace Pachyderm.Pachctl.Pfs;

/// <summary><c>pachctl put-file</c>.</summary>
internal static class PutFileCommand
{
    private const string StandardInput = "-";

    private const string Help =
        """
        The content comes from standard input, from files and directories of this machine (-f), or from URLs (-f), which pachd fetches. What a
        file holds already is kept, and the new content is appended to it, unless -o is given.

        With -c a commit is opened, everything is put into it, and it is finished. If anything goes wrong, this commit is deleted again,
        so that nothing half done is ever seen. Without -c the branch must have an open commit (see start-commit).

        Where things go:
          PATH and one source         PATH itself; with -r, below PATH
          PATH and several sources    PATH/NAME
          no PATH                     NAME: the file as it was named, or the path of the URL

        From another cluster, of 1.3, 1.4, 1.5 or this release, -r -f pfs://HOST:PORT/REPO/BRANCH puts the newest state of a branch; a
        /PATH after it, what is there. With --history every finished commit of the branch is copied, oldest first: each becomes one
        commit with exactly its files, its times and its identifier (those of 1.3 become new ones). Only what differs between
        neighbours is sent, from the source through pachctl to pachd. It may be stopped at any time: the same command goes on, and
        later copies what is new. Commits that are not finished are passed over, with a note. If the branch here has commits that the
        source has not, nothing is changed.

        Examples:
          pachctl put-file images master /logo.png -c -f logo.png
          pachctl put-file images master -c -f http://imgur.com/46Q8nDz.png      # goes to /46Q8nDz.png
          pachctl put-file images master -c -r -f dir                            # goes to /dir/...
          pachctl put-file images master / -c -r -f dir                          # goes to /...
          pachctl put-file images master -c -i list.txt                          # one file or URL a line
          echo hello | pachctl put-file images master /greetings -c
          pachctl put-file images master / -c -r -f pfs://old:30650/images/master      # the newest state
          pachctl put-file images master -r -f pfs://old:30650/images/master --history  # all commits
          pachctl put-file data master users -c --split json --target-file-datums 100 -f users.json
        """;

    public static Command Create()
    {
        Argument<string> repo = Required("REPO", "The repo.");
        Argument<string> branch = Required("BRANCH", "The branch, or the identifier of an open commit.");
        Argument<string?> path = Optional("PATH", "Where the content goes.");
        Option<string[]> files = new("--file", "-f")
        {
            Description = "A file, a directory (with -r), a URL, or - for standard input. Repeatable.",
            HelpName = "SOURCE",
            DefaultValueFactory = _ => [StandardInput],
        };
        Option<string?> list = new("--input-file", "-i")
        {
            Description = "A file, a URL, or - for standard input, that names one source a line. Takes the place of -f.",
            HelpName = "LIST",
        };
        Option<bool> recursive = new("--recursive", "-r") { Description = "Put everything below a directory or URL." };
        Option<int> parallelism = Parallelism("Most uploads at the same time.");
        Option<string?> split = new("--split")
        {
            Description = "Make PATH a directory of numbered files that hold whole lines or JSON values: line or json.",
            HelpName = "KIND",
        };
        Option<long> datums = new("--target-file-datums") { Description = "With --split: lines or values in each file.", HelpName = "N" };
        Option<long> bytes = new("--target-file-bytes")
        {
            Description = "With --split: a file ends with the line or value that makes it this long.",
            HelpName = "N",
        };
        Option<bool> commit = new("--commit", "-c")
        {
            Description = "Open a commit first and finish it afterwards; delete it if anything goes wrong.",
        };
        Option<bool> overwrite = new("--overwrite", "-o") { Description = "Replace what a file holds instead of appending to it." };
        Option<bool> history = new("--history") { Description = "Copy all commits of a branch of another cluster (-r -f pfs://...), or those that are missing." };
        Command command = ServerCommand.Create(
            "put-file", "Put files into a commit.", Help,
            repo, branch, path, files, list, recursive, parallelism, split, datums, bytes, commit, overwrite, history);
        command.Validators.Add(result =>
        {
            if (result.GetValue(history))
            {
                foreach (string fault in HistoryUpload.Faults(result, path, files, recursive, list, split, datums, bytes, commit, overwrite))
                {
                    result.AddError(fault);
                }

                return;
            }

            if (result.GetValue(split) is { } kind and not ("json" or "line"))
            {
                result.AddError($"unrecognized delimiter '{kind}'; only accepts 'json' or 'line'");
            }

            bool fromInput = result.GetValue(files) is not { Length: > 0 } named || named.Contains(StandardInput, StringComparer.Ordinal);
            if (fromInput && result.GetValue(list) is null && result.GetValue(path) is null)
            {
                result.AddError(UploadSource.NoFilename);
            }

            foreach (Option<long> option in (Option<long>[])[datums, bytes])
            {
                if (result.GetValue(option) < 0)
                {
                    result.AddError($"{option.Name}: must not be negative");
                }
            }
        });
        return command.Does(async (parsed, client, cancel) =>
        {
            CommitRef target = new(parsed.GetRequiredValue(repo), parsed.GetRequiredValue(branch));
            if (parsed.GetValue(history))
            {
                await HistoryUpload.RunAsync(client, target, parsed.GetValue(files)![0], parsed.GetValue(parallelism), cancel);
                return;
            }

            string[] sources = parsed.GetValue(list) is { } source ? await SourceList.ReadAsync(source, cancel) : parsed.GetValue(files)!;
            Upload upload = new(client, UploadSource.Plan(parsed.GetValue(path), sources))
            {
                Recursive = parsed.GetValue(recursive),
                Parallelism = parsed.GetValue(parallelism),
                Options = new PutFileOptions
                {
                    Overwrite = parsed.GetValue(overwrite),
                    Delimiter = parsed.GetValue(split) switch { "json" => Delimiter.Json, "line" => Delimiter.Line, _ => Delimiter.None },
                    TargetFileDatums = parsed.GetValue(datums),
                    TargetFileBytes = parsed.GetValue(bytes),
                },
            };
            upload.Check();
            await (parsed.GetValue(commit) ? CommitAsync(client, target, upload, cancel) : upload.RunAsync(target, cancel));
        });
    }

    /// <summary>The option <c>-p</c>.</summary>
    internal static Option<int> Parallelism(string description)
    {
        Option<int> option = new("--parallelism", "-p") { Description = description, HelpName = "N", DefaultValueFactory = _ => 10 };
        option.Validators.Add((OptionResult result) =>
        {
            if (result.Errors.Any() is false && result.GetValueOrDefault<int>() < 1)
            {
                result.AddError("--parallelism: must be at least 1");
            }
        });
        return option;
    }

    // What is not finished must not stay: the next commit on the branch could not be opened, and would start with half of this one.
    private static async Task CommitAsync(PachClient client, CommitRef branch, Upload upload, CancellationToken cancellationToken)
    {
        CommitRef commit = await client.Commits.StartAsync(branch.Repo, branch.Id, cancellationToken: cancellationToken);
        try
        {
            await upload.RunAsync(commit, cancellationToken);
            await client.Commits.FinishAsync(commit, cancellationToken);
        }
        catch (Exception)
        {
            await AbandonAsync(client, commit);
            throw;
        }
    }

    private static async Task AbandonAsync(PachClient client, CommitRef commit)
    {
        try
        {
            await client.Commits.DeleteAsync(commit, CancellationToken.None);
        }
        catch (Exception exception) when (exception is PachException or PachConnectionException)
        {
            // The first failure is told by whoever called; this line tells what is left.
            Console.Error.WriteLine(
                $"pachctl: commit {commit} could not be deleted ({Printable.Text(exception.Message)}); see `pachctl inspect-commit "
                    + $"{commit.Repo} {commit.Id}`");
        }
    }
}
