using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Database;

namespace Updraft.Server.Agents;

/// <summary>
/// Remembers that agents gave a sign of life. What was written less than <see cref="AgentOptions.SeenEvery"/> ago is
/// not written again: a restart of the server may cost that much of the knowledge, and nothing else.
/// </summary>
internal sealed class RecordHeartbeat(IServiceScopeFactory scopes, IOptions<AgentOptions> options, TimeProvider clock)
{
    private const int AtOnce = 500;

    /// <summary>An agent has asked for something.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="lastSeenAt">What is written about it now.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task RunAsync(AgentId agent, DateTimeOffset lastSeenAt, CancellationToken cancellationToken) =>
        clock.GetUtcNow() - lastSeenAt < options.Value.SeenEvery ? Task.CompletedTask : RunAsync([agent], cancellationToken);

    /// <summary>All these agents are there. One transaction, so that ten thousand of them cost one flush to disk.</summary>
    public async Task RunAsync(IReadOnlyCollection<AgentId> agents, CancellationToken cancellationToken)
    {
        if (agents.Count == 0)
            return;
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var now = clock.GetUtcNow();
        foreach (var some in agents.OrderBy(agent => agent.Value, StringComparer.Ordinal).Chunk(AtOnce))
        {
            await db.Agents.Where(row => some.Contains(row.Id))
                .ExecuteUpdateAsync(row => row.SetProperty(agent => agent.LastSeenAt, now), cancellationToken);
        }
        await write.CommitAsync(cancellationToken);
    }
}
