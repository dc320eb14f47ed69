using Google.Protobuf.WellKnownTypes;
using Pachyderm.Client.Transport;
using HealthApi = Pachyderm.Wire.Health.Health;
using VersionApi = Pachyderm.Wire.Version.API;

namespace Pachyderm.Client;

/// <summary>
/// A client of pachd, of this implementation or of 1.4 and 1.5. It holds one connection, which is made with the first call and again when
/// it
/// breaks; it can be used by many callers at once. Results are the messages of the wire.
/// </summary>
/// <remarks>
/// Errors: <see cref="PachException"/> if the server refuses, with the server's text; <see cref="PachConnectionException"/> if there is no
/// connection; <see cref="OperationCanceledException"/> if the caller's token stopped the call. Calls that change nothing are tried again,
/// up to three times, while the server is not available; calls that change something never are.
/// </remarks>
public sealed class PachClient : IAsyncDisposable
{
    private readonly Connection _connection;

    /// <summary>Makes a client of the pachd at an address; see <see cref="PachAddress.Parse"/>.</summary>
    public PachClient(string address)
        : this(new PachClientOptions { Address = PachAddress.Parse(address) })
    {
    }

    /// <summary>Makes a client.</summary>
    public PachClient(PachClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _connection = new Connection(options);
        Address = options.Address;
        Repos = new RepoOperations(_connection);
        Commits = new CommitOperations(_connection);
        Branches = new BranchOperations(_connection);
        Files = new FileOperations(_connection);
        Objects = new ObjectOperations(_connection);
        Pipelines = new PipelineOperations(_connection);
        Jobs = new JobOperations(_connection);
        Maintenance = new MaintenanceOperations(_connection);
        Admin = new AdminOperations(_connection);
    }

    /// <summary>The connection, for what asks several releases in their own ways.</summary>
    internal Connection Connection => _connection;

    /// <summary>The server's address.</summary>
    public PachAddress Address { get; }

    /// <summary>Repos.</summary>
    public RepoOperations Repos { get; }

    /// <summary>Commits.</summary>
    public CommitOperations Commits { get; }

    /// <summary>Branches.</summary>
    public BranchOperations Branches { get; }

    /// <summary>Files.</summary>
    public FileOperations Files { get; }

    /// <summary>Objects and tags.</summary>
    public ObjectOperations Objects { get; }

    /// <summary>Pipelines.</summary>
    public PipelineOperations Pipelines { get; }

    /// <summary>Jobs, with their datums, logs and reasons.</summary>
    public JobOperations Jobs { get; }

    /// <summary>Care of the whole server.</summary>
    public MaintenanceOperations Maintenance { get; }

    /// <summary>The whole cluster as one stream.</summary>
    public AdminOperations Admin { get; }

    /// <summary>The server's release.</summary>
    public Task<Wire.Version.Version> GetVersionAsync(CancellationToken cancellationToken = default) =>
        _connection.CallAsync(
            new VersionApi.APIClient(_connection.Invoker).GetVersionAsync(new Empty(), cancellationToken: cancellationToken));

    /// <summary>Returns if the server is up and well, and throws otherwise.</summary>
    public Task CheckHealthAsync(CancellationToken cancellationToken = default) =>
        _connection.CallAsync(
            new HealthApi.HealthClient(_connection.Invoker).HealthAsync(new Empty(), cancellationToken: cancellationToken));

    /// <summary>Closes the connection.</summary>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
