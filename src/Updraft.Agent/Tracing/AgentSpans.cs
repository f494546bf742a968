using System.Diagnostics;
using Updraft.Protocol;

namespace Updraft.Agent.Tracing;

/// <summary>
/// The spans of an agent: what it does for a revision, in the trace of the finalize or rollback that made it. Without a trace there, or without
/// somebody who exports, no span is made.
/// </summary>
internal static class AgentSpans
{
    public const string SourceName = "Updraft.Agent";

    private const int MaxReason = 300;

    private static readonly ActivitySource Source = new(SourceName, AgentVersion.Text);

    /// <summary>Begins a span below the current one, or else in the trace of a revision; null when nobody listens.</summary>
    public static Activity? Begin(string name, ActivityContext trace = default, ActivityKind kind = ActivityKind.Internal) =>
        Activity.Current is null ? Source.StartActivity(name, kind, trace) : Source.StartActivity(name, kind);

    /// <summary>Does some work within a span, which says when it failed.</summary>
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
        .SetTag("updraft.deploy.id", desired.DeployId).SetTag("updraft.deployment.id", desired.DeploymentId).SetTag("updraft.revision", desired.Revision);

    public static void Fail(this Activity? span, Exception exception) =>
        span?.SetStatus(ActivityStatusCode.Error, exception.Message[..Math.Min(exception.Message.Length, MaxReason)]);
}
