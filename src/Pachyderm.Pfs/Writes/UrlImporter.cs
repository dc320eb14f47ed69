using System.Net;
using System.Runtime.CompilerServices;

namespace Pachyderm.Pfs;

/// <summary>Files that the server itself fetches (spec/pfs.md section 4).</summary>
public sealed class UrlImporter
{
    private const int PieceLength = 128 << 10;

    private readonly FileWriter writer;
    private readonly HttpClient http;
    private readonly IRemoteFileSource remotes;

    internal UrlImporter(FileWriter writer, HttpClient http, IRemoteFileSource remotes)
    {
        this.writer = writer;
        this.http = http;
        this.remotes = remotes;
    }

    /// <summary>
    /// Fetches what an address names and puts it. Of several files each is recorded by itself, so that those before an error stay.
    /// </summary>
    /// <param name="commit">An open commit.</param>
    /// <param name="path">The file; or, if <paramref name="recursive"/> is set, the directory that the files are put below.</param>
    /// <param name="address">
    /// <c>http</c>, <c>https</c>, or <c>pfs://host:port/repo/commit[/path]</c>. An answer of a web server that says failure is an error,
    /// where 1.5
    /// stored its text.
    /// </param>
    /// <param name="recursive">Whether everything below the address is meant; without meaning for http.</param>
    /// <param name="options">How each file is put.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PfsException">The address is not understood, the source fails, or the files cannot be put.</exception>
    public Task PutAsync(
        CommitReference commit, string path, string address, bool recursive, PutOptions options, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? url))
        {
            throw PfsErrors.Invalid($"error parsing url {PfsErrors.OneLine(address)}: it has no scheme, such as https://");
        }
        return url.Scheme switch
        {
            "http" or "https" => writer.PutAsync(commit, path, DownloadAsync(url, cancellationToken), options, cancellationToken),
            "pfs" => PutRemoteAsync(commit, path, ParseRemote(url), recursive, options, cancellationToken),
            "s3" or "gs" or "gcs" or "as" or "wasb" => throw PfsErrors.Refused(
                $"error parsing url {PfsErrors.OneLine(address)}: this server is not configured for the object store {url.Scheme}://; "
                + "download the files and put them, or put them by https"),
            _ => throw PfsErrors.Invalid($"error parsing url {PfsErrors.OneLine(address)}: unrecognized object store: {url.Scheme}"),
        };
    }

    private static RemoteAddress ParseRemote(Uri url)
    {
        string[] parts = Uri.UnescapeDataString(url.AbsolutePath).Trim('/').Split('/', 3);
        if (parts.Length < 2 || parts[1].Length == 0)
        {
            throw PfsErrors.Invalid(
                $"pfs put-file path must be of form repo/commit[/path/to/file] got: {PfsErrors.OneLine(url.AbsolutePath)}");
        }
        string server = url.IsDefaultPort ? url.Host : url.Authority;
        return new RemoteAddress(server, new CommitReference(new RepoName(parts[0]), parts[1]), parts.Length == 3 ? parts[2] : "");
    }

    private async Task PutRemoteAsync(
        CommitReference commit, string path, RemoteAddress address, bool recursive, PutOptions options, CancellationToken cancellationToken)
    {
        await foreach (RemoteFile file in remotes.OpenAsync(address, recursive, cancellationToken))
        {
            string target = file.Below.Length > 0 ? $"{path}/{file.Below}" : path;
            await writer.PutAsync(commit, target, file.Content, options, cancellationToken);
        }
    }

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> DownloadAsync(
        Uri url, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await TryAsync(
            url, () => http.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, cancellationToken));
        if (!response.IsSuccessStatusCode)
        {
            throw Unavailable(
                url, $"the server answered {(int)response.StatusCode} {(HttpStatusCode)(int)response.StatusCode}", inner: null);
        }
        using Stream body = await TryAsync(url, () => response.Content.ReadAsStreamAsync(cancellationToken));
        byte[] piece = new byte[PieceLength];
        for (int read; (read = await TryAsync(url, () => body.ReadAsync(piece, cancellationToken).AsTask())) > 0;)
        {
            yield return piece.AsMemory(0, read);
        }
    }

    private static async Task<T> TryAsync<T>(Uri url, Func<Task<T>> step)
    {
        try
        {
            return await step();
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw Unavailable(url, exception.Message, exception);
        }
    }

    private static PfsException Unavailable(Uri url, string problem, Exception? inner) =>
        new(
            PfsErrorKind.SourceUnavailable,
            $"cannot fetch {PfsErrors.OneLine(url.GetLeftPart(UriPartial.Path))}: {PfsErrors.OneLine(problem)}",
            inner);
}
