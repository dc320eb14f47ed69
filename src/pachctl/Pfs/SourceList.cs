using Pachyderm.Errors;

namespace Pachyderm.Pachctl.Pfs;

/// <summary>The lists of sources that <c>put-file -i</c> takes.</summary>
internal static class SourceList
{
    /// <summary>Reads a list: its lines, without those that are empty.</summary>
    /// <param name="list">A file, a URL or <c>-</c>.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="OperatorException"><c>list-unreadable</c>.</exception>
    public static async Task<string[]> ReadAsync(string list, CancellationToken cancellationToken)
    {
        try
        {
            string text = list == "-" ? await Console.In.ReadToEndAsync(cancellationToken)
                : UploadSource.IsUrl(list) ? await FetchAsync(list, cancellationToken)
                : await File.ReadAllTextAsync(list, cancellationToken);
            return text.Split(['\n', '\r'], StringSplitOptions.RemoveEmptyEntries);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or HttpRequestException or NotSupportedException or UriFormatException)
        {
            throw new OperatorException(
                "list-unreadable", list, $"it cannot be read ({exception.Message})", "name a file or URL that holds one source a line",
                exception);
        }
    }

    private static async Task<string> FetchAsync(string url, CancellationToken cancellationToken)
    {
        using HttpClient client = new();
        return await client.GetStringAsync(new Uri(url), cancellationToken);
    }
}
