using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Pachyderm.Errors;

namespace Pachyderm.Client;

/// <summary>Where a pachd listens.</summary>
public sealed class PachAddress
{
    /// <summary>The port that pachd is reached at from outside a cluster.</summary>
    public const int DefaultPort = 30650;

    /// <summary>The address that is used when none is given: a pachd on this machine.</summary>
    public const string Default = "127.0.0.1:30650";

    private static readonly SearchValues<char> Foreign = SearchValues.Create(" /\\@?#,\t\r\n");

    private PachAddress(Uri uri) => Uri = uri;

    /// <summary>
    /// The address with its scheme: <c>http</c> for plain text, which pachd speaks, or <c>https</c> for a proxy in front of it.
    /// </summary>
    public Uri Uri { get; }

    /// <summary>Reads <c>HOST</c>, <c>HOST:PORT</c>, <c>[IPV6]:PORT</c>, <c>http://HOST:PORT</c> or <c>https://HOST:PORT</c>.</summary>
    /// <exception cref="OperatorException"><c>address-malformed</c>: the text is none of these.</exception>
    public static PachAddress Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out PachAddress? address)
            ? address
            : throw new OperatorException(
                "address-malformed", $"address '{Describe(text)}'", "it is not of the form HOST:PORT", $"name a pachd, such as {Default}");
    }

    /// <summary>Reads an address; see <see cref="Parse"/>.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out PachAddress? address)
    {
        ArgumentNullException.ThrowIfNull(text);
        address = null;
        bool secure = text.StartsWith("https://", StringComparison.OrdinalIgnoreCase);
        string authority = secure ? text[8..] : text.StartsWith("http://", StringComparison.OrdinalIgnoreCase) ? text[7..] : text;
        authority = authority.TrimEnd('/');
        if (authority.Length == 0 || authority.AsSpan().IndexOfAny(Foreign) >= 0)
        {
            return false;
        }

        (string host, int port) = (authority, DefaultPort);
        int bracket = authority.LastIndexOf(']');
        int colon = authority.IndexOf(':', bracket + 1);
        if (colon >= 0)
        {
            host = authority[..colon];
            if (!int.TryParse(authority.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
                || port is 0 or > ushort.MaxValue)
            {
                return false;
            }
        }

        // Uri.CheckHostName wants IPv6 without its brackets, and takes nothing else in brackets.
        bool bracketed = host.StartsWith('[') && host.EndsWith(']');
        UriHostNameType type = Uri.CheckHostName(bracketed ? host[1..^1] : host);
        if (bracketed ? type != UriHostNameType.IPv6 : type is not (UriHostNameType.Dns or UriHostNameType.IPv4))
        {
            return false;
        }

        address = new PachAddress(new UriBuilder(secure ? "https" : "http", host, port).Uri);
        return true;
    }

    /// <summary>The address as <c>HOST:PORT</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Uri.Host}:{Uri.Port}");

    private static string Describe(string text) => text.Length <= 100 ? text : text[..100] + "...";
}
