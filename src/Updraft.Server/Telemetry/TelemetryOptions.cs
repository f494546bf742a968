using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Telemetry;

/// <summary>Traces. The environment variables of OpenTelemetry also apply.</summary>
internal sealed class TelemetryOptions
{
    public const string Section = "Telemetry";

    private static readonly string[] Variables = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

    /// <summary>
    /// Base URL of a collector that receives OTLP over HTTP. The server appends <c>/v1/traces</c>. Default: the environment variable
    /// <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>; without it, the server sends no traces.
    /// </summary>
    [RegularExpression(@"^https?://[^?#\s]+$", ErrorMessage = "Telemetry:OtlpEndpoint must be a URL such as http://127.0.0.1:4318.")]
    public string? OtlpEndpoint { get; set; }

    /// <summary>Whether the server records spans: the setting or a variable of OpenTelemetry names an endpoint.</summary>
    public static bool IsOn(IConfiguration configuration) => !string.IsNullOrEmpty(configuration["Telemetry:OtlpEndpoint"])
        || Array.Exists(Variables, name => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name)));
}
