using System.Diagnostics;
using Updraft.Protocol;

namespace Updraft.Agent.Tracing;

/// <summary>
/// Spans of the agent for a revision, in the trace of the finalize or rollback that created it. Without a trace or without a collector, the
/// agent creates no spans.
/// </summary>
internal static class AgentSpans
{
    public const string SourceName = "Updraft.Agent";

    private const int MaxReason = 300;

    private static readonly ActivitySource Source = new(SourceName, AgentVersion.Text);

    /// <summary>Starts a span below the current one, or without one in the trace of a revision; null without a collector.</summary>
    public static Activity? Begin(string name, ActivityContext trace = default, ActivityKind kind = ActivityKind.Internal) =>
        Activity.Current is null ? Source.StartActivity(name, kind, trace) : Source.StartActivity(name, kind);

    /// <summary>Runs some work in a span, and records its failure.</summary>
    public static async Task RunAsync(string name, ActivityContext trace, DesiredState desired, Func<Task> work)
    {
        using var span = Begin(name, trace)?.Describe(desired);
        try
        {
            await work();
        }
        catch (Exception exception)
        {
            span.Fail(exception);
            throw;
        }
    }

    public static Activity Describe(this Activity span, DesiredState desired) => span
        .SetTag("updraft.deploy.id", desired.DeployId).SetTag("updraft.deployment.id", desired.DeploymentId)
        .SetTag("updraft.revision", desired.Revision);

    public static void Fail(this Activity? span, Exception exception) =>
        span?.SetStatus(ActivityStatusCode.Error, new string([.. ErrorReason.Of(exception).Take(MaxReason)]));
}
