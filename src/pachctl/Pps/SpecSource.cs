using Pachyderm.Client;
using Pachyderm.Errors;
using Pachyderm.Pachctl.Pfs;

namespace Pachyderm.Pachctl.Pps;

/// <summary>Where a spec is read from: a file, a web address, or standard input.</summary>
internal static class SpecSource
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Reads all of it.</summary>
    /// <exception cref="OperatorException">It cannot be read, or is far too large.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(string source, CancellationToken cancellationToken)
    {
        if (source == "-")
        {
            await Console.Error.WriteLineAsync("Reading from stdin.");
            await using Stream input = Console.OpenStandardInput();
            return await ReadAsync(input, source, cancellationToken);
        }

        try
        {
            if (!UploadSource.IsUrl(source))
            {
                await using FileStream file = File.OpenRead(source);
                return await ReadAsync(file, source, cancellationToken);
            }

            using HttpClient http = new() { Timeout = Patience };
            using HttpResponseMessage answer = await http.GetAsync(
                new Uri(source), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            answer.EnsureSuccessStatusCode();
            await using Stream body = await answer.Content.ReadAsStreamAsync(cancellationToken);
            return await ReadAsync(body, source, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or HttpRequestException or NotSupportedException or UriFormatException)
        {
            throw new OperatorException(
                "spec-unreadable", source, exception.Message.TrimEnd('.'), "name a file that can be read, an address, or -", exception);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new OperatorException(
                "spec-unreadable", source, "the web server does not answer", "try again, or name a file", exception);
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(Stream content, string source, CancellationToken cancellationToken)
    {
        using MemoryStream text = new();
        byte[] buffer = new byte[64 * 1024];
        while (await content.ReadAsync(buffer, cancellationToken) is > 0 and int read)
        {
            if (text.Length + read > PipelineSpecs.MaxLength)
            {
                throw new OperatorException(
                    "spec-unreadable", source, $"it has more than {PipelineSpecs.MaxLength >> 20} MiB",
                    "name a file with specs of pipelines");
            }

            text.Write(buffer, 0, read);
        }

        return text.GetBuffer().AsMemory(0, (int)text.Length);
    }
}
