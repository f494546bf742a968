using System.Collections.Concurrent;
using Updraft.Protocol;
using Updraft.Server.Api;

namespace Updraft.Server.Agents;

/// <summary>
/// Detects two running processes with one agent id, for example of a cloned machine. Their reports hide each other. Each run of an agent
/// has a session id. A restart changes it once, but two processes bring earlier sessions back again and again. Each replica counts the
/// requests that it receives, since its start.
/// </summary>
internal sealed class AgentSessions(TimeProvider clock, ILogger<AgentSessions> log)
{
    /// <summary>How often earlier sessions must come back. A late request of a stopped process brings one back once.</summary>
    private const int MinReturns = 2;

    private const int MaxAgents = 100_000, MaxEarlier = 4;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(10);
    private readonly ConcurrentDictionary<AgentId, Sessions> _agents = new();

    /// <summary>Reads a session id of a request; null if it has none, as requests of earlier versions of the agent.</summary>
    /// <exception cref="ApiException">400: the text is not an id.</exception>
    public static string? Check(string? session) => string.IsNullOrEmpty(session) ? null
        : EntityId.IsValid(session) ? session
        : throw ApiException.BadRequest("The session id must be 25 characters: 'c', then 24 characters of a-z and 0-9.");

    /// <summary>Records the session of a request that was accepted. Null has no effect.</summary>
    public void Record(AgentId agent, string? session)
    {
        if (session is null)
            return;
        if (_agents.Count >= MaxAgents)
            _agents.Clear();
        if (_agents.GetOrAdd(agent, static _ => new Sessions()).Record(session, clock.GetUtcNow()))
        {
            log.LogWarning("Two processes report as agent {Agent}. Their root directories are copies of each other. On one of the hosts, "
                + "stop the agent, remove '.updraft/agent.json' and '.updraft/agent.json.bak', and start it again.", agent);
        }
    }

    /// <summary>Whether two processes used the agent id within the last ten minutes.</summary>
    public bool IsDuplicated(AgentId agent) =>
        _agents.TryGetValue(agent, out var sessions) && sessions.IsDuplicatedSince(clock.GetUtcNow() - Window);

    private sealed class Sessions
    {
        private readonly Lock _gate = new();
        private readonly Queue<string> _earlier = new();
        private string? _current;
        private DateTimeOffset _returnedAt, _duplicatedAt;
        private int _returns;

        /// <returns>Whether the agent id became duplicated by this request.</returns>
        public bool Record(string session, DateTimeOffset now)
        {
            lock (_gate)
            {
                if (session == _current)
                    return false;
                var isReturn = _earlier.Contains(session);
                if (_current is not null && !_earlier.Contains(_current))
                    _earlier.Enqueue(_current);
                if (_earlier.Count > MaxEarlier)
                    _earlier.Dequeue();
                _current = session;
                if (!isReturn)
                    return false;
                _returns = now - _returnedAt > Window ? 1 : _returns + 1;
                _returnedAt = now;
                if (_returns < MinReturns)
                    return false;
                var isNew = now - _duplicatedAt > Window;
                _duplicatedAt = now;
                return isNew;
            }
        }

        public bool IsDuplicatedSince(DateTimeOffset start)
        {
            lock (_gate)
                return _duplicatedAt >= start;
        }
    }
}
