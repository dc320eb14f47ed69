using Grpc.Core;
using Pachyderm.ObjectStores.Tests;

namespace Pachyderm.Pachd.Tests;

public sealed class StartTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private string Data => directory["data"];

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Help_says_how_to_start_and_names_every_setting()
    {
        (int exitCode, string output, _) = await PachdProcess.RunAsync(["--help"]);
        Assert.Equal(0, exitCode);
        Assert.Contains("pachd --data", output, StringComparison.Ordinal);
        string[] expected =
        [
            "--grpc-address", "--http-address", "--config", "--log-level", "--drain-timeout", "--read-only", "PACHD_DATA", "127.0.0.1:30650",
        ];
        foreach (string text in expected)
        {
            Assert.Contains(text, output, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("--grpc-address", "nonsense", "--grpc-address: 'nonsense' is not understood; give an address")]
    [InlineData("--http-address", "127.0.0.1:99999", "--http-address: '127.0.0.1:99999' is not understood")]
    [InlineData("--log-level", "loud", "--log-level: 'loud' is not understood; give debug, info, warn or error")]
    [InlineData("--drain-timeout", "-3s", "--drain-timeout: '-3s' is not understood")]
    [InlineData("--config", "/nowhere.json", "/nowhere.json: it cannot be read; check the path given with --config")]
    [InlineData("--no-such-flag", "x", "--no-such-flag")]
    public async Task A_wrong_setting_ends_it_with_one_line_and_code_3(string flag, string value, string expected)
    {
        (int exitCode, _, string errors) = await PachdProcess.RunAsync(["--data", Data, flag, value]);
        Assert.Equal(3, exitCode);
        Assert.StartsWith("pachd: ", errors, StringComparison.Ordinal);
        Assert.Contains(expected, errors, StringComparison.Ordinal);
        Assert.Single(errors.TrimEnd().Split('\n'));
        Assert.False(Directory.Exists(Data));
    }

    [Theory]
    [InlineData("{", "it is no JSON")]
    [InlineData("[]", "it is no JSON object")]
    [InlineData("{\"colour\": 1}", "\"colour\" is no setting; use data, grpc_address")]
    [InlineData("{\"log_level\": \"loud\"}", "\"log_level\" in")]
    public async Task A_wrong_configuration_file_ends_it_with_one_line_and_code_3(string content, string expected)
    {
        string file = directory["pachd.json"];
        await File.WriteAllTextAsync(file, content, PachdProcess.Token);
        (int exitCode, _, string errors) = await PachdProcess.RunAsync(["--config", file]);
        Assert.Equal(3, exitCode);
        Assert.Contains(expected, errors, StringComparison.Ordinal);
        Assert.Single(errors.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task A_wrong_environment_variable_is_named()
    {
        (int exitCode, _, string errors) = await PachdProcess.RunAsync(["--data", Data], ("PACHD_LOG_LEVEL", "loud"));
        Assert.Equal((3, true), (exitCode, errors.Contains("environment variable PACHD_LOG_LEVEL: 'loud'", StringComparison.Ordinal)));
        (exitCode, _, errors) = await PachdProcess.RunAsync(["--data", Data], ("PORT", "many"));
        Assert.Equal((3, true), (exitCode, errors.Contains("environment variable PORT: 'many' is no port", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_second_pachd_on_the_same_data_is_refused_with_one_line()
    {
        await using PachdProcess first = await PachdProcess.StartAsync(Data);
        (int exitCode, _, string errors) = await PachdProcess.RunAsync(
            ["--data", Data, "--grpc-address", "127.0.0.1:0", "--http-address", "none"]);
        Assert.Equal(1, exitCode);
        Assert.Contains("another pachd", errors, StringComparison.Ordinal);
        Assert.Single(errors.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task A_port_in_use_is_told_in_one_line()
    {
        await using PachdProcess first = await PachdProcess.StartAsync(Data);
        (int exitCode, _, string errors) = await PachdProcess.RunAsync(
            ["--data", directory["other"], "--grpc-address", first.GrpcAddress, "--http-address", "none"]);
        Assert.Equal(1, exitCode);
        Assert.Contains($"{first.GrpcAddress}", errors, StringComparison.Ordinal);
        Assert.Contains("another program listens there", errors, StringComparison.Ordinal);
        Assert.Single(errors.TrimEnd().Split('\n'), line => line.StartsWith("pachd: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_directory_that_cannot_be_made_is_told_in_one_line()
    {
        await File.WriteAllTextAsync(directory["file"], "", PachdProcess.Token);
        (int exitCode, _, string errors) = await PachdProcess.RunAsync(
            ["--data", Path.Combine(directory["file"], "data"), "--http-address", "none"]);
        Assert.Equal(1, exitCode);
        Assert.Single(errors.TrimEnd().Split('\n'));
        Assert.Contains("pachd: ", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_of_a_later_format_is_served_for_reading_only()
    {
        await using (PachdProcess pachd = await PachdProcess.StartAsync(Data))
        {
            await pachd.CreateRepoAsync("data");
            await pachd.PutAsync("data", await pachd.StartCommitAsync("data", "master"), "f", "content"u8.ToArray());
            await pachd.FinishAsync("data", "master");
            pachd.Terminate();
            Assert.Equal(0, await pachd.WaitForExitAsync());
        }
        await File.WriteAllTextAsync(Path.Combine(Data, "format.json"), "{\"format\": 1000, \"min_reader\": 1}", PachdProcess.Token);
        await using (PachdProcess reader = await PachdProcess.StartAsync(Data))
        {
            Assert.Equal("content"u8.ToArray(), Assert.Single(await reader.GetAsync("data", "master", "f")));
            RpcException refused = await Assert.ThrowsAsync<RpcException>(() => reader.CreateRepoAsync("other"));
            Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
            Assert.Contains("pachctl migrate", refused.Status.Detail, StringComparison.Ordinal);
            Assert.Contains("writes are refused", reader.Log, StringComparison.Ordinal);
        }
        await File.WriteAllTextAsync(Path.Combine(Data, "format.json"), "{\"format\": 1000, \"min_reader\": 1000}", PachdProcess.Token);
        (int exitCode, _, string errors) = await PachdProcess.RunAsync(["--data", Data, "--http-address", "none"]);
        Assert.Equal((1, true), (exitCode, errors.Contains("the data has format 1000", StringComparison.Ordinal)));
        Assert.Single(errors.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task Reading_only_refuses_writes_and_changes_nothing()
    {
        await using (PachdProcess pachd = await PachdProcess.StartAsync(Data))
        {
            await pachd.CreateRepoAsync("data");
            pachd.Terminate();
            await pachd.WaitForExitAsync();
        }
        await using PachdProcess reader = await PachdProcess.StartAsync(Data, "--read-only", "true");
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => reader.StartCommitAsync("data", "master"));
        Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
        Assert.Contains("start pachd without --read-only", refused.Status.Detail, StringComparison.Ordinal);
        Assert.Single((await reader.Pfs.ListRepoAsync(new Wire.Pfs.ListRepoRequest(), cancellationToken: PachdProcess.Token)).RepoInfo);
    }
}
