using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Telemetry;

/// <summary>Where traces go; section <c>Telemetry</c>. Nowhere unless set.</summary>
internal sealed class TelemetryOptions
{
    private static readonly string[] Variables = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

    /// <summary>Base address of a collector that takes OTLP over HTTP, to which <c>/v1/traces</c> is added.</summary>
    [RegularExpression(@"^https?://[^?#\s]+$", ErrorMessage = "Telemetry:OtlpEndpoint must be an address such as http://127.0.0.1:4318.")]
    public string? OtlpEndpoint { get; set; }

    /// <summary>Whether spans are made: an endpoint is set, here or by OpenTelemetry's own variables.</summary>
    public static bool IsOn(IConfiguration configuration) => !string.IsNullOrEmpty(configuration["Telemetry:OtlpEndpoint"])
        || Array.Exists(Variables, name => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name)));
}
