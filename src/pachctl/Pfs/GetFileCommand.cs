using System.CommandLine;
using Pachyderm.Client;
using Pachyderm.Pachctl.Output;
using Pachyderm.Pachctl.Server;
using static Pachyderm.Pachctl.Server.ServerCommand;
using FileInfo = Pachyderm.Wire.Pfs.FileInfo;

namespace Pachyderm.Pachctl.Pfs;

/// <summary><c>pachctl get-file</c>.</summary>
internal static class GetFileCommand
{
    // A smaller file is here before a display of its progress could be read.
    private const ulong WorthShowing = 8 * 1024 * 1024;

    public static Command Create()
    {
        (Argument<string> repo, Argument<string> commit) = CommitCommands.RepoAndCommit();
        Argument<string> path = Required("PATH", "The file; with -r, a directory.");
        Option<bool> recursive = new("--recursive", "-r") { Description = "Get everything below a directory." };
        Option<string?> output = new("--output", "-o")
        {
            Description = "Where the file goes (default: standard output); with -r, the directory that everything goes into.",
            HelpName = "FILE",
        };
        Option<int> parallelism = PutFileCommand.Parallelism("Most files that are written at the same time.");
        Command command = ServerCommand.Create(
            "get-file",
            "Print the content of a file, or write files to this machine.",
            """
            What did not arrive whole is not left behind.

            Examples:
              pachctl get-file images master /logo.png > logo.png
              pachctl get-file images master /logo.png -o logo.png
              pachctl get-file images master / -r -o images
            """,
            repo,
            commit,
            path,
            recursive,
            output,
            parallelism);
        command.Validators.Add(result =>
        {
            if (result.GetValue(recursive) && result.GetValue(output) is null)
            {
                result.AddError("an output path needs to be specified when using the --recursive flag");
            }
        });
        return command.Does(async (parsed, client, cancel) =>
        {
            CommitRef from = CommitCommands.Ref(parsed, repo, commit);
            (string source, string? destination) = (parsed.GetRequiredValue(path), parsed.GetValue(output));
            if (parsed.GetValue(recursive))
            {
                int writers = parsed.GetValue(parallelism);
                await ShowAsync(
                    client, from, source, progress => client.Files.DownloadAsync(from, source, destination!, writers, progress, cancel),
                    cancel);
            }
            else if (destination is null)
            {
                await using Stream standardOutput = StandardOutput.OpenBytes();
                await client.Files.GetAsync(from, source, standardOutput, cancellationToken: cancel);
            }
            else
            {
                await ShowAsync(client, from, source, progress => client.Files.SaveAsync(from, source, destination, progress, cancel), cancel);
            }
        });
    }

    private static async Task ShowAsync(
        PachClient client, CommitRef commit, string path, Func<IProgress<Transfer>?, Task> transfer, CancellationToken cancellationToken)
    {
        FileInfo? info = Console.IsErrorRedirected ? null : await client.Files.InspectAsync(commit, path, cancellationToken);
        await (info is null || info.SizeBytes < WorthShowing
            ? transfer(null)
            : TransferDisplay.RunAsync("Downloading", () => (long)info.SizeBytes, transfer));
    }
}
