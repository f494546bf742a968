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
/// Tells open pages that something has changed, as server-sent events; what has changed, a page asks for again. A commit wakes it at once,
/// everything else (agents' reports, uploads, what another replica did) is seen by looking every second.
/// </summary>
internal sealed class LiveEvents(IServiceScopeFactory scopes, RevisionSignal signal, TimeProvider clock, IHostApplicationLifetime server)
{
    private static readonly Task Never = new TaskCompletionSource().Task;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // The browser connects again; whoever is not let in any more is not let in again.
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    /// <summary>Events of a Deployment's pages.</summary>
    public ServerSentEventsResult<string> Of(HttpContext context, DeploymentId deployment) => Send(context, WatchAsync(deployment,
        (board, _, cancellationToken) => board.StampAsync(deployment, cancellationToken), context.Features.Get<Credential>(), context.RequestAborted));

    /// <summary>Events of the list of Deployments.</summary>
    public ServerSentEventsResult<string> OfAll(HttpContext context, Subject subject) => Send(context, WatchAsync(null,
        (board, db, cancellationToken) => board.StampAsync(DeploymentQueries.Visible(db, subject, subject.Organization), cancellationToken),
        context.Features.Get<Credential>(), context.RequestAborted));

    private static ServerSentEventsResult<string> Send(HttpContext context, IAsyncEnumerable<string> events)
    {
        // Whoever does not know what it is would wait for the end.
        if (!context.Request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase))
            throw new ApiException(StatusCodes.Status406NotAcceptable, "These are server-sent events: ask for 'Accept: text/event-stream'.");
        // A proxy that waits for the end of the answer would wait for minutes.
        context.Response.Headers["X-Accel-Buffering"] = "no";
        return TypedResults.ServerSentEvents(events, "change");
    }

    private async IAsyncEnumerable<string> WatchAsync(DeploymentId? deployment, Func<DeploymentBoard, UpdraftDbContext, CancellationToken, Task<string>> look,
        Credential? credential, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, server.ApplicationStopping);
        var (start, known, number) = (clock.GetTimestamp(), (string?)null, 0);
        while (!ends.IsCancellationRequested && clock.GetElapsedTime(start) < Longest)
        {
            var news = deployment is { } id ? signal.Next(id) : Never;
            string stamp;
            await using (var scope = scopes.CreateAsyncScope())
            {
                stamp = await look(scope.ServiceProvider.GetRequiredService<DeploymentBoard>(),
                    scope.ServiceProvider.GetRequiredService<UpdraftDbContext>(), cancellationToken);
            }
            if (stamp != known)
            {
                if (credential is null || !await credential.IsStillValidAsync(cancellationToken))
                    yield break;
                // The first one tells that the connection stands; the page may have missed something before.
                known = stamp;
                yield return (number++).ToString(System.Globalization.CultureInfo.InvariantCulture);
            }
            await Task.WhenAny(news, Task.Delay(Interval, clock, ends.Token));
        }
    }
}
