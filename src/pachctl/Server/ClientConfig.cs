using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Pachyderm.Client;
using Pachyderm.Errors;

namespace Pachyderm.Pachctl.Server;

/// <summary>The file <c>~/.pachyderm/config.json</c>: which pachd to talk to, and the session token. It is in the form of 1.5.</summary>
/// <param name="PachdAddress">Where pachd listens; empty if the file does not say.</param>
/// <param name="SessionToken">What <c>auth login</c> obtained; empty before.</param>
internal sealed record ClientConfig(string PachdAddress, string SessionToken)
{
    private const UnixFileMode DirectoryMode = (UnixFileMode)0b111_101_101;

    /// <summary>Where the file lies; null for a user without a home.</summary>
    public static string? DefaultPath =>
        Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home ? Path.Combine(home, ".pachyderm", "config.json") : null;

    /// <summary>Reads the file, and makes it if there is none.</summary>
    /// <exception cref="OperatorException"><c>config-malformed</c> or <c>config-unreadable</c>.</exception>
    public static ClientConfig Load(string? path)
    {
        if (path is null)
        {
            return new ClientConfig("", "");
        }

        try
        {
            if (!File.Exists(path))
            {
                Create(path);
                return new ClientConfig("", "");
            }

            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            JsonElement root = document.RootElement;
            JsonElement v1 = root.TryGetProperty("v1", out JsonElement section) ? section : default;
            return new ClientConfig(Text(v1, "pachd_address"), Text(v1, "session_token"));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new OperatorException(
                "config-malformed", path, $"it is not what pachctl writes there ({Line(exception.Message)})",
                "repair it, or remove it and a new one is made", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException(
                "config-unreadable", path, $"it cannot be read ({Line(exception.Message)})", "change its permissions", exception);
        }
    }

    /// <summary>Which pachd to talk to: the flag, else the variable <c>ADDRESS</c>, else this file, else this machine.</summary>
    public PachAddress Address(string? flag) =>
        new[] { flag, Environment.GetEnvironmentVariable("ADDRESS"), PachdAddress }.FirstOrDefault(
            address => !string.IsNullOrWhiteSpace(address)) is { } given
            ? PachAddress.Parse(given.Trim())
            : PachAddress.Parse(PachAddress.Default);

    private static string Text(JsonElement section, string name) =>
        section.ValueKind == JsonValueKind.Object
            && section.TryGetProperty(name, out JsonElement value)
            && value.ValueKind != JsonValueKind.Null
            ? value.GetString()!
            : "";

    private static string Line(string text) => text.ReplaceLineEndings(" ");

    // Nothing depends on this file, so a home that cannot be written to does not stop a command.
    private static void Create(string path)
    {
        string json = $$"""
            {
              "user_id": "{{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))}}",
              "v1": {}
            }

            """;
        try
        {
            string directory = Path.GetDirectoryName(path)!;
            _ = OperatingSystem.IsWindows() ? Directory.CreateDirectory(directory) : Directory.CreateDirectory(directory, DirectoryMode);
            using FileStream file = new(path, FileMode.CreateNew, FileAccess.Write);
            file.Write(Encoding.UTF8.GetBytes(json));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            System.Diagnostics.Trace.WriteLine(exception.Message);
        }
    }
}
