using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Pachyderm.TestSupport;

/// <summary>
/// A real etcd of one member on free loopback ports, with its data in a directory of its own that goes when it is disposed of.
/// Killing and restarting keeps ports and data.
/// </summary>
public sealed class EtcdProcess : IAsyncDisposable
{
    private const int Attempts = 5;

    private readonly EtcdProcessOptions _options;
    private readonly DirectoryInfo _directory;
    private readonly Queue<string> _log = new();
    private readonly int _peerPort;
    private Process? _process;

    private EtcdProcess(EtcdProcessOptions options)
    {
        _options = options;
        _directory = Directory.CreateTempSubdirectory("pachyderm-etcd-");
        Port = FreePort();
        _peerPort = FreePort();
        AppDomain.CurrentDomain.ProcessExit += OnTestsEnd;
    }

    /// <summary>The client port.</summary>
    public int Port { get; }

    /// <summary>Where clients connect to: <c>127.0.0.1:PORT</c>.</summary>
    public string Endpoint => $"127.0.0.1:{Port}";

    /// <summary>The last lines that etcd logged, for the message of a failing test.</summary>
    public string Log
    {
        get
        {
            lock (_log)
            {
                return string.Join('\n', _log);
            }
        }
    }

    private string DataDirectory => Path.Combine(_directory.FullName, "data");

    /// <summary>Starts an empty etcd with its default settings and waits until it serves clients.</summary>
    public static Task<EtcdProcess> StartAsync(CancellationToken cancellationToken) =>
        StartAsync(new EtcdProcessOptions(), cancellationToken);

    /// <summary>Starts etcd and waits until it serves clients.</summary>
    public static async Task<EtcdProcess> StartAsync(EtcdProcessOptions options, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            EtcdProcess etcd = new(options);
            try
            {
                if (options.Snapshot is not null)
                {
                    await RunEtcdctlAsync(
                        [
                            "snapshot", "restore", options.Snapshot,
                            "--data-dir", etcd.DataDirectory,
                            "--name", "default",
                            .. etcd.MemberArguments,
                        ],
                        cancellationToken);
                }

                await etcd.LaunchAsync(cancellationToken);
                return etcd;
            }
            catch (InvalidOperationException)
                when (attempt < Attempts && etcd.Log.Contains("address already in use", StringComparison.Ordinal))
            {
                // Somebody else took a port between choosing it and binding it: choose others.
                await etcd.DisposeAsync();
            }
            catch
            {
                await etcd.DisposeAsync();
                throw;
            }
        }
    }

    /// <summary>Runs <c>etcdctl</c> against this etcd and returns what it printed.</summary>
    public Task<string> EtcdctlAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        RunEtcdctlAsync(["--endpoints", Endpoint, .. arguments], cancellationToken);

    /// <summary>Runs <c>etcdctl</c> without a server, such as <c>snapshot status FILE</c>, and returns what it printed.</summary>
    /// <exception cref="InvalidOperationException">It ended with another code than 0.</exception>
    public static Task<string> RunEtcdctlAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        RunAsync("etcdctl", arguments, cancellationToken);

    /// <summary>Ends etcd with SIGKILL, as a crash would.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
            _process = null;
        }
    }

    /// <summary>Starts etcd again after <see cref="KillAsync"/>, on the same ports and data, and waits until it serves clients.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await KillAsync();
        await LaunchAsync(cancellationToken);
    }

    /// <summary>Freezes etcd (SIGSTOP): connections stay open and nothing answers.</summary>
    public Task PauseAsync() => SignalAsync("STOP");

    /// <summary>Lets a frozen etcd go on (SIGCONT).</summary>
    public Task ContinueAsync() => SignalAsync("CONT");

    /// <summary>Kills etcd and deletes its data.</summary>
    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnTestsEnd;
        await KillAsync();
        if (_directory.Exists)
        {
            _directory.Delete(recursive: true);
        }
    }

    private string[] MemberArguments =>
    [
        "--initial-advertise-peer-urls", string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_peerPort}"),
        "--initial-cluster", string.Create(CultureInfo.InvariantCulture, $"default=http://127.0.0.1:{_peerPort}"),
    ];

    private async Task LaunchAsync(CancellationToken cancellationToken)
    {
        List<string> arguments =
        [
            "--name", "default",
            "--data-dir", DataDirectory,
            "--listen-client-urls", $"http://{Endpoint}",
            "--advertise-client-urls", $"http://{Endpoint}",
            "--listen-peer-urls", string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_peerPort}"),
            .. MemberArguments,
            // One member needs no time to agree with others, and the default makes every start take longer.
            "--heartbeat-interval", "10",
            "--election-timeout", "100",
        ];
        AddOption(arguments, "--quota-backend-bytes", _options.QuotaBytes);
        AddOption(arguments, "--max-txn-ops", _options.MaxTransactionOperations);
        AddOption(arguments, "--max-request-bytes", _options.MaxRequestBytes);

        TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Process process = new() { StartInfo = StartInfo("etcd", arguments), EnableRaisingEvents = true };
        process.ErrorDataReceived += (_, line) => OnLogged(line.Data, ready);
        process.OutputDataReceived += (_, line) => OnLogged(line.Data, ready);
        process.Exited += (_, _) => ready.TrySetException(new InvalidOperationException("etcd ended before it was ready"));
        StartProcess(process);
        _process = process;
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        try
        {
            await ready.Task.WaitAsync(TimeSpan.FromSeconds(60), cancellationToken);
        }
        catch (Exception failure) when (failure is InvalidOperationException or TimeoutException)
        {
            await KillAsync();
            throw new InvalidOperationException($"etcd did not become ready on {Endpoint}; it logged:\n{Log}", failure);
        }
    }

    private void OnLogged(string? line, TaskCompletionSource ready)
    {
        if (line is null)
        {
            return;
        }

        lock (_log)
        {
            _log.Enqueue(line);
            if (_log.Count > 200)
            {
                _log.Dequeue();
            }
        }

        if (line.Contains("ready to serve client requests", StringComparison.Ordinal))
        {
            ready.TrySetResult();
        }
    }

    private void OnTestsEnd(object? sender, EventArgs e) => _process?.Kill();

    private async Task SignalAsync(string signal)
    {
        Process process = _process ?? throw new InvalidOperationException("etcd is not running");
        await RunAsync("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)], CancellationToken.None);
    }

    private static async Task<string> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        using Process process = new() { StartInfo = StartInfo(program, arguments) };
        StartProcess(process);
        Task<string> output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        Task<string> errors = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0
            ? await output
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {await errors}{await output}");
    }

    private static ProcessStartInfo StartInfo(string program, IReadOnlyList<string> arguments)
    {
        ProcessStartInfo info = new(program) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (string argument in arguments)
        {
            info.ArgumentList.Add(argument);
        }

        foreach (string name in info.Environment.Keys.Where(name => name.StartsWith("ETCD", StringComparison.Ordinal)).ToArray())
        {
            // etcd reads its settings from such variables too; a test must not depend on them.
            info.Environment.Remove(name);
        }

        info.Environment["ETCDCTL_API"] = "3";
        return info;
    }

    private static void StartProcess(Process process)
    {
        try
        {
            process.Start();
        }
        catch (Win32Exception failure)
        {
            throw new InvalidOperationException(
                $"{process.StartInfo.FileName} cannot be started ({failure.Message}); install it: apt-get install etcd-server etcd-client",
                failure);
        }
    }

    private static void AddOption<T>(List<string> arguments, string name, T? value)
        where T : struct, IFormattable
    {
        if (value is { } given)
        {
            arguments.Add(name);
            arguments.Add(given.ToString(null, CultureInfo.InvariantCulture));
        }
    }

    /// <summary>
    /// A port below the range from which the system gives ports to outgoing connections: none of those takes it while etcd is down.
    /// </summary>
    private static int FreePort()
    {
        while (true)
        {
            int port = Random.Shared.Next(15_000, 32_000);
            using Socket probe = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException failure) when (failure.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
            {
                // Taken: try the next one.
            }
        }
    }
}
