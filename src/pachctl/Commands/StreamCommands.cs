using System.CommandLine;
using System.Globalization;
using Pachyderm.Client;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Pachctl.Output;
using Pachyderm.Pachctl.Server;
using Pachyderm.Wire.Native;
using static Pachyderm.Pachctl.Server.ServerCommand;

namespace Pachyderm.Pachctl.Commands;

/// <summary><c>pachctl extract</c> and <c>pachctl restore</c>: a whole cluster as one stream.</summary>
internal static class StreamCommands
{
    public static Command Extract()
    {
        Option<string?> file = new("--file", "-f")
        {
            Description = "Where the stream goes instead of the standard output. It gets its name when it is whole.",
            HelpName = "FILE",
        };
        return Create(
            "extract",
            "Write everything that the cluster keeps as one stream.",
            """
            Repos, commits with their identifiers, branches, files, objects, tags, pipelines and jobs with datums and logs, as of one moment, while the
            cluster serves. `pachctl restore` makes another cluster the same, of this release or a later one; pipelines then compute nothing
            again. For regular backups of one server `pachctl backup create --data` stores only what is new.

            Examples:
              pachctl extract > cluster.pachyderm
              pachctl extract | zstd | ssh elsewhere 'cat > cluster.zst'
              ADDRESS=old:30650 pachctl extract | ADDRESS=new:30650 pachctl restore
            """,
            file).Does(async (parsed, client, cancel) =>
            {
                if (parsed.GetValue(file) is { } path)
                {
                    await ExtractToAsync(path, client, cancel);
                    return;
                }

                if (!Console.IsOutputRedirected)
                {
                    throw new OperatorException(
                        "extract-terminal", "standard output", "it is a terminal", "redirect it into a file or a pipe, or give -f FILE");
                }

                await using Stream output = StandardOutput.OpenBytes();
                await client.Admin.ExtractAsync(output, cancellationToken: cancel);
            });
    }

    public static Command Restore()
    {
        Option<string?> file = new("--file", "-f") { Description = "The stream, instead of the standard input.", HelpName = "FILE" };
        return Create(
            "restore",
            "Make the cluster have what a stream of `pachctl extract` holds.",
            """
            Everything becomes visible at once when the end of the stream has proved that it is whole; of a damaged or interrupted stream nothing does, and the
            command can be run again. The cluster need not be empty: what it has already and is equal stays. If it has
            something else under a name of the stream, nothing is restored, and the message names it.

            Examples:
              pachctl restore < cluster.pachyderm
              pachctl restore -f cluster.pachyderm
            """,
            file).Prints(async (parsed, client, output, cancel) =>
            {
                await using Stream source = parsed.GetValue(file) is { } path ? Open(path) : Console.OpenStandardInput();
                RestoreResponse done = await client.Admin.RestoreAsync(source, cancellationToken: cancel);
                await output.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture,
                    $"Restored {done.Created:N0} records from {Sizes.Format(done.Bytes)}; {done.Present:N0} were there already"));
            });
    }

    private static async Task ExtractToAsync(string path, PachClient client, CancellationToken cancellationToken)
    {
        string partial = path + ".partial";
        try
        {
            if (Path.Exists(path))
            {
                throw new OperatorException("extract-file-exists", path, "there is a file already", "name another one");
            }

            await using (FileStream target = new(partial, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20))
            {
                await client.Admin.ExtractAsync(target, cancellationToken: cancellationToken);
                target.Flush(flushToDisk: true);
            }

            File.Move(partial, path, overwrite: false);
            DurableFiles.FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    private static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
    }
}
