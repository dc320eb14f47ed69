using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Pachyderm.Client;
using Pachyderm.Pachctl.Output;

namespace Pachyderm.Pachctl.Pfs;

/// <summary><c>pachctl put-file --history</c>: the history of another cluster's branch, commit by commit.</summary>
internal static class HistoryUpload
{
    // Servers of 1.4 and 1.5 send the list of a directory as one message, however long it is.
    private const int LongestReply = 256 << 20;

    /// <summary>Says what of a command line does not go with <c>--history</c>.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="path">The path argument.</param>
    /// <param name="files">The sources.</param>
    /// <param name="recursive">The option <c>-r</c>.</param>
    /// <param name="others">Options that mean nothing for a history.</param>
    public static IEnumerable<string> Faults(
        CommandResult result, Argument<string?> path, Option<string[]> files, Option<bool> recursive, params Option[] others)
    {
        if (!result.GetValue(recursive))
        {
            yield return "--history copies whole commits: add -r";
        }

        if (result.GetValue(files) is not [{ } source] || !RemotePath.IsRemote(source))
        {
            yield return "--history takes one source, a branch of another cluster: -f pfs://HOST:PORT/REPO/BRANCH";
        }

        if (result.GetValue(path) is { } target && target.Trim('/').Length > 0)
        {
            yield return "--history copies whole commits: leave out PATH";
        }

        foreach (Option option in others.Where(option => result.GetResult(option) is { Implicit: false }))
        {
            yield return $"--history makes its own commits and takes files as they are: leave out {option.Name}";
        }
    }

    /// <summary>Copies, and tells what was copied.</summary>
    public static async Task RunAsync(PachClient target, CommitRef branch, string url, int parallelism, CancellationToken cancellationToken)
    {
        RemotePath source = RemotePath.Parse(url);
        await using PachClient client = new(new PachClientOptions { Address = source.Server, LongestReply = LongestReply });
        HistoryReplay replay = await HistoryReplay.PlanAsync(client, new CommitRef(source.Repo, source.Path), target, branch, cancellationToken);
        Note(replay.Open, "not finished");
        Note(replay.Dropped, "cancelled or archived");
        int copied = replay.Total - replay.Present;
        Transfer sent = await HistoryDisplay.RunAsync(copied, progress => replay.RunAsync(parallelism, progress, cancellationToken));
        string there = replay.Present == 0 ? "" : $"; {Count(replay.Present, "commit")} {(replay.Present == 1 ? "was" : "were")} there already";
        await Console.Out.WriteLineAsync($"{Count(copied, "commit")}, {Count(sent.Files, "file")}, {Count(sent.Bytes, "byte")}{there}");
    }

    private static void Note(IReadOnlyList<string> commits, string why)
    {
        foreach (string commit in commits)
        {
            Console.Error.WriteLine($"pachctl: commit {Printable.Text(commit)} is passed over: it is {why}");
        }
    }

    private static string Count(long number, string thing) => string.Create(CultureInfo.InvariantCulture, $"{number} {thing}{(number == 1 ? "" : "s")}");
}
