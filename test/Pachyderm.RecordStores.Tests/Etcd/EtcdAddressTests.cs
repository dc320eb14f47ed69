using Pachyderm.Errors;
using Pachyderm.RecordStores.Etcd;

namespace Pachyderm.RecordStores.Tests.Etcd;

public sealed class EtcdAddressTests
{
    [Theory]
    [InlineData("127.0.0.1:2379", "127.0.0.1:2379", "http://127.0.0.1:2379/")]
    [InlineData("etcd", "etcd:2379", "http://etcd:2379/")]
    [InlineData(" http://etcd.pachyderm.svc:32379/ ", "etcd.pachyderm.svc:32379", "http://etcd.pachyderm.svc:32379/")]
    [InlineData("[::1]:12379", "[::1]:12379", "http://[::1]:12379/")]
    [InlineData("[fe80::1]", "[fe80::1]:2379", "http://[fe80::1]:2379/")]
    public void An_address_is_a_host_with_or_without_port_and_scheme(string text, string expected, string uri)
    {
        EtcdAddress address = EtcdAddress.Parse(text);
        Assert.Equal(expected, address.ToString());
        Assert.Equal(uri, address.Uri.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData(":2379")]
    [InlineData("http://")]
    [InlineData("host:")]
    [InlineData("host:0")]
    [InlineData("host:65536")]
    [InlineData("host:-1")]
    [InlineData("host:+1")]
    [InlineData("host:23 79")]
    [InlineData("host:99999999999999999999")]
    [InlineData("a b:2379")]
    [InlineData("::1")]
    [InlineData("[::1")]
    [InlineData("[::1]2379")]
    [InlineData("[]:2379")]
    [InlineData("[")]
    [InlineData("[127.0.0.1]:2379")]
    [InlineData("host/path:2379")]
    [InlineData("https://host:2379")]
    [InlineData("unix:///run/etcd.sock")]
    public void Anything_else_is_refused_in_one_line(string text)
    {
        var failure = Assert.Throws<OperatorException>(() => EtcdAddress.Parse(text));
        Assert.Equal("etcd-address", failure.Id);
        Assert.DoesNotContain('\n', failure.Message);
    }
}
