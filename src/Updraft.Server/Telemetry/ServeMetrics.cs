using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Updraft.Server.Telemetry;

/// <summary>
/// Publishes <c>/metrics</c> in the text format of Prometheus under a URL of its own. That URL has no routes of the API, and the API has no
/// route for metrics. Registered only if <c>Metrics:Listen</c> is set; otherwise the server does not load the libraries.
/// </summary>
internal sealed partial class ServeMetrics(IOptions<MetricOptions> options, IEnumerable<BeginMetrics> slices,
    IEnumerable<RequestLimit> limits, IEnumerable<BackgroundWorkName> works, IEnumerable<BeforeScrape> gauges, IServiceProvider services,
    ILoggerFactory logs) : IHostedService, IDisposable
{
    private const string Path = "/metrics", Requests = "http.server.request.duration";

    private static readonly TimeSpan GaugeTimeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The instruments of the .NET runtime that show a shortage of processor time, memory or threads. The others are dropped.
    /// </summary>
    private static readonly HashSet<string> RuntimeInstruments = new(StringComparer.Ordinal)
    {
        "dotnet.process.cpu.time", "dotnet.process.memory.working_set", "dotnet.gc.collections", "dotnet.gc.pause.time",
        "dotnet.thread_pool.thread.count", "dotnet.thread_pool.queue.length", "dotnet.exceptions",
    };

    private readonly ILogger _log = logs.CreateLogger<ServeMetrics>();
    private readonly byte[]? _token = string.IsNullOrEmpty(options.Value.Token) ? null : Hash(options.Value.Token);
    private readonly Meter _gauges = new(Instrumentation.Name, Instrumentation.Version);
    private MeterProvider? _provider;
    private WebApplication? _app;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _provider = Sdk.CreateMeterProviderBuilder()
            .AddMeter(Instrumentation.Name, "Microsoft.AspNetCore.Hosting", "System.Runtime")
            .AddView(Requests,
                new MetricStreamConfiguration { TagKeys = ["http.request.method", "http.route", "http.response.status_code"] })
            .AddView(static instrument => instrument.Meter.Name == "System.Runtime" && !RuntimeInstruments.Contains(instrument.Name)
                ? MetricStreamConfiguration.Drop
                : null)
            .AddPrometheusExporter(static exporter =>
            {
                exporter.ScrapeResponseCacheDurationMilliseconds = 0;
                // Both labels are redundant: the scrape job names the server, and the prefix of a metric names the product.
                (exporter.ScopeInfoEnabled, exporter.TargetInfoEnabled) = (false, false);
            })
            .Build();
        _gauges.CreateObservableGauge("updraft.build.info",
            static () => new Measurement<int>(1, new KeyValuePair<string, object?>("version", Instrumentation.Version)), null,
            "Always 1; the label is the version of the server.");
        LimitHits.Begin(limits);
        BackgroundWork.Begin(works);
        foreach (var begin in slices)
            begin(services, _gauges);
        _app = Create(_provider);
        await _app.StartAsync(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => _app?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    public void Dispose()
    {
        ((IDisposable?)_app)?.Dispose();
        _provider?.Dispose();
        _gauges.Dispose();
    }

    private WebApplication Create(MeterProvider provider)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(static kestrel =>
            (kestrel.AddServerHeader, kestrel.Limits.MaxRequestBodySize) = (false, 0));
        builder.Services.AddSingleton(logs);
        var app = builder.Build();
        app.Urls.Add(options.Value.Listen!);
        app.Use(AuthorizeScrapeAsync);
        app.UseOpenTelemetryPrometheusScrapingEndpoint(provider, predicate: null, Path, configureBranchedPipeline: null, optionsName: null);
        return app;
    }

    private async Task AuthorizeScrapeAsync(HttpContext context, RequestDelegate next)
    {
        var errorStatus = context.Request switch
        {
            { Path.Value: not Path } => StatusCodes.Status404NotFound,
            _ when !IsPermitted(context.Request.Headers.Authorization.ToString()) => StatusCodes.Status401Unauthorized,
            { Method: not ("GET" or "HEAD") } => StatusCodes.Status405MethodNotAllowed,
            _ => 0,
        };
        if (errorStatus != 0)
        {
            context.Response.StatusCode = errorStatus;
            return;
        }
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        timeout.CancelAfter(GaugeTimeout);
        try
        {
            foreach (var gauge in gauges)
                await gauge(timeout.Token);
        }
        catch (Exception exception) when (!context.RequestAborted.IsCancellationRequested)
        {
            // An unreachable database is a reason to look at the metrics, so the scrape returns all others.
            LogGaugesFailed(exception);
        }
        await next(context);
    }

    private bool IsPermitted(string authorization) =>
        _token is null || (authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(Hash(authorization["Bearer ".Length..].Trim()), _token));

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    [LoggerMessage(1, LogLevel.Warning,
        "Could not read the database for a scrape. The response has the last values of the gauges that read it.")]
    private partial void LogGaugesFailed(Exception exception);
}
