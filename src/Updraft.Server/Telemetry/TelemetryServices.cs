namespace Updraft.Server.Telemetry;

/// <summary>Metrics and traces, each only when the operator says where.</summary>
internal static class TelemetryServices
{
    /// <summary>Call first: what is started later is measured from its first moment on.</summary>
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
