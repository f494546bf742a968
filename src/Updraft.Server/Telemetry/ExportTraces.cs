using System.Diagnostics;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Updraft.Protocol;

namespace Updraft.Server.Telemetry;

/// <summary>
/// Sends the spans of requests, and of what they do, to a collector: in the background, in batches, from a bounded queue, so that a collector
/// that is away costs spans and nothing else. Registered only when there is an endpoint; otherwise no span is made.
/// </summary>
internal sealed class ExportTraces(IOptions<TelemetryOptions> options) : IHostedService, IDisposable
{
    private const int FlushMilliseconds = 2000;

    /// <summary>Requests that tell nothing of a deploy, and come all the time: probes, long polls, open pages, their pictures.</summary>
    private static readonly string[] Noise = ["/healthz/", AgentRoutes.State, "/assets/"];

    private TracerProvider? _provider;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // What the variables of OpenTelemetry say comes last and counts: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES.
        var resource = ResourceBuilder.CreateEmpty().AddService("updraft-server", serviceVersion: Instrumentation.Version)
            .AddTelemetrySdk().AddEnvironmentVariableDetector();
        _provider = Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(resource)
            .AddSource(Instrumentation.Name)
            .AddAspNetCoreInstrumentation(requests =>
            {
                requests.Filter = IsWanted;
                requests.EnrichWithHttpResponse = static (span, response) => Describe(span, response.HttpContext.Request.RouteValues);
            })
            .AddOtlpExporter(Configure)
            .Build();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _provider?.ForceFlush(FlushMilliseconds);
        _provider?.Dispose();
    }

    private void Configure(OtlpExporterOptions exporter)
    {
        // As the specification has it, and as agents do; the library's own default is gRPC.
        if (Variable("PROTOCOL") is null)
            exporter.Protocol = OtlpExportProtocol.HttpProtobuf;
        if (!string.IsNullOrEmpty(options.Value.OtlpEndpoint))
            exporter.Endpoint = new Uri(options.Value.OtlpEndpoint.TrimEnd('/') + "/v1/traces");
        else if (Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") is not { Length: > 0 }
            && exporter.Protocol == OtlpExportProtocol.HttpProtobuf)
            exporter.Endpoint = new Uri(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT")!.TrimEnd('/') + "/v1/traces");
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_TRACES_" + name) is { Length: > 0 } own
        ? own
        : Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_" + name) is { Length: > 0 } common ? common : null;

    private static bool IsWanted(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        return !Array.Exists(Noise, part => path.Contains(part, StringComparison.Ordinal)) && !path.EndsWith("/events", StringComparison.Ordinal);
    }

    private static void Describe(Activity span, RouteValueDictionary route)
    {
        Describe(span, Instrumentation.DeployTag, route["deployId"]);
        Describe(span, Instrumentation.DeploymentTag, route["deploymentId"]);
    }

    private static void Describe(Activity span, string name, object? value)
    {
        if (value is string id && EntityId.IsValid(id))
            span.SetTag(name, id);
    }
}
