using System.Text.Json;
using Grpc.Core;
using Pachyderm.Client;
using Pachyderm.EndToEnd.Tests.Support;
using JobInfo = Pachyderm.Wire.Pps.JobInfo;

namespace Pachyderm.EndToEnd.Tests.Backup;

/// <summary>A whole cluster as one stream, by pachctl and real servers.</summary>
public class StreamTests(StreamCluster cluster) : IClassFixture<StreamCluster>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Another_cluster_answers_the_same_and_computes_nothing_again()
    {
        await using PachdProcess other = await PachdProcess.StartAsync(cluster["same"]);
        string told = await cluster.RunAtAsync(other.Address, "restore", "-f", cluster.Stream);

        Assert.Contains("0 were there already", told, StringComparison.Ordinal);
        Assert.Equal(cluster.Answers, await ClusterAnswers.ReadAsync(other.Address, Cancel), StringComparer.Ordinal);
        Assert.Equal(cluster.Logs, await cluster.RunAtAsync(other.Address, "get-logs", "--pipeline", "upper"));
        Assert.Contains("0 findings", await cluster.RunAtAsync(other.Address, "fsck", "--read-data"), StringComparison.OrdinalIgnoreCase);

        // The open commit goes on where it was; files that were processed before are not processed again.
        await using PachClient client = new(other.Address);
        await client.Commits.FinishAsync(new CommitRef("lines", "master"), Cancel);
        await foreach (var commit in client.Commits.FlushAsync([new CommitRef("lines", "master")], cancellationToken: Cancel))
        {
            Assert.NotNull(commit.Finished);
        }

        JobInfo last = await client.Jobs.ListAsync("upper", Cancel).FirstAsync(Cancel);
        Assert.Equal((1, 2), (last.DataProcessed, last.DataSkipped));
        Assert.Equal(cluster.JobCount + 1, await client.Jobs.ListAsync("upper", Cancel).CountAsync(Cancel));

        // What has gone on from there is no conflict, and stays.
        Assert.Contains("Restored 0 records", await cluster.RunAtAsync(other.Address, "restore", "-f", cluster.Stream), StringComparison.Ordinal);
        Assert.Equal(cluster.JobCount + 1, await client.Jobs.ListAsync("upper", Cancel).CountAsync(Cancel));
    }

    [Fact]
    public async Task A_pipe_carries_it_from_cluster_to_cluster()
    {
        await using PachdProcess other = await PachdProcess.StartAsync(cluster["piped"]);
        PachctlResult piped = await cluster.ShellAsync($"\"$@\" extract | ADDRESS={other.Address} \"$@\" restore");
        piped.MustExitWith(0);
        Assert.Equal(cluster.Answers, await ClusterAnswers.ReadAsync(other.Address, Cancel), StringComparer.Ordinal);
    }

    [Fact]
    public async Task Something_else_under_the_same_name_is_named_and_nothing_is_restored()
    {
        await using PachdProcess other = await PachdProcess.StartAsync(cluster["conflict"]);
        await cluster.RunAtAsync(other.Address, "create-repo", "lines");

        PachctlResult refused = await cluster.TryAtAsync(other.Address, "restore", "-f", cluster.Stream);

        refused.MustExitWith(1);
        Assert.Contains("repo lines was created at another time", refused.Errors, StringComparison.Ordinal);
        await using PachClient client = new(other.Address);
        Assert.Equal("lines", Assert.Single(await client.Repos.ListAsync(cancellationToken: Cancel).ToListAsync(Cancel)).Repo.Name);
        Assert.Empty(await client.Pipelines.ListAsync(Cancel));
    }

    [Fact]
    public async Task Of_a_damaged_or_cut_stream_nothing_is_visible_and_the_place_is_named()
    {
        await using PachdProcess other = await PachdProcess.StartAsync(cluster["damaged"]);
        await using PachClient client = new(other.Address);
        byte[] stream = await File.ReadAllBytesAsync(cluster.Stream, Cancel);
        for (int i = 0; i < 30; i++)
        {
            int place = (int)((long)i * (stream.Length - 1) / 29);
            byte[] damaged = i % 2 == 0 ? [.. stream] : stream[..place];
            if (i % 2 == 0)
            {
                damaged[place] ^= 0x20;
            }

            using MemoryStream source = new(damaged);
            PachException refused = await Assert.ThrowsAsync<PachException>(() => client.Admin.RestoreAsync(source, cancellationToken: Cancel));
            Assert.Equal(StatusCode.DataLoss, refused.Status);
            Assert.Contains(place < 8 ? "the stream" : "the stream at byte", refused.Message, StringComparison.Ordinal);
            Assert.Empty(await client.Repos.ListAsync(cancellationToken: Cancel).ToListAsync(Cancel));
        }

        // A client that goes away in the middle.
        using (CancellationTokenSource away = CancellationTokenSource.CreateLinkedTokenSource(Cancel))
        {
            await using CutStream half = new(stream, stream.Length / 2, away);
            await Assert.ThrowsAnyAsync<Exception>(() => client.Admin.RestoreAsync(half, cancellationToken: away.Token));
        }

        Assert.Empty(await client.Repos.ListAsync(cancellationToken: Cancel).ToListAsync(Cancel));
        await cluster.RunAtAsync(other.Address, "garbage-collect");
        await cluster.RunAtAsync(other.Address, "restore", "-f", cluster.Stream);
        Assert.Equal(cluster.Answers, await ClusterAnswers.ReadAsync(other.Address, Cancel), StringComparer.Ordinal);
    }

    [Fact]
    public async Task A_stream_that_is_written_while_others_write_is_as_of_one_moment()
    {
        string stream = cluster["moment"];
        await cluster.RunAsync("create-repo", "moment");
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        Task writing = WriteAsync(stop.Token);
        await cluster.RunAsync("extract", "-f", stream);
        await stop.CancelAsync();
        await writing;
        await cluster.RunAsync("delete-repo", "moment", "-f");

        await using PachdProcess other = await PachdProcess.StartAsync(cluster["moment-data"]);
        await cluster.RunAtAsync(other.Address, "restore", "-f", stream);
        await cluster.RunAtAsync(other.Address, "fsck", "--read-data");
        (await cluster.TryAsync("extract", "-f", stream)).MustRefuse(1, "there is a file already");

        async Task WriteAsync(CancellationToken token)
        {
            await using PachClient client = new(cluster.Server.Address);
            for (int i = 0; !token.IsCancellationRequested; i++)
            {
                CommitRef commit = await client.Commits.StartAsync("moment", branch: "master", cancellationToken: Cancel);
                using MemoryStream content = new(JsonSerializer.SerializeToUtf8Bytes(Enumerable.Range(0, 1000 + i)));
                await client.Files.PutAsync(commit, $"/{i}", content, cancellationToken: Cancel);
                await client.Commits.FinishAsync(commit, Cancel);
            }
        }
    }

    /// <summary>A stream whose reader is cancelled at a place.</summary>
    private sealed class CutStream(byte[] content, int cut, CancellationTokenSource away) : MemoryStream(content)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position >= cut)
            {
                await away.CancelAsync();
            }

            return await base.ReadAsync(buffer[..Math.Min(buffer.Length, 10_000)], cancellationToken);
        }
    }
}
