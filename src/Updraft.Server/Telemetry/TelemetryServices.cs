namespace Updraft.Server.Telemetry;

/// <summary>Registers metrics and traces. Each is off unless its setting names a URL.</summary>
internal static class TelemetryServices
{
    /// <summary>
    /// Call it before the other slices: hosted services start in this order, and later ones are measured from their start.
    /// </summary>
    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<MetricOptions>().BindConfiguration("Metrics").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddOptions<TelemetryOptions>().BindConfiguration("Telemetry").ValidateDataAnnotations().ValidateOnStart();
        if (!string.IsNullOrEmpty(builder.Configuration["Metrics:Listen"]))
            builder.Services.AddHostedService<ServeMetrics>();
        if (TelemetryOptions.IsOn(builder.Configuration))
            builder.Services.AddHostedService<ExportTraces>();
    }
}
