using System.Diagnostics;
using Pachyderm.EndToEnd.Tests.Pfs;
using Pachyderm.EndToEnd.Tests.Support;
using Pachyderm.TestSupport;

namespace Pachyderm.EndToEnd.Tests.Examples;

/// <summary>The scripts of <c>examples/</c>, run as a user runs them, over the programs that were built with these tests.</summary>
public class ExampleTests(PfsCluster cluster) : IClassFixture<PfsCluster>
{
    [Fact]
    public async Task Words_are_counted_text_by_text()
    {
        string output = await RunAsync("word-count");
        Assert.Contains("1 + 3 / 4", output, StringComparison.Ordinal);

        // 40 lines of 8 words in each text.
        string[] totals = output.Split("get-file word_total master /words");
        Assert.Equal([3 * 40 * 8, 4 * 40 * 8], totals.Skip(1).Select(Sum));
    }

    [Fact]
    public async Task Users_are_joined_with_purchases_by_a_program_that_is_data()
    {
        string output = await RunAsync("join");
        Assert.Contains("ada,uk,lamp,40\nemmy,germany,chair,80\n", output, StringComparison.Ordinal);
        Assert.Contains("2 + 4 / 6", output, StringComparison.Ordinal);
        Assert.Contains("6 + 0 / 6", output, StringComparison.Ordinal);
        Assert.EndsWith("GEORGE,uk,lamp,40\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Edges_are_found_once_for_each_picture_and_mounted()
    {
        string output = await RunAsync("edges");
        Assert.Contains("1 + 2 / 3", output, StringComparison.Ordinal);
        Assert.EndsWith("montage.png: PNG, 504 x 256\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_total_runs_on_from_job_to_job()
    {
        string output = await RunAsync("incremental-sum");
        Assert.Equal(["6", "36", "136"], output.Split("get-file sum master /total\n").Skip(1).Select(text => text.Split('\n')[0]), StringComparer.Ordinal);
        string[] logs = output[output.IndexOf("get-logs", StringComparison.Ordinal)..].Split('\n');
        Assert.Equal(
            ["adding day1 to 0", "adding day2 to 6", "adding day3 to 36"],
            logs.Where(line => line.StartsWith("adding", StringComparison.Ordinal)),
            StringComparer.Ordinal);
    }

    [Fact]
    public async Task A_page_is_fetched_by_the_clock()
    {
        string output = await RunAsync("cron-scraper");
        string[] visits = [.. output.Split('\n').Where(line => line.Contains("visitor number", StringComparison.Ordinal))];
        Assert.True(visits.Length >= 3, output);
        Assert.All(visits, (line, index) => Assert.EndsWith($"visitor number {index + 1}", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_example_leaves_nothing_on_a_server_that_was_there_before()
    {
        await cluster.RunAsync("create-repo", "mine");
        await RunAsync("word-count", cluster.Server.Address);
        Assert.Equal("mine", await cluster.NamesAsync("list-repo"));
        Assert.Empty(await cluster.NamesAsync("list-pipeline"));
        Assert.Empty(await cluster.NamesAsync("list-job"));
    }

    private static int Sum(string words) => words.Split('\n').Skip(1).TakeWhile(line => line.Split(' ') is [_, { Length: > 0 }])
        .Sum(line => int.Parse(line.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>Runs an example to its end, which must be a good one.</summary>
    private static async Task<string> RunAsync(string example, string? address = null)
    {
        ProcessStartInfo info = new(Path.Combine(RepositoryPaths.Root, "examples", example, "run.sh"))
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        info.Environment.Remove("ADDRESS");
        if (address is not null)
        {
            info.Environment["ADDRESS"] = address;
        }

        info.Environment["PACHD"] = PachdProcess.Program;
        info.Environment["PACHCTL"] = PachctlProcess.Program;
        using Process script = Process.Start(info) ?? throw new InvalidOperationException($"{example} did not start");
        script.StandardInput.Close();
        Task<string> errors = script.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        try
        {
            string output = await script.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await script.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(script.ExitCode == 0, output + await errors);
            return output;
        }
        finally
        {
            if (!script.HasExited)
            {
                script.Kill(entireProcessTree: true);
            }
        }
    }
}
