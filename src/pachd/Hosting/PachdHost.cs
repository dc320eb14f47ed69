using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Pachyderm.Errors;
using Pachyderm.Pachd.Configuration;
using Pachyderm.Pachd.Http;
using Pachyderm.Pachd.Services;
using Pachyderm.Pfs;
using Pachyderm.Portable;
using Pachyderm.Scheduling;
using Pachyderm.Workers;

namespace Pachyderm.Pachd.Hosting;

/// <summary>A running pachd: stores, services, listeners.</summary>
internal sealed class PachdHost : IAsyncDisposable
{
    /// <summary>Largest message in both directions, as in 1.5.</summary>
    public const int MaximumMessage = 20 << 20;

    // Large enough that a connection on the same machine is not held up by acknowledgements.
    private const int StreamWindow = 8 << 20;
    private const int ConnectionWindow = 16 << 20;

    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(20);

    private readonly WebApplication app;
    private readonly ILogger logger;

    private PachdHost(WebApplication app, ILogger logger)
    {
        this.app = app;
        this.logger = logger;
    }

    /// <summary>Opens the data, and returns when calls are accepted.</summary>
    /// <exception cref="OperatorException">It cannot start; one line for the operator.</exception>
    public static async Task<PachdHost> StartAsync(PachdOptions options, CancellationToken cancellationToken)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(
            new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        // Settings are those of OptionsReader alone; ASPNETCORE_ variables must not open other ports.
        builder.Configuration.Sources.Clear();
        builder.Logging.ClearProviders();
        builder.Logging.SetMinimumLevel(options.LogLevel);
        builder.Logging.AddFilter("Microsoft", options.LogLevel == LogLevel.Debug ? LogLevel.Debug : LogLevel.Error);
        builder.Logging.AddFilter("Grpc", options.LogLevel == LogLevel.Debug ? LogLevel.Debug : LogLevel.None);
        builder.Logging.AddProvider(new LineLoggerProvider(Console.Error, TimeProvider.System));
        using ILoggerFactory early = LoggerFactory.Create(
            logging => logging.AddProvider(new LineLoggerProvider(Console.Error, TimeProvider.System)));
        ILogger starting = early.CreateLogger("pachd");
        DataStores stores = await DataStores.OpenAsync(
            options.DataDirectory,
            options.ReadOnly,
            finding => starting.Finding(finding.Id, finding.Thing, finding.Problem, finding.Remedy),
            cancellationToken);
        WebApplication? built = null;
        IWorkerBackend? workers = null;
        try
        {
            workers = stores.WriteRefusal is { } refusal
                ? new NoWorkerBackend(refusal)
                : await WorkerBackends.CreateAsync(options.Pipelines, cancellationToken);
            AddServices(builder.Services, stores, workers, options);
            builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, options));
            built = builder.Build();
            MapCalls(built);
            PachdHost host = new(built, built.Services.GetRequiredService<ILoggerFactory>().CreateLogger("pachd"));
            await host.BeginAsync(options, stores);
            return host;
        }
        catch
        {
            if (built is not null)
            {
                await built.DisposeAsync();
            }
            else
            {
                if (workers is not null)
                {
                    await workers.DisposeAsync();
                }
                await stores.DisposeAsync();
            }
            throw;
        }
    }

    /// <summary>Waits for SIGTERM or Ctrl-C, and then for the calls that are running.</summary>
    public Task WaitForShutdownAsync() => app.WaitForShutdownAsync(CancellationToken.None);

    /// <summary>Ends the work in the background, seals what is open and closes the stores.</summary>
    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        logger.Ended();
    }

    private async Task BeginAsync(PachdOptions options, DataStores stores)
    {
        app.Lifetime.ApplicationStopping.Register(() => logger.Draining(options.DrainTimeout));
        try
        {
            await app.StartAsync(CancellationToken.None);
        }
        catch (IOException exception) when (exception.InnerException is AddressInUseException)
        {
            throw new OperatorException(
                "address-in-use", $"{options.GrpcAddress} or {options.HttpAddress}", "another program listens there",
                "end it, or choose others with --grpc-address and --http-address", exception);
        }
        catch (Exception exception) when (exception is System.Net.Sockets.SocketException or IOException)
        {
            throw new OperatorException(
                "address-unusable", $"{options.GrpcAddress} or {options.HttpAddress}", exception.Message.TrimEnd('.'),
                "choose an address of this machine with --grpc-address and --http-address", exception);
        }
        string[] addresses = [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
            .Select(address => new Uri(address).Authority)];
        logger.Serving(CommandLine.Version, options.DataDirectory, addresses[0], addresses.Length > 1 ? addresses[1] : "no port");
        if (stores.WriteRefusal is { } refusal)
        {
            logger.WritesRefused(refusal.Message);
        }
        else
        {
            await StartPipelinesAsync(options.Pipelines);
        }
        if (options.AddressFile is { } file)
        {
            await WriteAddressAsync(file, addresses[0]);
        }
    }

    private Task StartPipelinesAsync(PipelineOptions options)
    {
        IWorkerBackend workers = app.Services.GetRequiredService<IWorkerBackend>();
        logger.Workers(workers.Name, options.Nodes);
        foreach (string note in workers.Notes)
        {
            logger.WorkerNote(note);
        }
        return app.Services.GetRequiredService<Scheduler>().StartAsync(CancellationToken.None);
    }

    private static async Task WriteAddressAsync(string file, string address)
    {
        try
        {
            // Whoever waits for the file finds it whole.
            await File.WriteAllTextAsync(file + ".new", address + "\n");
            File.Move(file + ".new", file, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException(
                "address-file", file, $"the address cannot be written ({exception.Message.TrimEnd('.')})",
                "name another file with --address-file", exception);
        }
    }

    private static void Listen(KestrelServerOptions kestrel, PachdOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = null;
        // Uploads and subscriptions may be slow or silent for long; a peer that is gone is found by pings.
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromDays(1);
        kestrel.Limits.Http2.MaxStreamsPerConnection = int.MaxValue;
        kestrel.Limits.Http2.InitialStreamWindowSize = StreamWindow;
        kestrel.Limits.Http2.InitialConnectionWindowSize = ConnectionWindow;
        kestrel.Limits.Http2.MaxFrameSize = 1 << 20;
        kestrel.Limits.Http2.KeepAlivePingDelay = PingDelay;
        kestrel.Limits.Http2.KeepAlivePingTimeout = PingDelay;
        kestrel.Listen(options.GrpcAddress, listen => listen.Protocols = HttpProtocols.Http2);
        if (options.HttpAddress is { } http)
        {
            kestrel.Listen(http, listen => listen.Protocols = HttpProtocols.Http1);
        }
    }

    private static void AddServices(IServiceCollection services, DataStores stores, IWorkerBackend workers, PachdOptions options)
    {
        services.Configure<HostOptions>(host => host.ShutdownTimeout = options.DrainTimeout);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<IMemoryPoolFactory<byte>, ConnectionMemory>();
        services.AddSingleton(new ReadOnlyGuard(stores.WriteRefusal));
        // By factory, so that the container disposes them: services first, stores last.
        services.AddSingleton(_ => stores);
        services.AddSingleton(
            _ => new HttpClient(new SocketsHttpHandler { ConnectTimeout = PingDelay }) { Timeout = Timeout.InfiniteTimeSpan });
        services.AddSingleton<IRemoteFileSource, RemoteFiles>();
        services.AddSingleton(provider => new PachydermFileSystem(
            provider.GetRequiredService<DataStores>().Metadata,
            stores.Chunks,
            provider.GetRequiredService<IRemoteFileSource>(),
            provider.GetRequiredService<HttpClient>(),
            TimeProvider.System));
        services.AddSingleton(
            provider => new StoreMaintenance(
                provider.GetRequiredService<PachydermFileSystem>(), stores.Metadata, stores.Chunks, options.DataDirectory,
                TimeProvider.System));
        services.AddSingleton(_ => workers);
        services.AddSingleton(provider => new Scheduler(new SchedulerOptions
        {
            Metadata = stores.Metadata,
            Chunks = stores.Chunks,
            Files = provider.GetRequiredService<PachydermFileSystem>(),
            Workers = provider.GetRequiredService<IWorkerBackend>(),
            Http = provider.GetRequiredService<HttpClient>(),
            Time = TimeProvider.System,
            Logger = provider.GetRequiredService<ILoggerFactory>().CreateLogger("pipelines"),
            Nodes = options.Pipelines.Nodes,
            EgressDirectories = options.Pipelines.EgressDirectories,
            SecretsDirectory = options.Pipelines.SecretsDirectory,
        }));
        services.AddSingleton<Following>();
        services.AddSingleton<HandOverDesk>();
        services.AddHostedService(provider => provider.GetRequiredService<HandOverDesk>());
        services.AddSingleton(provider => new ClusterExtract(
            provider.GetRequiredService<DataStores>().Metadata, stores.Chunks, Path.Combine(options.DataDirectory, "extract"),
            TimeProvider.System));
        services.AddSingleton(provider => new ClusterRestore(
            provider.GetRequiredService<DataStores>().Metadata, stores.Chunks, Path.Combine(options.DataDirectory, "restore")));
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = MaximumMessage;
            grpc.MaxSendMessageSize = MaximumMessage;
            grpc.Interceptors.Add<CallInterceptor>();
        });
        services.AddGrpcReflection();
        IOpenTelemetryBuilder telemetry = services.AddOpenTelemetry()
            .WithMetrics(
                metrics => metrics.AddMeter("Pachyderm*", "System.Runtime", "Microsoft.AspNetCore.Server.Kestrel").AddPrometheusExporter());
        // The standard variables of OpenTelemetry say where to, and how.
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT")))
        {
            telemetry.WithMetrics(metrics => metrics.AddOtlpExporter()).WithTracing(
                tracing => tracing.AddSource("Pachyderm*").AddOtlpExporter());
        }
        services.AddGrpcHealthChecks().AddCheck("pachd", () => Microsoft.Extensions.Diagnostics.HealthChecks.HealthCheckResult.Healthy());
    }

    private static void MapCalls(WebApplication app)
    {
        // Opened now and not by the first call; and so disposed in the right order.
        app.Services.GetRequiredService<StoreMaintenance>();
        app.Services.GetRequiredService<Scheduler>();
        app.MapGrpcService<PfsService>();
        app.MapGrpcService<ObjectService>();
        app.MapGrpcService<NativeFilesService>();
        app.MapGrpcService<NativeMaintenanceService>();
        app.MapGrpcService<NativeAdminService>();
        app.MapGrpcService<PpsService>();
        app.MapGrpcService<NativePipelinesService>();
        app.MapGrpcService<VersionService>();
        app.MapGrpcService<HealthService>();
        app.MapGrpcHealthChecksService();
        app.MapGrpcReflectionService();
        FileEndpoint.Map(app);
        app.MapPrometheusScrapingEndpoint();
    }
}
