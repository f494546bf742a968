using System.Diagnostics;
using System.Diagnostics.Metrics;
using Updraft.Protocol;

namespace Updraft.Server.Telemetry;

/// <summary>
/// What all slices measure with. Nothing is measured, and no span is made, while nobody listens: then an instrument costs a look at a field.
/// </summary>
internal static class Instrumentation
{
    /// <summary>Name of meter and source, as collectors show it.</summary>
    public const string Name = "Updraft.Server";

    public const string DeployTag = "updraft.deploy.id", DeploymentTag = "updraft.deployment.id", RevisionTag = "updraft.revision";

    public static readonly Meter Meter = new(Name, Version);

    private static readonly ActivitySource Source = new(Name, Version);

    /// <summary>Version of the server.</summary>
    public static string Version => typeof(Instrumentation).Assembly.GetName().Version!.ToString(3);

    /// <summary>Begins a span below the request's; null when nobody listens.</summary>
    public static Activity? Begin(string name) => Source.StartActivity(name);

    /// <summary>Begins a span in a trace that was written down; null when nobody listens, or when there is none.</summary>
    /// <param name="name">Name of the span.</param>
    /// <param name="traceParent">As <see cref="Activity.Id"/> has it.</param>
    public static Activity? BeginIn(string name, string? traceParent) =>
        TraceParent.TryParse(traceParent, out var parent) ? Source.StartActivity(name, ActivityKind.Internal, parent) : null;

    /// <summary>
    /// Where the current span stands, for work that others do later: what <c>traceparent</c> of W3C Trace Context says. Null when nobody listens:
    /// the web server counts requests in spans of its own, which nobody will ever see.
    /// </summary>
    public static string? Current =>
        Source.HasListeners() && Activity.Current is { IdFormat: ActivityIdFormat.W3C } current ? current.Id : null;
}
