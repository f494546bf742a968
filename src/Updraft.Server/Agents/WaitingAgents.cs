using System.Collections.Concurrent;
using Updraft.Protocol;

namespace Updraft.Server.Agents;

/// <summary>The agents with a long poll at this replica. They are live, although they send no further request.</summary>
internal sealed class WaitingAgents
{
    private readonly ConcurrentDictionary<AgentId, int> _requests = new();

    public IReadOnlyCollection<AgentId> Now => [.. _requests.Select(entry => entry.Key)];

    /// <summary>Counts the agent as waiting until the result is disposed.</summary>
    public IDisposable Enter(AgentId agent)
    {
        _requests.AddOrUpdate(agent, 1, static (_, count) => count + 1);
        return new WaitScope(this, agent);
    }

    private void Leave(AgentId agent)
    {
        while (_requests.TryGetValue(agent, out var count))
        {
            if (count > 1 ? _requests.TryUpdate(agent, count - 1, count) : _requests.TryRemove(new(agent, count)))
                return;
        }
    }

    private sealed class WaitScope(WaitingAgents all, AgentId agent) : IDisposable
    {
        private WaitingAgents? _all = all;

        public void Dispose() => Interlocked.Exchange(ref _all, null)?.Leave(agent);
    }
}
