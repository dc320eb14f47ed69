using Xunit.MicrosoftTestingPlatform;

namespace Pachyderm.Metadata.Tests;

/// <summary>Runs the tests, and with a command as first argument what they need besides.</summary>
public static class Program
{
    public static Task<int> Main(string[] args) => args switch
    {
        [CrashWriter.Command, string path, string run] => CrashWriter.RunAsync(path, run),
        [GoldenWriter.Command, string directory] => GoldenWriter.RunAsync(directory),
        _ => TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions),
    };
}
