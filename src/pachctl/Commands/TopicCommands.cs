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

    public static Command Pipeline() => Create(
        "pipeline",
        """
        About pipelines: programs that run on what is committed.

        A pipeline reads repos, and writes a repo with its own name. Its spec says which program runs and what one run gets to see: a *datum*,
        such as each file that matches a pattern. When a commit is finished, every datum that is new or changed is processed; what was
        processed before is taken over.
        Commands: create-pipeline, update-pipeline, list-pipeline, inspect-pipeline, start-pipeline, stop-pipeline, delete-pipeline,
        run-pipeline.
        """);

    public static Command Job() => Create(
        "job",
        """
        About jobs: runs of a pipeline.

        A job processes one set of input commits, datum by datum, and makes one output commit if every datum succeeds. A datum whose program
        fails is tried four times.
        Commands: list-job, inspect-job, stop-job, delete-job, explain-job, list-datum, inspect-datum, restart-datum, get-logs, lineage.
        """);

    private static Command Create(string name, string text)
    {
        Command command = new(name, text);
        command.SetAction(parsed => new HelpAction().Invoke(parsed));
        return command;
    }
}
