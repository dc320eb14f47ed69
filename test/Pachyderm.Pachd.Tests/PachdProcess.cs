using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Grpc.Net.Client;

namespace Pachyderm.Pachd.Tests;

/// <summary>A real pachd on free ports.</summary>
public sealed partial class PachdProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly StringBuilder log = new();
    private readonly TaskCompletionSource<Match> serving = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource logEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private GrpcChannel? channel;

    private PachdProcess(Process process)
    {
        this.process = process;
        process.ErrorDataReceived += (_, line) => Take(line.Data);
        process.BeginErrorReadLine();
    }

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public string Log
    {
        get
        {
            lock (log)
            {
                return log.ToString();
            }
        }
    }

    public int ProcessId => process.Id;

    public Uri Http { get; private set; } = null!;

    public string GrpcAddress { get; private set; } = "";

    public GrpcChannel Channel => channel ??= GrpcChannel.ForAddress(
        $"http://{GrpcAddress}", new GrpcChannelOptions { MaxReceiveMessageSize = 64 << 20, MaxSendMessageSize = 64 << 20 });

    public Wire.Pfs.API.APIClient Pfs => new(Channel);

    /// <summary>Starts pachd over a directory, and returns when it serves.</summary>
    public static async Task<PachdProcess> StartAsync(string data, params string[] arguments)
    {
        PachdProcess pachd = new(Launch(["--data", data, "--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0", .. arguments]));
        try
        {
            Task first = await Task.WhenAny(pachd.serving.Task, pachd.logEnded.Task).WaitAsync(Token);
            Assert.True(first == pachd.serving.Task, $"pachd did not start: {pachd.Log}");
            Match match = await pachd.serving.Task;
            pachd.GrpcAddress = match.Groups["grpc"].Value;
            pachd.Http = new Uri($"http://{match.Groups["http"].Value}");
            return pachd;
        }
        catch
        {
            await pachd.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs pachd with these arguments to its end.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(
        string[] arguments, params (string Name, string Value)[] environment)
    {
        using Process run = Launch(arguments, environment);
        try
        {
            Task<string> errors = run.StandardError.ReadToEndAsync(Token);
            string output = await run.StandardOutput.ReadToEndAsync(Token);
            await run.WaitForExitAsync(Token);
            return (run.ExitCode, output, await errors);
        }
        finally
        {
            End(run);
        }
    }

    public static Wire.Pfs.Commit Commit(string repo, string id) => new() { Repo = new Wire.Pfs.Repo { Name = repo }, Id = id };

    public static Wire.Pfs.File File(string repo, string commit, string path) => new() { Commit = Commit(repo, commit), Path = path };

    public async Task CreateRepoAsync(string name) =>
        await Pfs.CreateRepoAsync(new Wire.Pfs.CreateRepoRequest { Repo = new Wire.Pfs.Repo { Name = name } }, cancellationToken: Token);

    public async Task<string> StartCommitAsync(string repo, string branch)
    {
        Wire.Pfs.StartCommitRequest request = new() { Parent = Commit(repo, ""), Branch = branch };
        return (await Pfs.StartCommitAsync(request, cancellationToken: Token)).Id;
    }

    public async Task FinishAsync(string repo, string commit) =>
        await Pfs.FinishCommitAsync(new Wire.Pfs.FinishCommitRequest { Commit = Commit(repo, commit) }, cancellationToken: Token);

    public async Task PutAsync(string repo, string commit, string path, params byte[][] messages)
    {
        using var call = Pfs.PutFile(cancellationToken: Token);
        bool isFirst = true;
        foreach (byte[] message in messages)
        {
            await call.RequestStream.WriteAsync(new Wire.Pfs.PutFileRequest
            {
                File = isFirst ? File(repo, commit, path) : null,
                Value = Google.Protobuf.ByteString.CopyFrom(message),
            }, Token);
            isFirst = false;
        }
        await call.RequestStream.CompleteAsync();
        await call;
    }

    public async Task<List<byte[]>> GetAsync(string repo, string commit, string path, long offset = 0, long size = 0)
    {
        List<byte[]> messages = [];
        using var call = Pfs.GetFile(
            new Wire.Pfs.GetFileRequest { File = File(repo, commit, path), OffsetBytes = offset, SizeBytes = size },
            cancellationToken: Token);
        while (await call.ResponseStream.MoveNext(Token))
        {
            messages.Add(call.ResponseStream.Current.Value.ToByteArray());
        }
        return messages;
    }

    /// <summary>SIGTERM, as an operator or an orchestrator sends it.</summary>
    public void Terminate()
    {
        using Process kill = Process.Start("kill", ["-TERM", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>SIGKILL.</summary>
    public void Kill() => process.Kill();

    public async Task<int> WaitForExitAsync()
    {
        await process.WaitForExitAsync(Token);
        await logEnded.Task.WaitAsync(Token);
        return process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        channel?.Dispose();
        End(process);
        await logEnded.Task;
        process.Dispose();
        Assert.False(Log.Contains("defect", StringComparison.Ordinal), Log);
    }

    private static void End(Process process)
    {
        if (!process.HasExited)
        {
            process.Kill();
            process.WaitForExit();
        }
    }

    private static Process Launch(string[] arguments, params (string Name, string Value)[] environment)
    {
        ProcessStartInfo start = new("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "pachd.dll"), .. arguments])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }
        return Process.Start(start)!;
    }

    private void Take(string? line)
    {
        if (line is null)
        {
            logEnded.TrySetResult();
            return;
        }
        lock (log)
        {
            log.AppendLine(line);
        }
        if (Serving().Match(line) is { Success: true } match)
        {
            serving.TrySetResult(match);
        }
    }

    [GeneratedRegex("gRPC on (?<grpc>\\S+), HTTP on (?<http>\\S+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Serving();
}
