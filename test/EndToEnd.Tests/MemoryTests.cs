using System.Globalization;
using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests;

/// <summary>Memory does not grow with the number of records.</summary>
public class MemoryTests
{
    private const long LimitInKibibytes = 512 << 10;

    [Fact]
    public async Task A_large_snapshot_is_migrated_in_less_than_512_MB()
    {
        using Workspace workspace = new();
        string source = workspace["large.snap"];
        await LargeCluster.WriteAsync(source, Sets.IsLong ? 300_000 : 30_000);
        await using PachctlProcess migrate = PachctlProcess.Start(
            ["migrate", "--snapshot", source, "--out", workspace.Output, "--backup", workspace.Backups]);

        (PachctlResult result, long peak) = await migrate.WaitWithPeakAsync();

        result.MustExitWith(0);
        Assert.InRange(peak, 1, LimitInKibibytes);
        TestContext.Current.SendDiagnosticMessage(string.Create(CultureInfo.InvariantCulture, $"peak {peak >> 10} MiB\n{result.Errors}"));
    }
}
