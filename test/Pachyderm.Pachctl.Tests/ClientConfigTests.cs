using System.Text.Json;
using Pachyderm.Errors;
using Pachyderm.Pachctl.Server;

namespace Pachyderm.Pachctl.Tests;

public sealed class ClientConfigTests : IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("pachctl-config-");

    private string ConfigPath => Path.Combine(_home.FullName, ".pachyderm", "config.json");

    public void Dispose() => _home.Delete(recursive: true);

    [Fact]
    public void A_missing_file_is_made_in_the_form_of_1_5()
    {
        Assert.Equal(new ClientConfig("", ""), ClientConfig.Load(ConfigPath));

        using var json = JsonDocument.Parse(File.ReadAllBytes(ConfigPath));
        Assert.Matches("^[0-9a-f]{32}$", json.RootElement.GetProperty("user_id").GetString());
        byte[] made = File.ReadAllBytes(ConfigPath);
        ClientConfig.Load(ConfigPath);
        Assert.Equal(made, File.ReadAllBytes(ConfigPath));
    }

    [Theory]
    [InlineData("""{"user_id":"x","v1":{"pachd_address":"host:1","session_token":"t"}}""", "host:1", "t")]
    [InlineData("""{"user_id":"x","v1":{"pachd_address":"host:1"}}""", "host:1", "")]
    [InlineData("""{"user_id":"x"}""", "", "")]
    [InlineData("""{"v1":null,"later":{"things":1}}""", "", "")]
    public void Address_and_token_are_read(string text, string address, string token) => Assert.Equal(new ClientConfig(address, token), Load(text));

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"v1":{"pachd_address":5}}""")]
    public void A_malformed_file_is_told_with_its_path(string text)
    {
        OperatorException exception = Assert.Throws<OperatorException>(() => Load(text));

        Assert.Equal(("config-malformed", ConfigPath), (exception.Id, exception.Thing));
        Assert.DoesNotContain('\n', exception.Message);
    }

    [Fact]
    public void A_home_that_cannot_be_written_to_stops_nothing() => Assert.Equal(new ClientConfig("", ""), ClientConfig.Load("/proc/none/config.json"));

    [Theory]
    [InlineData("flag:1", "config:2", "flag:1")]
    [InlineData(null, "config:2", "config:2")]
    [InlineData(null, "", "127.0.0.1:30650")]
    public void The_flag_comes_before_the_file_and_that_before_this_machine(string? flag, string file, string expected) =>
        Assert.Equal(expected, new ClientConfig(file, "").Address(flag).ToString());

    private ClientConfig Load(string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(ConfigPath)!);
        File.WriteAllText(ConfigPath, text);
        return ClientConfig.Load(ConfigPath);
    }
}
