using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;

namespace Updraft.Server.Rollouts;

/// <summary>
/// The last state that an agent has reconciled, from its request. The response contains the next state that differs from it.
/// </summary>
internal readonly record struct AcknowledgedState(long Epoch, long Revision, StatePhase Phase);

/// <summary>
/// Returns the state document as soon as it differs from the acknowledged one, or null after the wait. A waiting request holds no database
/// connection and no service scope, only a task of the signal.
/// </summary>
/// <exception cref="ApiException">404: no such agent in the Deployment, or the Deployment was deleted.</exception>
internal sealed class WaitForState(IServiceScopeFactory scopes, RevisionSignal signal, SignState sign, RecordHeartbeat recordHeartbeat,
    WaitingAgents waiting, IOptions<AgentOptions> options, TimeProvider clock, IHostApplicationLifetime lifetime)
{
    /// <param name="deployment">The Deployment of the agent's token.</param>
    /// <param name="agent">The agent.</param>
    /// <param name="acknowledged">The state to compare with; null returns the current state without a wait.</param>
    /// <param name="wait">The maximum wait; <see cref="AgentOptions.MaxWait"/> limits it.</param>
    /// <param name="cancellationToken">Cancelled when the agent closes the connection.</param>
    public async Task<StateResponse?> RunAsync(DeploymentId deployment, AgentId agent, AcknowledgedState? acknowledged, TimeSpan wait,
        CancellationToken cancellationToken)
    {
        var start = clock.GetTimestamp();
        var limit = wait < options.Value.MaxWait ? wait : options.Value.MaxWait;
        IDisposable? presence = null, held = null;
        try
        {
            while (true)
            {
                // Before the database is read: an announcement in between ends the wait at once.
                var next = signal.Next(deployment);
                if (await ReadAsync(deployment, agent, acknowledged, cancellationToken) is { } response)
                    return response;
                var left = limit - clock.GetElapsedTime(start);
                // A stopping server waits for open requests, so a request must not wait for the next notification.
                if (left <= TimeSpan.Zero || lifetime.ApplicationStopping.IsCancellationRequested)
                    return null;
                presence ??= waiting.Enter(agent);
                held ??= RolloutMetrics.Wait();
                var announced = next.WaitAsync(left, clock, cancellationToken);
                await announced.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancellationToken.ThrowIfCancellationRequested();
                if (!announced.IsCompletedSuccessfully)
                    return null;
            }
        }
        finally
        {
            presence?.Dispose();
            held?.Dispose();
        }
    }

    private async Task<StateResponse?> ReadAsync(DeploymentId deployment, AgentId agent, AcknowledgedState? acknowledged,
        CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        var row = await FindAsync(db, deployment, agent, cancellationToken);
        await recordHeartbeat.RunAsync(agent, row.LastSeenAt, cancellationToken);
        var barrier = Rollout.MayWait(row.Newest, row.AgentStatus)
            ? await db.ReadBarrierAsync(deployment, row.Newest, clock.GetUtcNow() - options.Value.LiveFor, cancellationToken)
            : ImageBarrier.None;
        var phase = Rollout.PhaseFor(row.Newest, row.AgentStatus, barrier);
        return acknowledged == new AcknowledgedState(options.Value.Epoch, row.Newest, phase)
            ? null
            : await sign.RunAsync(db, deployment, row.Newest, phase, cancellationToken);
    }

    private static async Task<WaitingAgent> FindAsync(UpdraftDbContext db, DeploymentId deployment, AgentId id,
        CancellationToken cancellationToken) =>
        await (from agent in db.Agents
               where agent.Id == id && agent.DeploymentId == deployment
               join target in db.Deployments on agent.DeploymentId equals target.Id
               where target.DeletedAt == null
               select new WaitingAgent(target.Revision, agent.LastSeenAt, agent.Revision, agent.Phase, agent.ActiveRevision))
            .SingleOrDefaultAsync(cancellationToken) ?? throw ApiException.NotFound("Agent", id.Value);

    private sealed record WaitingAgent(long Newest, DateTimeOffset LastSeenAt, long Revision, AgentPhase? Phase, long ActiveRevision)
    {
        public AgentStatus AgentStatus => new(Revision, Phase, ActiveRevision);
    }
}
