using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Pachyderm.Client;

namespace Pachyderm.Pachd.Tests.OldServers;

/// <summary>A commit of a stand-in, with all its files.</summary>
public sealed record OldCommit(string Id, string Branch, string? Parent, int Number)
{
    public bool IsOpen { get; init; }

    public bool IsCancelled { get; init; }

    public bool IsArchived { get; init; }

    /// <summary>Path to content and the commit that wrote it last. A path that ends with a slash is an empty directory.</summary>
    public SortedDictionary<string, (byte[] Content, string Commit)> Files { get; init; } = new(StringComparer.Ordinal);

    public Timestamp Started => new() { Seconds = 1_480_000_000 + (Number * 100), Nanos = 123_456_700 };

    public Timestamp? Finished => IsOpen ? null : new Timestamp { Seconds = Started.Seconds + 50 };

    /// <summary>Sets a file's content.</summary>
    public OldCommit With(string path, string content)
    {
        Files[path] = (Encoding.UTF8.GetBytes(content), Id);
        return this;
    }

    /// <summary>Removes what is at a path or below.</summary>
    public OldCommit Without(string path)
    {
        foreach (string gone in Files.Keys.Where(file => file == path || file.StartsWith(path + '/', StringComparison.Ordinal)).ToArray())
        {
            Files.Remove(gone);
        }
        return this;
    }

    /// <summary>The names in a directory, and whether each is a directory; null if it is none.</summary>
    public SortedDictionary<string, bool>? Children(string directory)
    {
        string prefix = directory.TrimEnd('/') + '/';
        SortedDictionary<string, bool> names = new(StringComparer.Ordinal);
        bool exists = prefix == "/";
        foreach (string path in Files.Keys.Where(path => path.StartsWith(prefix, StringComparison.Ordinal)))
        {
            exists = true;
            string[] parts = path[prefix.Length..].Split('/', 2);
            if (parts[0].Length > 0)
            {
                names[parts[0]] = parts.Length > 1;
            }
        }
        return exists ? names : null;
    }

    /// <summary>Bytes of what is at a path or below.</summary>
    public long Size(string path)
    {
        string prefix = path.TrimEnd('/') + '/';
        return Files.TryGetValue(path, out (byte[] Content, string Commit) found)
            ? found.Content.LongLength
            : Files.Where(file => file.Key.StartsWith(prefix, StringComparison.Ordinal)).Sum(file => file.Value.Content.LongLength);
    }
}

/// <summary>
/// What a stand-in for a server of an old release serves: one repo, <c>data</c>. The stand-ins speak the messages of their release, as far as a
/// copy needs them, and answer UNIMPLEMENTED to everything else. They were written from descriptions of these releases and are no more than
/// that: no server of them was at hand.
/// </summary>
public sealed class OldCluster : IAsyncDisposable
{
    private readonly List<OldCommit> commits = [];
    private WebApplication? app;

    public const string Repo = "data";

    public string Address { get; private set; } = "";

    /// <summary>Paths that were read.</summary>
    public ConcurrentQueue<string> Reads { get; } = new();

    /// <summary>Whether InspectCommit answers with the name that was asked for, as some releases of 1.3 did.</summary>
    public bool EchoesNames { get; init; }

    public IReadOnlyList<OldCommit> Commits => commits;

    /// <summary>A client as that of a copy is.</summary>
    public PachClient Connect(int longestReply = 256 << 20) =>
        new(new PachClientOptions { Address = PachAddress.Parse(Address), LongestReply = longestReply });

    /// <summary>Begins to serve.</summary>
    public static async Task<OldCluster> StartAsync<TService>(bool echoesNames = false)
        where TService : class
    {
        OldCluster cluster = new() { EchoesNames = echoesNames };
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(
            kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(cluster);
        cluster.app = builder.Build();
        cluster.app.MapGrpcService<TService>();
        await cluster.app.StartAsync(TestContext.Current.CancellationToken);
        string address = cluster.app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        cluster.Address = new Uri(address).Authority;
        return cluster;
    }

    /// <summary>Adds a commit, which begins with the files of its parent.</summary>
    public OldCommit Add(OldCommit commit)
    {
        foreach ((string path, (byte[] Content, string Commit) file) in commits.Find(parent => parent.Id == commit.Parent)?.Files ?? [])
        {
            commit.Files[path] = file;
        }
        commits.Add(commit);
        return commit;
    }

    /// <summary>Finishes an open commit.</summary>
    public void Finish(string id)
    {
        int index = commits.FindIndex(commit => commit.Id == id);
        commits[index] = commits[index] with { IsOpen = false };
    }

    /// <summary>Deletes the repo and makes it again.</summary>
    public void Clear() => commits.Clear();

    /// <summary>A commit by identifier, or the newest of a branch.</summary>
    public OldCommit Find(Wire.Pfs.Commit commit) =>
        commit.Repo?.Name == Repo && commits.FindLast(found => found.Id == commit.Id || found.Branch == commit.Id) is { } found
            ? found
            : throw Refuse($"pachyderm_pfs/commits/{commit.Repo?.Name}/ {commit.Id} not found");

    /// <summary>As these releases told every error.</summary>
    public static RpcException Refuse(string text) => new(new Status(StatusCode.Unknown, text));

    /// <summary>Sends a file, in pieces of 2 MiB; nothing for an empty one.</summary>
    public async Task SendAsync(Wire.Pfs.GetFileRequest request, IServerStreamWriter<BytesValue> stream)
    {
        OldCommit commit = Find(request.File.Commit);
        string path = '/' + request.File.Path.Trim('/');
        Reads.Enqueue(path);
        if (!commit.Files.TryGetValue(path, out (byte[] Content, string Commit) file))
        {
            throw Refuse(commit.Children(path) is null ? $"file {path} not found in repo {Repo} at commit {commit.Id}" : $"{path} is a directory");
        }
        foreach (byte[] piece in file.Content.Chunk(2 << 20))
        {
            await stream.WriteAsync(new BytesValue { Value = Google.Protobuf.ByteString.CopyFrom(piece) });
        }
    }

    public ValueTask DisposeAsync() => app!.DisposeAsync();
}
