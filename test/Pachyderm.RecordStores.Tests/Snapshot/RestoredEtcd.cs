using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Pachyderm.RecordStores.Tests.Snapshot;

/// <summary>A real etcd on loopback, fresh or restored from a snapshot with the real etcdctl.</summary>
internal sealed class RestoredEtcd : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _endpoint;
    private readonly string _directory;
    private readonly List<string> _said = [];
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private RestoredEtcd(Process process, string endpoint, string directory)
    {
        _process = process;
        _endpoint = endpoint;
        _directory = directory;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, line) => Hear(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Starts a server; from a snapshot if there is one.</summary>
    public static async Task<RestoredEtcd> StartAsync(string? snapshot, params string[] options)
    {
        string directory = Directory.CreateTempSubdirectory("etcd-test-").FullName;
        string data = Path.Combine(directory, "data");
        string client = $"http://127.0.0.1:{FreePort()}";
        string peer = $"http://127.0.0.1:{FreePort()}";
        if (snapshot is not null)
        {
            await EtcdctlAsync(
                "snapshot", "restore", snapshot, "--data-dir", data, "--name", "t", "--initial-cluster", $"t={peer}",
                "--initial-advertise-peer-urls", peer);
        }

        ProcessStartInfo start = new("etcd") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in new[]
        {
            "--name", "t", "--data-dir", data, "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", $"t={peer}",
        }.Concat(options))
        {
            start.ArgumentList.Add(argument);
        }

        RestoredEtcd etcd = new(Process.Start(start)!, client, directory);
        try
        {
            await etcd._ready.Task.WaitAsync(TestContext.Current.CancellationToken);
            return etcd;
        }
        catch
        {
            await etcd.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs etcdctl without a server and returns what it printed.</summary>
    public static async Task<string> EtcdctlAsync(params string[] arguments)
    {
        (int code, string output, string errors) = await RunAsync(null, arguments);
        Assert.True(code == 0, $"etcdctl {string.Join(' ', arguments)}: {errors}{output}");
        return output;
    }

    /// <summary>Runs etcdctl against the server and returns what it printed.</summary>
    public Task<string> RunAsync(params string[] arguments) => EtcdctlAsync(["--endpoints", _endpoint, .. arguments]);

    /// <summary>Runs etcdctl with commands for the standard input, such as those of <c>txn</c>.</summary>
    public async Task<string> PipeAsync(string input, params string[] arguments)
    {
        (int code, string output, string errors) = await RunAsync(input, ["--endpoints", _endpoint, .. arguments]);
        Assert.True(code == 0, errors);
        return output;
    }

    /// <summary>Runs etcdctl against the server, which must fail, and returns what it complained of.</summary>
    public async Task<string> FailAsync(params string[] arguments)
    {
        (int code, _, string errors) = await RunAsync(null, ["--endpoints", _endpoint, .. arguments]);
        Assert.NotEqual(0, code);
        return errors;
    }

    /// <summary>Every key that the server holds, as <see cref="Fixtures.Line(StoredRecord)"/> writes it, ordered.</summary>
    public async Task<List<string>> ListAsync()
    {
        using JsonDocument answer = JsonDocument.Parse(await RunAsync("get", "", "--from-key", "-w", "json"));
        List<string> lines = [];
        if (answer.RootElement.TryGetProperty("kvs", out JsonElement records))
        {
            foreach (JsonElement record in records.EnumerateArray())
            {
                lines.Add(Fixtures.Line(new StoredRecord(
                    record.GetProperty("key").GetBytesFromBase64(),
                    record.TryGetProperty("value", out JsonElement value) ? value.GetBytesFromBase64() : [],
                    record.GetProperty("create_revision").GetInt64(),
                    record.GetProperty("mod_revision").GetInt64(),
                    record.GetProperty("version").GetInt64(),
                    record.TryGetProperty("lease", out JsonElement lease) ? lease.GetInt64() : 0)));
            }
        }

        lines.Sort(StringComparer.Ordinal);
        return lines;
    }

    /// <summary>The revision that the server is at.</summary>
    public async Task<long> GetRevisionAsync()
    {
        using JsonDocument answer = JsonDocument.Parse(await RunAsync("get", "no such key", "-w", "json"));
        return answer.RootElement.GetProperty("header").GetProperty("revision").GetInt64();
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private void Hear(string? line)
    {
        if (line is null)
        {
            _ready.TrySetException(new InvalidOperationException("etcd did not start: " + string.Join('\n', _said)));
        }
        else if (line.Contains("ready to serve client requests", StringComparison.Ordinal))
        {
            _ready.TrySetResult();
        }
        else if (!_ready.Task.IsCompleted)
        {
            _said.Add(line);
        }
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(string? input, string[] arguments)
    {
        ProcessStartInfo start = new("etcdctl")
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["ETCDCTL_API"] = "3" },
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await errors);
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
