using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Grpc.Net.Client;

namespace Pachyderm.Bench.Pfs;

/// <summary>The real <c>./pachd</c> of this checkout on a store of its own, stopped and removed when disposed.</summary>
internal sealed class PachdProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Where it listens.</summary>
    public static string Address { get; } = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{FreePort()}");

    private readonly string _program;
    private readonly string _data;
    private Process _process;

    private PachdProcess(string program, string data)
    {
        _program = program;
        _data = data;
        _process = Launch();
    }

    /// <summary>Most memory that was resident so far, in bytes.</summary>
    public long PeakBytes =>
        1024 * long.Parse(
            File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture);

    /// <summary>Bytes that the store takes on disk.</summary>
    public long StoredBytes => new DirectoryInfo(_data).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

    public static async Task<PachdProcess> StartAsync(string checkout, string parent, CancellationToken cancellationToken)
    {
        PachdProcess started = new(Path.Combine(checkout, "pachd"), Path.Combine(parent, $"pachyderm-bench-pachd-{Guid.NewGuid():N}"));
        await started.WaitUntilReadyAsync(cancellationToken);
        return started;
    }

    /// <summary>Stops it as an operator does, and starts it again on the same store.</summary>
    public Task RestartAsync(CancellationToken cancellationToken) => WhileStoppedAsync(_ => Task.CompletedTask, cancellationToken);

    /// <summary>Stops it, does something with its data directory, and starts it again.</summary>
    public async Task WhileStoppedAsync(Func<string, Task> action, CancellationToken cancellationToken)
    {
        await StopAsync();
        await action(_data);
        _process = Launch();
        await WaitUntilReadyAsync(cancellationToken);
    }

    /// <summary>A connection of its own, as a client has it.</summary>
    public GrpcChannel OpenChannel() =>
        GrpcChannel.ForAddress($"http://{Address}", new GrpcChannelOptions { MaxReceiveMessageSize = 20 << 20, MaxSendMessageSize = 20 << 20 });

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_data, recursive: true);
    }

    // A port of its own, since a bench that talked to the pachd of another one would measure and fill that.
    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private Process Launch() =>
        Process.Start(new ProcessStartInfo(_program) { ArgumentList = { "--data", _data, "--grpc-address", Address, "--http-address", "127.0.0.1:0", "--log-level", "error" } })!;

    private async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        using GrpcChannel channel = OpenChannel();
        // The launcher may have to build first.
        await channel.ConnectAsync(cancellationToken).WaitAsync(Patience, cancellationToken);
    }

    private async Task StopAsync()
    {
        using Process kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }
}
