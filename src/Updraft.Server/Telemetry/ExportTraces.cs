using System.Diagnostics;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Updraft.Protocol;

namespace Updraft.Server.Telemetry;

/// <summary>
/// Sends the spans of requests to a collector, in the background, in batches and from a bounded queue. An unreachable collector loses
/// spans and delays no request. Registered only if an endpoint is set; otherwise the server creates no spans.
/// </summary>
internal sealed class ExportTraces(IOptions<TelemetryOptions> options, IEnumerable<TraceNoise> noise) : IHostedService, IDisposable
{
    private const int FlushMilliseconds = 2000;

    private readonly TraceNoise[] _noise = [.. noise];
    private TracerProvider? _provider;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // The variables of OpenTelemetry come last, so that they override: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES.
        var resource = ResourceBuilder.CreateEmpty().AddService("updraft-server", serviceVersion: Instrumentation.Version)
            .AddTelemetrySdk().AddEnvironmentVariableDetector();
        _provider = Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(resource)
            .AddSource(Instrumentation.Name)
            .AddAspNetCoreInstrumentation(requests =>
            {
                requests.Filter = IsTraced;
                requests.EnrichWithHttpResponse = static (span, response) => AddIdTags(span, response.HttpContext.Request.RouteValues);
            })
            .AddOtlpExporter(ConfigureExporter)
            .Build();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _provider?.ForceFlush(FlushMilliseconds);
        _provider?.Dispose();
    }

    private void ConfigureExporter(OtlpExporterOptions exporter)
    {
        // The specification's default, which agents use too. The default of the library is gRPC.
        if (ReadVariable("PROTOCOL") is null)
            exporter.Protocol = OtlpExportProtocol.HttpProtobuf;
        if (!string.IsNullOrEmpty(options.Value.OtlpEndpoint))
            exporter.Endpoint = new Uri(options.Value.OtlpEndpoint.TrimEnd('/') + "/v1/traces");
        else if (Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") is not { Length: > 0 }
            && exporter.Protocol == OtlpExportProtocol.HttpProtobuf)
            exporter.Endpoint = new Uri(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT")!.TrimEnd('/') + "/v1/traces");
    }

    // The variable for traces overrides the one for all signals.
    private static string? ReadVariable(string name) =>
        Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_TRACES_" + name) is { Length: > 0 } forTraces ? forTraces
        : Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_" + name) is { Length: > 0 } forAll ? forAll
        : null;

    private bool IsTraced(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        return !_noise.Any(requests => requests.Matches(path));
    }

    private static void AddIdTags(Activity span, RouteValueDictionary route)
    {
        AddIdTag(span, Instrumentation.DeployTag, route["deployId"]);
        AddIdTag(span, Instrumentation.DeploymentTag, route["deploymentId"]);
    }

    private static void AddIdTag(Activity span, string name, object? value)
    {
        if (value is string id && EntityId.IsValid(id))
            span.SetTag(name, id);
    }
}
