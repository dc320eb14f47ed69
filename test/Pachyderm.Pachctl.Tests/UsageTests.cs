using System.CommandLine;

namespace Pachyderm.Pachctl.Tests;

/// <summary>Command lines and their exit codes, as far as no server is asked.</summary>
public class UsageTests
{
    [Theory]
    [InlineData("create-repo", "expected 1 arguments, got 0")]
    [InlineData("create-repo a b", "expected 1 arguments, got 2")]
    [InlineData("create-repo a --nope", "unknown flag: --nope")]
    [InlineData("crate-repo a", "unknown command \"crate-repo\" for \"pachctl\"; did you mean create-repo?")]
    [InlineData("list-repo extra", "expected 0 arguments, got 1")]
    [InlineData("delete-repo", "either a repo name or the --all flag needs to be provided")]
    [InlineData("delete-repo a --all", "cannot use the --all flag with an argument")]
    [InlineData("start-commit", "expected 1 to 2 arguments, got 0")]
    [InlineData("list-commit a -n many", "many")]
    [InlineData("subscribe-commit a b --new --from c", "--new and --from cannot both be provided")]
    [InlineData("put-file a b", "no filename specified")]
    [InlineData("put-file a b -f x -f -", "no filename specified")]
    [InlineData("put-file a b c --split csv", "unrecognized delimiter 'csv'; only accepts 'json' or 'line'")]
    [InlineData("put-file a b c -p 0", "--parallelism: must be at least 1")]
    [InlineData("put-file a b c --target-file-bytes -1", "--target-file-bytes: must not be negative")]
    [InlineData("get-file a b c -r", "an output path needs to be specified when using the --recursive flag")]
    [InlineData("diff-file a b c d", "diff-file expects either 3 or 6 args, got 4")]
    [InlineData("create-pipeline edges.json", "expected 0 arguments, got 1")]
    [InlineData("create-pipeline --reprocess", "unknown flag: --reprocess")]
    [InlineData("delete-pipeline", "either a pipeline name or the --all flag needs to be provided")]
    [InlineData("delete-pipeline a --all", "cannot use the --all flag with an argument")]
    [InlineData("inspect-job", "expected 1 arguments, got 0")]
    [InlineData("list-job foo/abc", "expected 0 arguments, got 1")]
    [InlineData("restart-datum j", "expected 2 arguments, got 1")]
    [InlineData("get-logs", "must set either --pipeline or --job (or both)")]
    [InlineData("lineage", "expected 2 to 3 arguments, got 0")]
    [InlineData("completion tcsh", "tcsh")]
    public async Task Wrong_usage_is_3_with_a_line_and_the_usage_on_standard_error(string line, string complaint)
    {
        (int code, string output, string errors) = await RunAsync(line.Split(' '));

        Assert.Equal(3, code);
        Assert.Empty(output);
        Assert.StartsWith("pachctl: ", errors, StringComparison.Ordinal);
        Assert.Contains(complaint, errors.Split('\n')[0], StringComparison.Ordinal);
        Assert.Contains("--help", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_command_explains_itself()
    {
        foreach (string name in CommandCatalog.Names)
        {
            (int code, string output, string errors) = await RunAsync(name, "--help");

            Assert.True(code == 0 && errors.Length == 0, name);
            Assert.Contains($" {name} ", output, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("{\n  \"pipelin\": {}\n}", "pachctl: malformed pipeline spec: unknown field \"pipelin\" in pps.CreatePipelineRequest (line 2, column 3)")]
    [InlineData(null, "name a file that can be read, an address, or -")]
    public async Task A_spec_that_cannot_be_read_is_told_before_a_server_is_asked(string? text, string complaint)
    {
        string path = Path.Combine(Path.GetTempPath(), $"spec-{Guid.NewGuid():N}.json");
        try
        {
            if (text is not null)
            {
                await File.WriteAllTextAsync(path, text, TestContext.Current.CancellationToken);
            }

            (int code, string output, string errors) = await RunAsync("create-pipeline", "-f", path, "--address", "127.0.0.1:1");

            Assert.Equal((1, ""), (code, output));
            Assert.Contains(complaint, errors, StringComparison.Ordinal);
            Assert.Single(errors.TrimEnd().Split('\n'));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_command_that_is_named_is_the_only_one_that_is_made()
    {
        Assert.Equal("list-repo", Assert.Single(CommandCatalog.Create(["--address", "delete-repo", "list-repo", "x"]).Subcommands).Name);
        Assert.Equal(CommandCatalog.Names, CommandCatalog.Create([]).Subcommands.Select(command => command.Name), StringComparer.Ordinal);
        Assert.Equal(CommandCatalog.Names.Count(), CommandCatalog.Create(["no-such-command"]).Subcommands.Count);
    }

    [Fact]
    public async Task Completion_offers_commands_and_flags()
    {
        Assert.Contains("list-branch\nlist-commit\nlist-datum\nlist-file\nlist-job\nlist-pipeline\nlist-repo", (await RunAsync("[suggest:13]", "pachctl list-")).Output, StringComparison.Ordinal);
        Assert.Contains("inspect-pipeline\n", (await RunAsync("[suggest:16]", "pachctl inspect-")).Output, StringComparison.Ordinal);
        Assert.Contains("--follow", (await RunAsync("[suggest:18]", "pachctl get-logs --")).Output, StringComparison.Ordinal);
        Assert.Contains("--target-file-bytes", (await RunAsync("[suggest:20]", "pachctl put-file --t")).Output, StringComparison.Ordinal);
        foreach (string shell in (string[])["bash", "zsh", "fish"])
        {
            Assert.Contains("[suggest:", (await RunAsync("completion", shell)).Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_argument_that_begins_with_an_at_sign_is_no_file_of_arguments()
    {
        ParseResult parsed = CommandCatalog.Create(["put-file"]).Parse(
            ["put-file", "r", "b", "@path", "-f", "a,b"], new ParserConfiguration { ResponseFileTokenReplacer = null });

        Assert.Empty(parsed.Errors);
        Assert.Equal("@path", parsed.GetValue<string>("PATH"));
        Assert.Equal("a,b", Assert.Single(parsed.GetValue<string[]>("--file")!));
        Assert.Equal(3, (await RunAsync("create-repo", "a", "@path")).Code);
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] args)
    {
        (TextWriter output, TextWriter errors) = (Console.Out, Console.Error);
        using StringWriter newOutput = new() { NewLine = "\n" };
        using StringWriter newErrors = new() { NewLine = "\n" };
        Console.SetOut(newOutput);
        Console.SetError(newErrors);
        try
        {
            return (await CommandLine.RunAsync(args), newOutput.ToString(), newErrors.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(errors);
        }
    }
}
