using System.Security.Cryptography;
using Pachyderm.Client;
using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests.Pfs;

/// <summary>Objects and tags, which clients put by the API and pachctl reads.</summary>
public class ObjectScenarioTests(PfsCluster cluster) : IClassFixture<PfsCluster>
{
    [Fact]
    public async Task Objects_are_printed_by_hash_and_by_tag()
    {
        byte[] content = new byte[3_000_000];
        new Random(1).NextBytes(content);
        await using PachClient client = new(cluster.Server.Address);
        string hash = await client.Objects.PutAsync(new MemoryStream(content), ["tag", "other"], TestContext.Current.CancellationToken);
        string empty = await client.Objects.PutAsync(Stream.Null, ["empty"], TestContext.Current.CancellationToken);

        Assert.Equal(Convert.ToHexStringLower(SHA512.HashData(content)), hash);
        foreach (string[] arguments in (string[][])[["get-object", hash], ["get-tag", "tag"], ["get-tag", "other"]])
        {
            PachctlResult sum = (await cluster.ShellAsync("\"$@\" | sha512sum", arguments)).MustExitWith(0);
            Assert.StartsWith(hash, sum.Output, StringComparison.Ordinal);
        }

        Assert.Empty(await cluster.RunAsync("get-object", empty));
        Assert.Empty(await cluster.RunAsync("get-tag", "empty"));
        await cluster.RefusesAsync($"object {new string('0', 128)} not found", "get-object", new string('0', 128));
        await cluster.RefusesAsync("tag missing not found", "get-tag", "missing");
        Assert.StartsWith("0B freed: ", await cluster.RunAsync("garbage-collect"), StringComparison.Ordinal);
        Assert.Empty(await cluster.RunAsync("get-object", empty));
    }
}
