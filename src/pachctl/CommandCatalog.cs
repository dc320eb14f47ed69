using System.CommandLine;
using Pachyderm.Pachctl.Commands;
using Pachyderm.Pachctl.Pfs;
using Pachyderm.Pachctl.Pps;
using Pachyderm.Pachctl.Server;

namespace Pachyderm.Pachctl;

/// <summary>All commands by name. Only the one that is asked for is made: a command line is mostly start-up.</summary>
internal static class CommandCatalog
{
    private static readonly (string Name, Func<Command> Create)[] Commands =
    [
        ("create-repo", RepoCommands.CreateRepo),
        ("list-repo", RepoCommands.ListRepo),
        ("inspect-repo", RepoCommands.InspectRepo),
        ("delete-repo", RepoCommands.DeleteRepo),
        ("start-commit", CommitCommands.StartCommit),
        ("finish-commit", CommitCommands.FinishCommit),
        ("list-commit", CommitCommands.ListCommit),
        ("inspect-commit", CommitCommands.InspectCommit),
        ("delete-commit", CommitCommands.DeleteCommit),
        ("flush-commit", CommitCommands.FlushCommit),
        ("subscribe-commit", CommitCommands.SubscribeCommit),
        ("list-branch", BranchCommands.ListBranch),
        ("set-branch", BranchCommands.SetBranch),
        ("delete-branch", BranchCommands.DeleteBranch),
        ("put-file", PutFileCommand.Create),
        ("get-file", GetFileCommand.Create),
        ("list-file", FileCommands.ListFile),
        ("glob-file", FileCommands.GlobFile),
        ("inspect-file", FileCommands.InspectFile),
        ("diff-file", FileCommands.DiffFile),
        ("delete-file", FileCommands.DeleteFile),
        ("get-object", ObjectCommands.GetObject),
        ("get-tag", ObjectCommands.GetTag),
        ("create-pipeline", PipelineCommands.CreatePipeline),
        ("update-pipeline", PipelineCommands.UpdatePipeline),
        ("list-pipeline", PipelineCommands.ListPipeline),
        ("inspect-pipeline", PipelineCommands.InspectPipeline),
        ("start-pipeline", PipelineCommands.StartPipeline),
        ("stop-pipeline", PipelineCommands.StopPipeline),
        ("delete-pipeline", PipelineCommands.DeletePipeline),
        ("run-pipeline", PipelineCommands.RunPipeline),
        ("list-job", JobCommands.ListJob),
        ("inspect-job", JobCommands.InspectJob),
        ("stop-job", JobCommands.StopJob),
        ("delete-job", JobCommands.DeleteJob),
        ("explain-job", ReasonCommands.ExplainJob),
        ("list-datum", DatumCommands.ListDatum),
        ("inspect-datum", DatumCommands.InspectDatum),
        ("restart-datum", DatumCommands.RestartDatum),
        ("get-logs", LogCommand.Create),
        ("lineage", ReasonCommands.Lineage),
        ("repo", TopicCommands.Repo),
        ("commit", TopicCommands.Commit),
        ("file", TopicCommands.File),
        ("pipeline", TopicCommands.Pipeline),
        ("job", TopicCommands.Job),
        ("fsck", MaintenanceCommands.Fsck),
        ("garbage-collect", MaintenanceCommands.GarbageCollect),
        ("delete-all", MaintenanceCommands.DeleteAll),
        ("migrate", MigrateCommand.Create),
        ("backup", BackupCommand.Create),
        ("extract", StreamCommands.Extract),
        ("restore", StreamCommands.Restore),
        ("version", VersionCommand.Create),
        ("completion", CompletionCommand.Create),
    ];

    /// <summary>Names of all commands.</summary>
    public static IEnumerable<string> Names => Commands.Select(command => command.Name);

    /// <summary>Makes the root with the command that the arguments name, or with all commands if they name none.</summary>
    public static RootCommand Create(IReadOnlyList<string> args)
    {
        RootCommand root = new("Pachyderm: version control for data, and pipelines driven by it.");
        root.Options.Add(ServerCommand.Address);
        root.Options.Add(ServerCommand.Verbose);
        root.Options.Add(ServerCommand.NoMetrics);
        string? name = NameIn(args);
        foreach ((string candidate, Func<Command> create) in Commands)
        {
            if (name is null || name == candidate)
            {
                Command command = create();

                // A list of commands has room for a line each.
                command.Description = name is null ? command.Description!.Split('\n')[0] : command.Description;
                root.Subcommands.Add(command);
            }
        }

        return root;
    }

    private static string? NameIn(IReadOnlyList<string> args)
    {
        for (int index = 0; index < args.Count; index++)
        {
            if (args[index] == ServerCommand.Address.Name)
            {
                index++;
            }
            else if (!args[index].StartsWith('-'))
            {
                return Names.Contains(args[index], StringComparer.Ordinal) ? args[index] : null;
            }
        }

        return null;
    }
}
