using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Database;

namespace Updraft.Server.Agents;

/// <summary>
/// Stores heartbeats of agents, at most once per <see cref="AgentOptions.HeartbeatInterval"/> and agent. So after a restart of the server,
/// the stored time may be too old by that interval.
/// </summary>
internal sealed class RecordHeartbeat(IServiceScopeFactory scopes, IOptions<AgentOptions> options, TimeProvider clock)
{
    private const int BatchSize = 500;

    /// <summary>Records a request of an agent.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="lastSeenAt">The stored time of its last heartbeat.</param>
    /// <param name="cancellationToken">Cancels the database statements.</param>
    public Task RunAsync(AgentId agent, DateTimeOffset lastSeenAt, CancellationToken cancellationToken) =>
        clock.GetUtcNow() - lastSeenAt < options.Value.HeartbeatInterval ? Task.CompletedTask : RunAsync([agent], cancellationToken);

    /// <summary>Records a heartbeat of each agent, in one transaction: 10,000 agents need one flush to disk.</summary>
    public async Task RunAsync(IReadOnlyCollection<AgentId> agents, CancellationToken cancellationToken)
    {
        if (agents.Count == 0)
            return;
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var now = clock.GetUtcNow();
        foreach (var batch in agents.OrderBy(agent => agent.Value, StringComparer.Ordinal).Chunk(BatchSize))
        {
            await db.Agents.Where(row => batch.Contains(row.Id))
                .ExecuteUpdateAsync(row => row.SetProperty(agent => agent.LastSeenAt, now), cancellationToken);
        }
        await write.CommitAsync(cancellationToken);
    }
}
