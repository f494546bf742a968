namespace Updraft.EndToEnd.Tests.Replicas;

/// <summary>
/// Decides whether all operations of the clients on a Deployment have one order, in which each operation takes effect at one moment between
/// its request and its response. The revision log is the order of the changes, so no search is necessary. The log must agree with time, and
/// each observation must fit at one position of the log.
/// </summary>
internal sealed class LinearOrder
{
    private readonly IReadOnlyDictionary<string, Change> _changes;
    private readonly IReadOnlyList<LogEntry> _log;
    private readonly Dictionary<string, int> _positions = new(StringComparer.Ordinal);

    private LinearOrder(IReadOnlyDictionary<string, Change> changes, IReadOnlyList<LogEntry> log) => (_changes, _log) = (changes, log);

    /// <summary>Finds the first operation that contradicts such an order.</summary>
    /// <param name="changes">All finalizes and rollbacks, also those without a response.</param>
    /// <param name="observations">All responses that showed a part of the state.</param>
    /// <param name="log">The revision log, by number.</param>
    /// <returns>A description of the contradiction; null if the order exists.</returns>
    public static string? FindFault(
        IReadOnlyCollection<Change> changes, IReadOnlyCollection<Observation> observations, IReadOnlyList<LogEntry> log)
    {
        var order = new LinearOrder(changes.ToDictionary(change => change.Id, StringComparer.Ordinal), log);
        return order.FaultOfLog() ?? order.FaultOfTime() ?? order.FaultOfObservations(observations);
    }

    /// <summary>
    /// Whether an observation is right between entry number <paramref name="position"/> and the next; 0 is before the first entry.
    /// </summary>
    public static bool Fits(
        Observation observation, IReadOnlyList<LogEntry> log, IReadOnlyDictionary<string, int> positions, int position) =>
        (!observation.ShowsContent || observation.Content == (position == 0 ? null : log[position - 1].Content))
        && observation.Deployed.All(deploy => positions.TryGetValue(deploy, out var at) && at <= position)
        && observation.Open.All(deploy => !positions.TryGetValue(deploy, out var at) || at > position);

    /// <summary>A client requested each entry, once. Each acknowledged change is in the log, with its content.</summary>
    private string? FaultOfLog()
    {
        var entries = new Dictionary<string, LogEntry>(StringComparer.Ordinal);
        for (var i = 0; i < _log.Count; i++)
        {
            var entry = _log[i];
            if (entry.Number != i + 1)
                return $"revision {entry.Number} is at position {i + 1}";
            if (!_changes.TryGetValue(entry.Change, out var change))
                return $"no client requested revision {entry.Number}: {entry}";
            if (!entries.TryAdd(entry.Change, entry))
                return $"{change} took effect twice: as revisions {entries[entry.Change].Number} and {entry.Number}";
            if (change.Deploy is not null && change.Deploy != entry.Deploy)
                return $"revision {entry.Number} belongs to the deploy {entry.Deploy}, but the response of {change} names another";
            if (change.RollbackOf != entry.RollbackOf)
                return $"revision {entry.Number} rolls back to {entry.RollbackOf ?? "nothing"}, but the client requested {change}";
            if (entry.RollbackOf is not null && !_positions.ContainsKey(entry.RollbackOf))
                return $"revision {entry.Number} rolls back to {entry.RollbackOf}, which was not deployed before";
            var content = entry.RollbackOf is null ? change.Content : _log[_positions[entry.RollbackOf] - 1].Content;
            if (content != entry.Content)
                return $"revision {entry.Number} has the content {entry.Content} instead of {content}";
            if (!_positions.TryAdd(entry.Deploy, i + 1))
                return $"the deploy {entry.Deploy} made revisions {_positions[entry.Deploy]} and {entry.Number}";
        }
        return _changes.Values.FirstOrDefault(change => change.Responded is not null && !entries.ContainsKey(change.Id)) is { } lost
            ? $"{lost} was acknowledged and is missing" : null;
    }

    /// <summary>No change is before a change that was acknowledged before the first one began.</summary>
    private string? FaultOfTime()
    {
        Change? latest = null;
        foreach (var change in _log.Select(entry => _changes[entry.Change]))
        {
            if (latest is not null && change.Responded < latest.Began)
                return $"{change} was acknowledged before {latest} began, but is after it in the log";
            if (latest is null || change.Began > latest.Began)
                latest = change;
        }
        return null;
    }

    /// <summary>
    /// Gives each observation the first possible position, in the order in which the observations began. Each lower bound of an observation
    /// comes from an operation that began earlier. An earlier position never takes one from a later observation. So the first failure is
    /// final.
    /// </summary>
    private string? FaultOfObservations(IReadOnlyCollection<Observation> observations)
    {
        var changes = _log.Select((entry, i) => (Change: _changes[entry.Change], Position: i + 1)).ToList();
        var responded = changes.Where(change => change.Change.Responded is not null)
            .Select(change => (Responded: change.Change.Responded!.Value, change.Position)).OrderBy(change => change.Responded).ToList();
        var begun = changes.Select(change => (change.Change.Began, change.Position)).OrderByDescending(change => change.Began).ToList();
        var seen = new PriorityQueue<int, long>();
        var (next, floor) = (0, 0);
        foreach (var observation in observations.OrderBy(observation => observation.Began))
        {
            for (; next < responded.Count && responded[next].Responded < observation.Began; next++)
                    floor = Math.Max(floor, responded[next].Position);
            while (seen.TryPeek(out var earlier, out var when) && when < observation.Began)
            {
                floor = Math.Max(floor, earlier);
                seen.Dequeue();
            }
            var position = floor;
            while (position <= _log.Count && !Fits(observation, _log, _positions, position))
                position++;
            if (position > _log.Count)
                return $"{Describe(observation)} is stale: revision {floor} had been acknowledged or observed when it began";
            var ceiling = begun.TakeWhile(change => change.Began > observation.Responded).Select(change => change.Position)
                .DefaultIfEmpty(int.MaxValue).Min();
            if (position >= ceiling)
                return $"{Describe(observation)} shows revision {position}, but a client requested revision {ceiling} only later";
            seen.Enqueue(position, observation.Responded);
        }
        return null;
    }

    private static string Describe(Observation observation) =>
        $"an observation from {observation.Began} to {observation.Responded} of '{observation.Content}', "
            + $"deployed: {string.Join(' ', observation.Deployed)}, open: {string.Join(' ', observation.Open)}";
}
