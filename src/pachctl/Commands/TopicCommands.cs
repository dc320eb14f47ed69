using System.CommandLine;
using System.CommandLine.Help;

namespace Pachyderm.Pachctl.Commands;

/// <summary>Commands that do nothing but explain what others work on, as 1.5 has them.</summary>
internal static class TopicCommands
{
    public static Command Repo() => Create(
        "repo",
        """
        About repos: the places that data live in.

        A repo holds commits, as a Git repo does, but of data. A pipeline reads repos, and writes one of its own.
        Commands: create-repo, list-repo, inspect-repo, delete-repo.
        """);

    public static Command Commit() => Create(
        "commit",
        """
        About commits: states of a repo that never change.

        A commit is opened, takes files, and is finished; from then on it stays as it is. It starts with the files of its parent. A branch is a
        name for the newest of a line of commits; wherever a commit is wanted, a branch will do.
        Commands: start-commit, finish-commit, inspect-commit, list-commit, delete-commit, flush-commit, subscribe-commit,
        list-branch, set-branch, delete-branch.
        """);

    public static Command File() => Create(
        "file",
        """
        About files: what commits hold.

        Files have paths, and belong to a commit. Content that is put to a path is appended to what is there.
        Commands: put-file, get-file, list-file, glob-file, inspect-file, diff-file, delete-file.
        """);

    private static Command Create(string name, string text)
    {
        Command command = new(name, text);
        command.SetAction(parsed => new HelpAction().Invoke(parsed));
        return command;
    }
}
