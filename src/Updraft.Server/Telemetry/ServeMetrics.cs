using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Updraft.Server.Telemetry;

/// <summary>
/// Serves <c>/metrics</c> in the text format of Prometheus at an address of its own, which has nothing of the API, as the API's has nothing of
/// this. Registered only when <c>Metrics:Listen</c> is set; otherwise not even the libraries are loaded.
/// </summary>
internal sealed partial class ServeMetrics(IOptions<MetricOptions> options, IEnumerable<BeginMetrics> slices, IEnumerable<BeforeScrape> gauges,
    IServiceProvider services, ILoggerFactory logs) : IHostedService, IDisposable
{
    private const string Path = "/metrics", Requests = "http.server.request.duration";

    private static readonly TimeSpan ScrapeLimit = TimeSpan.FromSeconds(5);

    /// <summary>Of the runtime's own instruments those that answer: is it short of processor, memory or threads?</summary>
    private static readonly HashSet<string> OfTheRuntime = new(StringComparer.Ordinal)
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
            .AddView(Requests, new MetricStreamConfiguration { TagKeys = ["http.request.method", "http.route", "http.response.status_code"] })
            .AddView(static instrument => instrument.Meter.Name == "System.Runtime" && !OfTheRuntime.Contains(instrument.Name)
                ? MetricStreamConfiguration.Drop
                : null)
            .AddPrometheusExporter(static exporter =>
            {
                exporter.ScrapeResponseCacheDurationMilliseconds = 0;
                // The job that scrapes names the server, and the name of a metric says whose it is.
                (exporter.ScopeInfoEnabled, exporter.TargetInfoEnabled) = (false, false);
            })
            .Build();
        _gauges.CreateObservableGauge("updraft.build.info",
            static () => new Measurement<int>(1, new KeyValuePair<string, object?>("version", Instrumentation.Version)), null,
            "Always 1; the label says which version runs.");
        LimitHits.Begin();
        BackgroundWork.Begin();
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
        builder.WebHost.UseKestrelCore().ConfigureKestrel(static kestrel => (kestrel.AddServerHeader, kestrel.Limits.MaxRequestBodySize) = (false, 0));
        builder.Services.AddSingleton(logs);
        var app = builder.Build();
        app.Urls.Add(options.Value.Listen!);
        app.Use(AdmitAsync);
        app.UseOpenTelemetryPrometheusScrapingEndpoint(provider, predicate: null, Path, configureBranchedPipeline: null, optionsName: null);
        return app;
    }

    private async Task AdmitAsync(HttpContext context, RequestDelegate next)
    {
        var refusal = context.Request switch
        {
            { Path.Value: not Path } => StatusCodes.Status404NotFound,
            _ when !IsPermitted(context.Request.Headers.Authorization.ToString()) => StatusCodes.Status401Unauthorized,
            { Method: not ("GET" or "HEAD") } => StatusCodes.Status405MethodNotAllowed,
            _ => 0,
        };
        if (refusal != 0)
        {
            context.Response.StatusCode = refusal;
            return;
        }
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limit.CancelAfter(ScrapeLimit);
        try
        {
            foreach (var gauge in gauges)
                await gauge(limit.Token);
        }
        catch (Exception exception) when (!context.RequestAborted.IsCancellationRequested)
        {
            // A database that does not answer is what somebody wants to see; everything else is told all the same.
            LogNotAsked(exception);
        }
        await next(context);
    }

    private bool IsPermitted(string authorization) => _token is null || (authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(Hash(authorization["Bearer ".Length..].Trim()), _token));

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    [LoggerMessage(1, LogLevel.Warning, "The database could not be asked for what a scrape of the metrics tells.")]
    private partial void LogNotAsked(Exception exception);
}
