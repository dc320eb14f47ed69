using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Pachyderm.Errors;
using Pachyderm.RecordStores.Etcd;
using Pachyderm.TestSupport;

namespace Pachyderm.RecordStores.Tests.Etcd;

public sealed class EtcdConnectTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_etcd_is_known_by_its_version_quota_and_address()
    {
        await using EtcdProcess etcd = await EtcdProcess.StartAsync(new EtcdProcessOptions { QuotaBytes = 12_345_678 }, Cancellation);
        await using EtcdRecordStore store = await EtcdRecordStore.ConnectAsync($"http://{etcd.Endpoint}", null, Cancellation);
        RecordStoreStatus status = await store.GetStatusAsync(Cancellation);
        Assert.Equal($"etcd {etcd.Endpoint}", store.Location);
        Assert.StartsWith("3.", status.ServerVersion, StringComparison.Ordinal);
        Assert.Equal(12_345_678, status.QuotaBytes);
        Assert.Empty(status.Alarms);
    }

    [Fact]
    public async Task A_port_on_which_nothing_listens_is_named()
    {
        EtcdProcess etcd = await EtcdProcess.StartAsync(Cancellation);
        await etcd.DisposeAsync();
        var failure = await Assert.ThrowsAsync<OperatorException>(() => EtcdRecordStore.ConnectAsync(etcd.Endpoint, null, Cancellation));
        Assert.Equal("etcd-unreachable", failure.Id);
        Assert.Equal(
            $"etcd {etcd.Endpoint}: connection refused; check that etcd runs and that the address is right",
            failure.Message);
    }

    [Fact]
    public async Task A_host_that_does_not_exist_is_named()
    {
        EtcdOptions options = new() { ConnectTimeout = TimeSpan.FromMinutes(1) };
        var failure = await Assert.ThrowsAsync<OperatorException>(
            () => EtcdRecordStore.ConnectAsync("no-such-host.invalid:2379", options, Cancellation));
        Assert.Equal("etcd-unreachable", failure.Id);
        Assert.Equal("the host name is not known", failure.Problem);
    }

    [Fact]
    public async Task A_server_that_never_answers_is_given_up()
    {
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();
        EtcdOptions options = new() { ConnectTimeout = TimeSpan.FromMilliseconds(100) };
        var failure = await Assert.ThrowsAsync<OperatorException>(
            () => EtcdRecordStore.ConnectAsync(Endpoint(silent), options, Cancellation));
        Assert.Equal("etcd-timeout", failure.Id);
        Assert.Equal("no answer within 0.1 s", failure.Problem);
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    [InlineData("")]
    public async Task A_server_that_is_no_etcd_is_told_apart(string answer)
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task serving = ServeAsync(listener, answer, stop.Token);
        var failure = await Assert.ThrowsAsync<OperatorException>(
            () => EtcdRecordStore.ConnectAsync(Endpoint(listener), null, Cancellation));
        Assert.Equal("not-etcd", failure.Id);
        Assert.DoesNotContain('\n', failure.Message);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving);
    }

    [Fact]
    public async Task Connecting_can_be_cancelled()
    {
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task<EtcdRecordStore> connecting = EtcdRecordStore.ConnectAsync(
            Endpoint(silent),
            new EtcdOptions { ConnectTimeout = TimeSpan.FromMinutes(10) },
            stop.Token);
        using TcpClient accepted = await silent.AcceptTcpClientAsync(Cancellation);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting);
    }

    private static string Endpoint(TcpListener listener) =>
        string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");

    private static async Task ServeAsync(TcpListener listener, string answer, CancellationToken cancellationToken)
    {
        while (true)
        {
            using TcpClient client = await listener.AcceptTcpClientAsync(cancellationToken);
            NetworkStream stream = client.GetStream();
            int read = await stream.ReadAsync(new byte[4096], cancellationToken);
            Assert.True(read >= 0);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(answer), cancellationToken);
        }
    }
}
