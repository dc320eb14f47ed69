using Xunit.MicrosoftTestingPlatform;

namespace Pachyderm.Metadata.Tests;

/// <summary>Runs the tests.</summary>
public static class Program
{
    public static Task<int> Main(string[] args) =>
        TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions);
}
