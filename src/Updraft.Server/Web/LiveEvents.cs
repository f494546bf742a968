using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http.HttpResults;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Web;

/// <summary>
/// Notifies open pages of changes with server-sent events without content; the page then requests itself again. A commit of this replica
/// sends an event immediately. A check once a second finds agent reports, uploads and commits of other replicas.
/// </summary>
internal sealed class LiveEvents(IServiceScopeFactory scopes, RevisionSignal signal, TimeProvider clock, IHostApplicationLifetime server)
{
    private static readonly Task Never = new TaskCompletionSource().Task;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // The browser reconnects after this time, and the new request checks the session and its permissions again.
    private static readonly TimeSpan MaxDuration = TimeSpan.FromMinutes(5);

    /// <summary>Events of one Deployment.</summary>
    public ServerSentEventsResult<string> OfDeployment(HttpContext context, DeploymentId deployment) => Send(context, WatchAsync(deployment,
        (overviews, _, cancellationToken) => overviews.ReadChangeStampAsync(deployment, cancellationToken),
        context.Features.Get<Credential>(), context.RequestAborted));

    /// <summary>Events of all Deployments that the subject can see.</summary>
    public ServerSentEventsResult<string> OfAllDeployments(HttpContext context, Subject subject) => Send(context, WatchAsync(null,
        (overviews, db, cancellationToken) =>
            overviews.ReadChangeStampAsync(DeploymentQueries.Visible(db, subject, subject.Organization), cancellationToken),
        context.Features.Get<Credential>(), context.RequestAborted));

    private static ServerSentEventsResult<string> Send(HttpContext context, IAsyncEnumerable<string> events)
    {
        // A client that does not expect a stream would wait for its end.
        if (!context.Request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase))
        {
            throw new ApiException(WebErrors.EventStreamOnly,
                "This URL returns server-sent events only. Send 'Accept: text/event-stream'.");
        }
        // Stops nginx from buffering the response until its end.
        context.Response.Headers["X-Accel-Buffering"] = "no";
        return TypedResults.ServerSentEvents(events, "change");
    }

    private async IAsyncEnumerable<string> WatchAsync(DeploymentId? deployment,
        Func<DeploymentOverviews, UpdraftDbContext, CancellationToken, Task<string>> readStamp, Credential? credential,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, server.ApplicationStopping);
        var (start, lastStamp, number) = (clock.GetTimestamp(), (string?)null, 0);
        while (!end.IsCancellationRequested && clock.GetElapsedTime(start) < MaxDuration)
        {
            // Before the database is read, so that a commit in between is not missed.
            var commit = deployment is { } id ? signal.Next(id) : Never;
            string stamp;
            await using (var scope = scopes.CreateAsyncScope())
            {
                stamp = await readStamp(scope.ServiceProvider.GetRequiredService<DeploymentOverviews>(),
                    scope.ServiceProvider.GetRequiredService<UpdraftDbContext>(), cancellationToken);
            }
            if (stamp != lastStamp)
            {
                if (credential is null || !await credential.IsStillValidAsync(cancellationToken))
                    yield break;
                // The first event comes immediately: a change before the connection was open is not missed.
                lastStamp = stamp;
                yield return (number++).ToString(System.Globalization.CultureInfo.InvariantCulture);
            }
            await Task.WhenAny(commit, Task.Delay(Interval, clock, end.Token));
        }
    }
}
