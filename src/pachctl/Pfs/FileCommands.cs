using System.CommandLine;
using Pachyderm.Client;
using Pachyderm.Pachctl.Output;
using Pachyderm.Pachctl.Server;
using static Pachyderm.Pachctl.Server.ServerCommand;
using FileInfo = Pachyderm.Wire.Pfs.FileInfo;

namespace Pachyderm.Pachctl.Pfs;

/// <summary>Commands that look at files, and the one that deletes them.</summary>
internal static class FileCommands
{
    public static Command InspectFile()
    {
        (Argument<string> repo, Argument<string> commit) = CommitCommands.RepoAndCommit();
        Argument<string> path = Required("PATH", "The file or directory.");
        Option<bool> raw = Raw();
        return Create("inspect-file", "Describe a file or directory.", "", repo, commit, path, raw)
            .Prints(async (parsed, client, output, cancel) =>
        {
            FileInfo info = await client.Files.InspectAsync(
                CommitCommands.Ref(parsed, repo, commit), parsed.GetRequiredValue(path), cancel);
            if (parsed.GetValue(raw))
            {
                RawJson.Write(output, info);
            }
            else
            {
                Details.Write(output, info);
            }
        });
    }

    public static Command ListFile()
    {
        (Argument<string> repo, Argument<string> commit) = CommitCommands.RepoAndCommit();
        Argument<string?> path = Optional("PATH", "The directory (default: the root).");
        Option<bool> recursive = new("--recursive", "-r") { Description = "List everything below." };
        Option<bool> raw = Raw();
        return Create("list-file", "List a directory.", "", repo, commit, path, recursive, raw).Prints((parsed, client, output, cancel) =>
            WriteAsync(
                output,
                parsed.GetValue(raw),
                client.Files.ListAsync(
                    CommitCommands.Ref(parsed, repo, commit), parsed.GetValue(path) ?? "", parsed.GetValue(recursive), cancel)));
    }

    public static Command GlobFile()
    {
        (Argument<string> repo, Argument<string> commit) = CommitCommands.RepoAndCommit();
        Argument<string> pattern = Required("PATTERN", "* and ? match within one level, [a-z] one of several characters.");
        Option<bool> raw = Raw();
        return Create(
            "glob-file",
            "List the files and directories whose path matches a pattern.",
            """
            Examples:
              pachctl glob-file images master "/users/*"
              pachctl glob-file images master "/*/*.png"
            """,
            repo,
            commit,
            pattern,
            raw).Prints((parsed, client, output, cancel) =>
                WriteAsync(
                    output, parsed.GetValue(raw),
                    client.Files.GlobAsync(CommitCommands.Ref(parsed, repo, commit), parsed.GetRequiredValue(pattern), cancel)));
    }

    public static Command DiffFile()
    {
        Argument<string[]> sides = new("NEW [OLD]")
        {
            Description = "REPO COMMIT PATH of the new side, and of the old one (default: the parent commit).",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Option<bool> shallow = new("--shallow", "-s") { Description = "Name directories that differ instead of the files in them." };
        Command command = Create(
            "diff-file",
            "Compare two files or directories, of one repo or of two.",
            """
            Files that are new or changed are listed under New Files, those that are gone or were changed under Old Files.

            Examples:
              pachctl diff-file images master /                     # with the commit before
              pachctl diff-file images master / images release /    # two branches
            """,
            sides,
            shallow);
        command.Validators.Add(result =>
        {
            if (result.GetValue(sides) is { Length: not (3 or 6) } given)
            {
                result.AddError($"diff-file expects either 3 or 6 args, got {given.Length}");
            }
        });
        return command.Prints(async (parsed, client, output, cancel) =>
        {
            string[] given = parsed.GetValue(sides)!;
            IAsyncEnumerable<FileDifference> differences = client.Files.DiffAsync(
                new CommitRef(given[0], given[1]),
                given[2],
                given.Length == 6 ? new CommitRef(given[3], given[4]) : null,
                given.Length == 6 ? given[5] : "",
                parsed.GetValue(shallow),
                cancel);
            await WriteAsync(output, differences);
        });
    }

    public static Command DeleteFile()
    {
        (Argument<string> repo, Argument<string> commit) = CommitCommands.RepoAndCommit();
        Argument<string> path = Required("PATH", "The file, or a directory with everything in it.");
        return Create("delete-file", "Delete a file or directory in a commit that is not finished.", "", repo, commit, path)
            .Does((parsed, client, cancel) =>
            client.Files.DeleteAsync(CommitCommands.Ref(parsed, repo, commit), parsed.GetRequiredValue(path), cancel));
    }

    private static async Task WriteAsync(TextWriter output, bool raw, IAsyncEnumerable<FileInfo> files)
    {
        TabTable? table = raw ? null : Table(output);
        await foreach (FileInfo file in files)
        {
            if (table is null)
            {
                RawJson.Write(output, file);
            }
            else
            {
                table.Add(Row(file));
            }
        }

        table?.Flush();
    }

    // The two sides come mixed; the old one waits until the new one is printed.
    private static async Task WriteAsync(TextWriter output, IAsyncEnumerable<FileDifference> differences)
    {
        TabTable? table = null;
        List<string[]> old = [];
        await foreach (FileDifference difference in differences)
        {
            if (!difference.IsNew)
            {
                old.Add(Row(difference.File));
                continue;
            }

            if (table is null)
            {
                await output.WriteLineAsync("New Files:");
                table = Table(output);
            }

            table.Add(Row(difference.File));
        }

        table?.Flush();
        if (old.Count > 0)
        {
            await output.WriteLineAsync("Old Files:");
            TabTable oldTable = Table(output);
            old.ForEach(row => oldTable.Add(row));
            oldTable.Flush();
        }
    }

    private static TabTable Table(TextWriter output) => new(output, "NAME", "TYPE", "SIZE");

    private static string[] Row(FileInfo file) =>
        [file.File.Path.StartsWith('/') ? file.File.Path : "/" + file.File.Path, Details.TypeOf(file), Sizes.Format(file.SizeBytes)];
}
