using System.Globalization;
using System.Net;

namespace Pachyderm.Scheduling;

/// <summary>Puts files to a web server, each below the address.</summary>
/// <param name="client">Sends requests.</param>
/// <param name="address">The address; what follows its last slash is a directory, too.</param>
internal sealed class HttpTarget(HttpClient client, Uri address) : IEgressTarget
{
    private readonly string directory = address.AbsoluteUri.TrimEnd('/');

    /// <inheritdoc/>
    public async Task WriteAsync(string path, long size, Func<Stream> open, CancellationToken cancellationToken)
    {
        string target = directory + string.Join('/', path.Split('/').Select(Uri.EscapeDataString));
        using HttpRequestMessage request = new(HttpMethod.Put, target) { Content = new SizedContent(open, size) };
        using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            throw new HttpRequestException(
                string.Create(CultureInfo.InvariantCulture, $"{target} answered {(int)response.StatusCode} to a PUT of {size} bytes"),
                inner: null, response.StatusCode);
        }
    }

    // Can be sent again, after a redirection.
    private sealed class SizedContent(Func<Stream> open, long size) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await using Stream content = open();
            await content.CopyToAsync(stream, cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = size;
            return true;
        }
    }
}
