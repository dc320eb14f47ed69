using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Pachyderm.ObjectStores.Tests;

namespace Pachyderm.Pachd.Tests;

public sealed class ShutdownTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task A_call_that_is_running_may_finish_after_the_signal_to_end()
    {
        await using (PachdProcess pachd = await PachdProcess.StartAsync(directory["data"]))
        {
            await pachd.CreateRepoAsync("data");
            string commit = await pachd.StartCommitAsync("data", "master");
            using var call = pachd.Pfs.PutFile(cancellationToken: PachdProcess.Token);
            await call.RequestStream.WriteAsync(new Wire.Pfs.PutFileRequest
            {
                File = PachdProcess.File("data", commit, "f"),
                Value = ByteString.CopyFromUtf8("before "),
            }, PachdProcess.Token);
            // The answer to another call on the same connection tells that the server has the stream.
            await pachd.Pfs.ListRepoAsync(new Wire.Pfs.ListRepoRequest(), cancellationToken: PachdProcess.Token);
            using var subscription = pachd.Pfs.SubscribeCommit(
                new Wire.Pfs.SubscribeCommitRequest { Repo = new Wire.Pfs.Repo { Name = "data" }, Branch = "master" }, cancellationToken: PachdProcess.Token);
            await pachd.Pfs.ListRepoAsync(new Wire.Pfs.ListRepoRequest(), cancellationToken: PachdProcess.Token);
            pachd.Terminate();
            RpcException ended = await Assert.ThrowsAsync<RpcException>(() => subscription.ResponseStream.MoveNext(PachdProcess.Token));
            Assert.Equal(StatusCode.Unavailable, ended.StatusCode);
            await call.RequestStream.WriteAsync(new Wire.Pfs.PutFileRequest { Value = ByteString.CopyFromUtf8("and after") }, PachdProcess.Token);
            await call.RequestStream.CompleteAsync();
            await call;
            Assert.Equal(0, await pachd.WaitForExitAsync());
            Assert.EndsWith("ended", pachd.Log.TrimEnd(), StringComparison.Ordinal);
        }
        await using PachdProcess again = await PachdProcess.StartAsync(directory["data"]);
        Assert.Equal("before and after", Encoding.UTF8.GetString(Assert.Single(await again.GetAsync("data", "master", "f"))));
    }

    [Fact]
    public async Task A_call_that_does_not_end_is_ended_after_the_drain_timeout()
    {
        await using PachdProcess pachd = await PachdProcess.StartAsync(directory["data"], "--drain-timeout", "200ms");
        await pachd.CreateRepoAsync("data");
        string commit = await pachd.StartCommitAsync("data", "master");
        using var call = pachd.Pfs.PutFile(cancellationToken: PachdProcess.Token);
        await call.RequestStream.WriteAsync(new Wire.Pfs.PutFileRequest { File = PachdProcess.File("data", commit, "f"), Value = ByteString.CopyFromUtf8("half") }, PachdProcess.Token);
        await pachd.Pfs.ListRepoAsync(new Wire.Pfs.ListRepoRequest(), cancellationToken: PachdProcess.Token);
        pachd.Terminate();
        Assert.Equal(0, await pachd.WaitForExitAsync());
        await Assert.ThrowsAsync<RpcException>(async () => await call);
    }
}
