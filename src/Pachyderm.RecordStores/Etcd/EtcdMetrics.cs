using System.Globalization;
using System.Net;
using System.Text;

namespace Pachyderm.RecordStores.Etcd;

/// <summary>What etcd's API does not tell, but its metrics do (on the client port, in the text format of Prometheus).</summary>
/// <param name="QuotaBytes">The space quota; null when not told.</param>
/// <param name="CompactRevision">Revision of the last compaction; 0 when not told.</param>
internal readonly record struct EtcdMetrics(long? QuotaBytes, long CompactRevision)
{
    private const int MaxBytes = 4 << 20;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    /// <summary>Asks for the metrics; a server that does not serve them, or not soon, has told nothing.</summary>
    public static async Task<EtcdMetrics> ReadAsync(EtcdAddress address, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        using SocketsHttpHandler handler = new() { UseProxy = false, UseCookies = false, AllowAutoRedirect = false };
        using HttpClient client = new(handler) { MaxResponseContentBufferSize = MaxBytes };
        using CancellationTokenSource timeout = new(Timeout, timeProvider);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            using HttpResponseMessage response = await client.GetAsync(new Uri(address.Uri, "metrics"), either.Token);
            return response.StatusCode == HttpStatusCode.OK
                ? Parse(Encoding.UTF8.GetString(await response.Content.ReadAsByteArrayAsync(either.Token)))
                : default;
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return default;
        }
    }

    private static EtcdMetrics Parse(string text)
    {
        long? quota = null;
        long compactRevision = 0;
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            if (Value(line, "etcd_server_quota_backend_bytes ") is { } bytes)
            {
                quota = bytes;
            }
            else if (Value(line, "etcd_debugging_mvcc_compact_revision ") is { } revision)
            {
                compactRevision = revision;
            }
        }

        return new EtcdMetrics(quota, compactRevision);
    }

    private static long? Value(ReadOnlySpan<char> line, string name) =>
        line.StartsWith(name, StringComparison.Ordinal)
        && double.TryParse(line[name.Length..], NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
        && value is >= 0 and < long.MaxValue
            ? (long)value
            : null;
}
