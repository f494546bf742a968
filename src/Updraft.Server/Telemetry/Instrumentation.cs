using System.Diagnostics;
using System.Diagnostics.Metrics;
using Updraft.Protocol;

namespace Updraft.Server.Telemetry;

/// <summary>
/// The meter and the source of spans for all slices. Without a listener the server measures nothing and creates no spans; then an
/// instrument costs one field read.
/// </summary>
internal static class Instrumentation
{
    /// <summary>Name of the meter and of the source; collectors show it.</summary>
    public const string Name = "Updraft.Server";

    public const string DeployTag = "updraft.deploy.id", DeploymentTag = "updraft.deployment.id", RevisionTag = "updraft.revision";

    public static readonly Meter Meter = new(Name, Version);

    private static readonly ActivitySource Source = new(Name, Version);

    /// <summary>Version of the server, as MAJOR.MINOR.PATCH.</summary>
    public static string Version => typeof(Instrumentation).Assembly.GetName().Version!.ToString(3);

    /// <summary>Starts a child span of the request's span; null without a listener.</summary>
    public static Activity? Begin(string name) => Source.StartActivity(name);

    /// <summary>
    /// Starts a span in a stored trace; null without a listener, or if <paramref name="traceParent"/> is null or malformed.
    /// </summary>
    /// <param name="name">Name of the span.</param>
    /// <param name="traceParent">A stored value of <see cref="Current"/>.</param>
    public static Activity? BeginIn(string name, string? traceParent) =>
        TraceParent.TryParse(traceParent, out var parent) ? Source.StartActivity(name, ActivityKind.Internal, parent) : null;

    /// <summary>
    /// The current span as <c>traceparent</c> of W3C Trace Context, for work that continues the trace later. Null without a listener on
    /// this source: the spans that the web server then creates are never exported.
    /// </summary>
    public static string? Current =>
        Source.HasListeners() && Activity.Current is { IdFormat: ActivityIdFormat.W3C } current ? current.Id : null;
}
