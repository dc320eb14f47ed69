using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace Pachyderm.Pachd.Configuration;

/// <summary>Where a listener is bound.</summary>
/// <param name="Address">The interface.</param>
/// <param name="Port">The port; 0 for any that is free.</param>
internal readonly record struct ListenAddress(IPAddress Address, int Port)
{
    /// <summary>Reads <c>IP:PORT</c>, <c>[IPv6]:PORT</c>, <c>localhost:PORT</c> or <c>:PORT</c>, which is on every interface.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out ListenAddress address)
    {
        address = default;
        int colon = text?.LastIndexOf(':') ?? -1;
        if (colon < 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) || port > IPEndPoint.MaxPort)
        {
            return false;
        }
        string host = text![..colon];
        IPAddress? ip = host switch
        {
            "localhost" => IPAddress.Loopback,
            "" or "*" => IPAddress.Any,
            _ => IPAddress.TryParse(host, out IPAddress? parsed) ? parsed : null,
        };
        if (ip is null)
        {
            return false;
        }
        address = new ListenAddress(ip, port);
        return true;
    }

    /// <summary>As it is written.</summary>
    public override string ToString() => new IPEndPoint(Address, Port).ToString();
}
