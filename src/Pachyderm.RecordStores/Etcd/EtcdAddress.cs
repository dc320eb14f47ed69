using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Pachyderm.Errors;

namespace Pachyderm.RecordStores.Etcd;

/// <summary>Host and port of an etcd, as a person gives them.</summary>
internal readonly record struct EtcdAddress(string Host, int Port)
{
    private const int DefaultPort = 2379;
    private const string Remedy = "give etcd's client address as HOST:PORT, such as 127.0.0.1:2379";

    /// <summary>The plain-text URL of the server.</summary>
    public Uri Uri => new UriBuilder(Uri.UriSchemeHttp, Host, Port).Uri;

    /// <summary>Reads <c>HOST:PORT</c>, <c>HOST</c> or <c>http://HOST:PORT</c>; an IPv6 address stands in brackets.</summary>
    /// <exception cref="OperatorException"><c>etcd-address</c>: it is none of these.</exception>
    public static EtcdAddress Parse(string text)
    {
        string rest = text.Trim();
        if (rest.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
        {
            throw new OperatorException("etcd-address", text, "etcd over TLS is not supported, as Pachyderm's etcd has none", Remedy);
        }

        if (rest.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
        {
            rest = rest["http://".Length..];
        }

        rest = rest.TrimEnd('/');
        int port = DefaultPort;
        int hostEnd = rest.StartsWith('[') ? rest.IndexOf(']', StringComparison.Ordinal) + 1 : rest.IndexOf(':', StringComparison.Ordinal);
        string host = hostEnd > 0 ? rest[..hostEnd] : rest;
        string suffix = rest[host.Length..];
        if (suffix.Length > 0
            && !(suffix[0] == ':'
                && int.TryParse(suffix.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
                && port is > 0 and <= IPEndPoint.MaxPort))
        {
            throw new OperatorException("etcd-address", text, "this is not an address with a port from 1 to 65535", Remedy);
        }

        bool valid = host.StartsWith('[')
            ? host.EndsWith(']')
                && IPAddress.TryParse(host.AsSpan(1, host.Length - 2), out IPAddress? ip)
                && ip.AddressFamily == AddressFamily.InterNetworkV6
            : Uri.CheckHostName(host) is UriHostNameType.Dns or UriHostNameType.IPv4;
        return valid
            ? new EtcdAddress(host, port)
            : throw new OperatorException("etcd-address", text, "this names no host", Remedy);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");
}
