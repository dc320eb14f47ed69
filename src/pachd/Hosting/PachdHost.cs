using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging.Console;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Pachyderm.Errors;
using Pachyderm.Pachd.Configuration;
using Pachyderm.Pachd.Services;

namespace Pachyderm.Pachd.Hosting;

/// <summary>Composes a pachd, serves until it is told to stop, and lets running calls end.</summary>
internal static class PachdHost
{
    /// <summary>Largest message either way, as in 1.5.</summary>
    internal const int MaximumMessage = 20 << 20;

    // Enough to keep a fast link busy, and a bound on what a client can have pachd hold that it does not read.
    private const int StreamWindow = 4 << 20;
    private const int ConnectionWindow = 16 << 20;

    /// <summary>Serves until SIGTERM or SIGINT.</summary>
    /// <exception cref="OperatorException">It could not be started.</exception>
    public static async Task RunAsync(PachdOptions options, CancellationToken cancellationToken)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        Configure(builder, options);
        await using WebApplication app = builder.Build();
        Map(app);
        ILogger logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("pachd");
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is AddressInUseException || exception.InnerException is AddressInUseException or SocketException || exception is SocketException)
        {
            throw new OperatorException(
                "address", $"{options.Grpc} or {options.Http}", $"pachd cannot listen there ({exception.Message.TrimEnd('.')})",
                "stop what listens there, or choose others with --grpc-address and --http-address", exception);
        }
        string[] addresses = [.. app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Select(address => new Uri(address).Authority)];
        Log.Serving(logger, VersionService.Text, addresses[0], addresses[1], options.Data);
        if (options.AddressFile is { } file)
        {
            // Whoever waits for the file finds it whole.
            await File.WriteAllTextAsync($"{file}.new", addresses[0] + "\n", cancellationToken);
            File.Move($"{file}.new", file, overwrite: true);
        }
        await app.WaitForShutdownAsync(cancellationToken);
        Log.Stopped(logger);
    }

    private static void Configure(WebApplicationBuilder builder, PachdOptions options)
    {
        builder.Logging.ClearProviders();
        builder.Logging.SetMinimumLevel(options.LogLevel);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("Grpc", LogLevel.Warning).AddFilter("System", LogLevel.Warning);
        // A failed start is told once, by the exception.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.UseUtcTimestamp = true;
            console.ColorBehavior = LoggerColorBehavior.Disabled;
        });
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.DrainTimeout);

        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(options.Grpc.Address, options.Grpc.Port, listener => listener.Protocols = HttpProtocols.Http2);
            kestrel.Listen(options.Http.Address, options.Http.Port, listener => listener.Protocols = HttpProtocols.Http1);
            kestrel.Limits.Http2.MaxStreamsPerConnection = int.MaxValue;
            kestrel.Limits.Http2.InitialStreamWindowSize = StreamWindow;
            kestrel.Limits.Http2.InitialConnectionWindowSize = ConnectionWindow;
            kestrel.Limits.Http2.MaxFrameSize = 1 << 20;
            // A stream may rest for as long as its client likes: an open put-file on a pipe, a subscription.
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromDays(1);
        });

        builder.Services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = MaximumMessage;
            grpc.MaxSendMessageSize = MaximumMessage;
        });
        builder.Services.AddGrpcReflection();
        builder.Services.AddGrpcHealthChecks().AddCheck("serving", () => HealthCheckResult.Healthy());

        IOpenTelemetryBuilder telemetry = builder.Services.AddOpenTelemetry();
        telemetry.WithMetrics(metrics => metrics.AddMeter("Pachyderm.*", "System.Runtime", "Microsoft.AspNetCore.Hosting", "Grpc.AspNetCore.Server").AddPrometheusExporter());
        // The standard variables of OpenTelemetry say where to, and how.
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT")))
        {
            telemetry.WithMetrics(metrics => metrics.AddOtlpExporter()).WithTracing(tracing => tracing.AddSource("Pachyderm.*").AddOtlpExporter());
        }
    }

    private static void Map(WebApplication app)
    {
        app.MapGrpcService<VersionService>();
        app.MapGrpcService<HealthService>();
        app.MapGrpcHealthChecksService();
        app.MapGrpcReflectionService();
        app.MapGet("/healthz", () => "ok\n");
        app.MapGet("/readyz", (IHostApplicationLifetime lifetime) =>
            lifetime.ApplicationStopping.IsCancellationRequested ? Results.Text("stopping\n", statusCode: StatusCodes.Status503ServiceUnavailable) : Results.Text("ready\n"));
        app.MapPrometheusScrapingEndpoint();
    }
}
