using Pachyderm.Client;
using Pachyderm.ObjectStores.Tests;
using static Pachyderm.Pachd.Tests.PachdProcess;

namespace Pachyderm.Pachd.Tests;

/// <summary>Large files through the client, which asks before it sends.</summary>
public sealed class LargeFileTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Versions_of_a_large_file_come_back_as_they_were_put_and_share_what_they_have_in_common()
    {
        await using PachdProcess pachd = await StartAsync(directory["data"]);
        await using PachClient client = new(new PachClientOptions { Address = PachAddress.Parse(pachd.GrpcAddress) });
        byte[] first = new byte[80 << 20];
        new Random(3).NextBytes(first);
        byte[] second = [.. first.AsSpan(0, 30 << 20), 1, 2, 3, .. first.AsSpan(30 << 20)];
        await client.Repos.CreateAsync("data", cancellationToken: Token);
        CommitRef commit = await client.Commits.StartAsync("data", "master", cancellationToken: Token);

        Sum sent = new();
        await client.Files.PutAsync(commit, "/f", new MemoryStream(first), progress: sent, cancellationToken: Token);
        Assert.Equal(new Transfer(1, first.Length), sent.Total);
        long stored = SizeOf(directory["data"]);
        await client.Files.PutAsync(commit, "/g", new MemoryStream(second), cancellationToken: Token);
        await client.Files.PutAsync(commit, "/f", new MemoryStream(second), new PutFileOptions { Overwrite = true }, cancellationToken: Token);
        // The same bytes, cut by the server alone.
        await client.Files.PutAsync(commit, "/h", new UnseekableStream(second), cancellationToken: Token);
        await client.Commits.FinishAsync(commit, Token);

        Assert.InRange(SizeOf(directory["data"]) - stored, 0, 10 << 20);
        foreach (string path in (string[])["/f", "/g", "/h"])
        {
            using MemoryStream read = new();
            await client.Files.GetAsync(commit, path, read, cancellationToken: Token);
            Assert.True(second.AsSpan().SequenceEqual(read.ToArray()), path);
        }
        string[] hashes = [.. await client.Files.ListAsync(commit, cancellationToken: Token).Select(file => file.Hash.ToBase64()).ToListAsync(Token)];
        Assert.Single(hashes.Distinct(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_commit_that_is_finished_refuses_the_file_before_it_is_read()
    {
        await using PachdProcess pachd = await StartAsync(directory["data"]);
        await using PachClient client = new(new PachClientOptions { Address = PachAddress.Parse(pachd.GrpcAddress) });
        await client.Repos.CreateAsync("data", cancellationToken: Token);
        CommitRef commit = await client.Commits.StartAsync("data", "master", cancellationToken: Token);
        await client.Commits.FinishAsync(commit, Token);
        using MemoryStream content = new(new byte[64 << 20]);
        PachException refusal = await Assert.ThrowsAsync<PachException>(() => client.Files.PutAsync(commit, "/f", content, cancellationToken: Token));
        Assert.Contains("is not open", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, content.Position);
    }

    private static long SizeOf(string directory) =>
        new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories).Sum(static file => file.Length);

    private sealed class Sum : IProgress<Transfer>
    {
        private readonly Lock gate = new();

        public Transfer Total { get; private set; }

        public void Report(Transfer value)
        {
            lock (gate)
            {
                Total += value;
            }
        }
    }

    private sealed class UnseekableStream(byte[] content) : MemoryStream(content)
    {
        public override bool CanSeek => false;
    }
}
