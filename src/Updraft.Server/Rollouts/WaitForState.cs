using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;

namespace Updraft.Server.Rollouts;

/// <summary>What an agent has done last, as it says in its question: it wants to hear of anything else.</summary>
internal readonly record struct AcknowledgedState(long Epoch, long Revision, StatePhase Phase);

/// <summary>
/// Answers an agent as soon as there is something for it to do: the document, or null when the wait is over. While it
/// waits it holds no database connection and no scope, only a place in the signal.
/// </summary>
/// <exception cref="ApiException">404: no such agent in the Deployment, or the Deployment was deleted.</exception>
internal sealed class WaitForState(IServiceScopeFactory scopes, RevisionSignal signal, SignState sign, RecordHeartbeat see, WaitingAgents waiting,
    IOptions<AgentOptions> options, TimeProvider clock, IHostApplicationLifetime server)
{
    /// <param name="deployment">The Deployment of the agent's token.</param>
    /// <param name="agent">Who asks.</param>
    /// <param name="acted">What it has done; null for nothing, which is answered at once.</param>
    /// <param name="wait">How long to wait at most.</param>
    /// <param name="cancellationToken">The agent has gone.</param>
    public async Task<StateResponse?> RunAsync(DeploymentId deployment, AgentId agent, AcknowledgedState? acted, TimeSpan wait,
        CancellationToken cancellationToken)
    {
        var start = clock.GetTimestamp();
        var limit = wait < options.Value.MaxWait ? wait : options.Value.MaxWait;
        IDisposable? presence = null, held = null;
        try
        {
            while (true)
            {
                // Taken before the look at the database: what is announced in between ends the wait at once.
                var news = signal.Next(deployment);
                if (await LookAsync(deployment, agent, acted, cancellationToken) is { } response)
                    return response;
                var left = limit - clock.GetElapsedTime(start);
                // A server that stops waits for its requests; none of them may wait for the server.
                if (left <= TimeSpan.Zero || server.ApplicationStopping.IsCancellationRequested)
                    return null;
                presence ??= waiting.Enter(agent);
                held ??= RolloutMetrics.Wait();
                var happens = news.WaitAsync(left, clock, cancellationToken);
                await happens.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancellationToken.ThrowIfCancellationRequested();
                if (!happens.IsCompletedSuccessfully)
                    return null;
            }
        }
        finally
        {
            presence?.Dispose();
            held?.Dispose();
        }
    }

    private async Task<StateResponse?> LookAsync(DeploymentId deployment, AgentId agent, AcknowledgedState? acted,
        CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        var place = await ReadAsync(db, deployment, agent, cancellationToken);
        await see.RunAsync(agent, place.LastSeenAt, cancellationToken);
        var barrier = Rollout.MayWait(place.Newest, place.AgentStatus)
            ? await db.ReadBarrierAsync(deployment, place.Newest, clock.GetUtcNow() - options.Value.LiveFor, cancellationToken)
            : ImageBarrier.None;
        var phase = Rollout.Tell(place.Newest, place.AgentStatus, barrier);
        return acted == new AcknowledgedState(options.Value.Epoch, place.Newest, phase)
            ? null
            : await sign.RunAsync(db, deployment, place.Newest, phase, cancellationToken);
    }

    private static async Task<Place> ReadAsync(UpdraftDbContext db, DeploymentId deployment, AgentId id,
        CancellationToken cancellationToken) =>
        await (from agent in db.Agents
               where agent.Id == id && agent.DeploymentId == deployment
               join target in db.Deployments on agent.DeploymentId equals target.Id
               where target.DeletedAt == null
               select new Place(target.Revision, agent.LastSeenAt, agent.Revision, agent.Phase, agent.ActiveRevision))
            .SingleOrDefaultAsync(cancellationToken) ?? throw ApiException.NotFound("Agent", id.Value);

    private sealed record Place(long Newest, DateTimeOffset LastSeenAt, long Revision, AgentPhase? Phase, long ActiveRevision)
    {
        public AgentStatus AgentStatus => new(Revision, Phase, ActiveRevision);
    }
}
